using Microsoft.Extensions.Logging;
using Mqtt.Protocol.Channels;

namespace Mqtt.Server.Time;

/// <summary>
/// The one timer of a server or broker: ten times a second it moves the coarse clock that hot paths read, and runs what is due.
/// Monotonic; the wall clock is asked only where something is stored.
/// </summary>
internal sealed class Heartbeat : IAsyncDisposable
{
    private const int DeadlinesPerTurn = 256;

    private readonly TimeProvider time;
    private readonly Action<Exception> onFailure;
    private readonly DeadlineWheel wheel = new();
    private readonly IAsyncDisposable beats;
    private readonly long start;
    private long now;
    private int beating;

    public Heartbeat(TimeProvider time, ILogger logger)
    {
        this.time = time;
        onFailure = logger.DeadlineFailed;
        start = time.GetTimestamp();
        var period = TimeSpan.FromMilliseconds(DeadlineWheel.TickMilliseconds);
        beats = time == TimeProvider.System
            ? new BeatThread(Beat, period)
            : time.CreateTimer(static state => ((Heartbeat)state!).Beat(), this, period, period);
    }

    /// <summary>Milliseconds since the heartbeat began, at most a tenth of a second old.</summary>
    public long Now => Volatile.Read(ref now);

    /// <summary>The wall clock, for what is stored.</summary>
    public DateTimeOffset UtcNow => time.GetUtcNow();

    /// <summary>Sets a deadline, counted from now.</summary>
    public void SetAfter(Deadline deadline, TimeSpan delay) => wheel.Set(deadline, Exact() + (long)delay.TotalMilliseconds);

    /// <summary>Sets a deadline at a time of this clock.</summary>
    public void Set(Deadline deadline, long due) => wheel.Set(deadline, due);

    /// <summary>Takes a deadline out.</summary>
    public void Clear(Deadline deadline) => wheel.Clear(deadline);

    public ValueTask DisposeAsync() => beats.DisposeAsync();

    private long Exact() => (long)time.GetElapsedTime(start).TotalMilliseconds;

    // A turn for each few: when thousands of wills are due in one moment, their subscribers get them as they come, and the clock goes on.
    private bool AdvanceALittle()
    {
        Volatile.Write(ref now, Exact());
        using (Turn.Enter(out _))
            return wheel.Advance(Now, DeadlinesPerTurn, onFailure);
    }

    private void Beat()
    {
        // A beat that takes longer than a tenth of a second makes the next ones superfluous.
        if (Interlocked.Exchange(ref beating, 1) != 0)
            return;
        try
        {
            while (AdvanceALittle())
            {
            }
        }
        catch (Exception failure)
        {
            onFailure(failure);
        }
        finally
        {
            Volatile.Write(ref beating, 0);
        }
    }
}
