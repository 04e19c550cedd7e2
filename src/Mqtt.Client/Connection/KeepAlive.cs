namespace Mqtt.Client;

/// <summary>
/// Keeps one connection alive and notices that it is dead. Twice in each keep-alive it looks back: if nothing was sent, PINGREQ goes
/// out, so that no pause is longer than the keep-alive [MQTT-3.1.2-20]; also if nothing came, since one who only sends would never notice.
/// PINGRESP must come in time, whatever else comes. So a peer that has gone silently is found at the latest 1.5 intervals after its last byte.
/// </summary>
internal sealed class KeepAlive(TimeProvider clock, TimeSpan answerLimit, Action ping, Action onDead) : IDisposable
{
    private readonly Lock gate = new();
    private ITimer? timer;
    private ITimer? deadline;
    private bool isDisposed;
    private bool isPaused;
    private bool isAwaited;

    // Written by whoever sends and receives, read by the timer: a late look costs a ping too many.
    private volatile bool hasSent;
    private volatile bool hasReceived;

    /// <summary>Begins to watch; an interval of zero turns it off.</summary>
    public void Start(TimeSpan interval)
    {
        if (interval == TimeSpan.Zero)
            return;

        // A peer that fell silent is asked at most one interval after its last byte: half of one more makes the bound.
        if (answerLimit > interval / 2)
            answerLimit = interval / 2;
        lock (gate)
        {
            if (!isDisposed)
                timer = clock.CreateTimer(static state => ((KeepAlive)state!).Look(), this, interval / 2, interval / 2);
        }
    }

    public void OnSent() => hasSent = true;

    public void OnReceived() => hasReceived = true;

    public void OnPingResponse()
    {
        lock (gate)
        {
            isAwaited = false;
            deadline?.Dispose();
            deadline = null;
        }
    }

    /// <summary>Nothing is read for a while: pings go out all the same, since the server wants them, but the time for their answers stands still.</summary>
    public void Pause()
    {
        lock (gate)
        {
            isPaused = true;
            deadline?.Dispose();
            deadline = null;
        }
    }

    /// <summary>Reading goes on; an answer that is due has its time from now on.</summary>
    public void GoOn()
    {
        lock (gate)
        {
            isPaused = false;
            if (isAwaited && deadline is null)
                StartDeadline();
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            isDisposed = true;
            timer?.Dispose();
            deadline?.Dispose();
        }
    }

    private void Look()
    {
        lock (gate)
        {
            var isBusy = hasSent && (hasReceived || isPaused);
            hasSent = hasReceived = false;
            if (isBusy || isDisposed || deadline is not null)
                return;
            isAwaited = true;
            if (!isPaused)
                StartDeadline();
        }

        ping();
    }

    private void StartDeadline()
    {
        if (!isDisposed && answerLimit != Timeout.InfiniteTimeSpan)
            deadline = clock.CreateTimer(static state => ((KeepAlive)state!).OnDeadline(), this, answerLimit, Timeout.InfiniteTimeSpan);
    }

    private void OnDeadline()
    {
        lock (gate)
        {
            if (isDisposed || deadline is null)
                return;
        }

        onDead();
    }
}
