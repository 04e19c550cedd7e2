using Mqtt.Protocol;

namespace Mqtt.Testing;

/// <summary>
/// The faults of one direction of a <see cref="FaultChannel"/>. Without any, bytes pass as they come. Everything may be changed at any
/// time from any thread, and holds from the next piece on.
/// </summary>
public sealed class FaultDirection
{
    private readonly Lock gate = new();
    private readonly TimeProvider time;
    private readonly CancellationToken aborted;

    private Func<int>? nextSize;
    private TimeSpan delay;
    private bool held;
    private TaskCompletionSource? waiting;
    private long cutAt = long.MaxValue;
    private long passed;

    internal FaultDirection(TimeProvider time, CancellationToken aborted)
    {
        this.time = time;
        this.aborted = aborted;
    }

    /// <summary>How long each piece takes on its way. Default: no time.</summary>
    public TimeSpan Delay
    {
        get
        {
            lock (gate)
                return delay;
        }

        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            lock (gate)
                delay = value;
        }
    }

    /// <summary>How many bytes have passed.</summary>
    public long PassedBytes
    {
        get
        {
            lock (gate)
                return passed;
        }
    }

    /// <summary>True while nothing passes; see <see cref="Hold"/>.</summary>
    public bool IsHeld
    {
        get
        {
            lock (gate)
                return held;
        }
    }

    /// <summary>True once the cut has been reached.</summary>
    public bool IsCut
    {
        get
        {
            lock (gate)
                return passed >= cutAt;
        }
    }

    internal FaultCut Cut { get; private set; }

    /// <summary>Lets bytes pass in pieces of at most these sizes, again and again in this order; no sizes: as they come.</summary>
    public void Split(params ReadOnlySpan<int> sizesBytes)
    {
        foreach (var size in sizesBytes)
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size, nameof(sizesBytes));
        var sizes = sizesBytes.ToArray();
        var next = 0;
        lock (gate)
            nextSize = sizes.Length == 0 ? null : () => sizes[next++ % sizes.Length];
    }

    /// <summary>Lets bytes pass in pieces of random sizes, 1 to <paramref name="largestBytes"/>.</summary>
    public void SplitRandomly(Random random, int largestBytes)
    {
        ArgumentNullException.ThrowIfNull(random);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(largestBytes);
        lock (gate)
            nextSize = () => random.Next(largestBytes) + 1;
    }

    /// <summary>Lets nothing pass until <see cref="Release"/>. What has passed has passed.</summary>
    public void Hold()
    {
        lock (gate)
            held = true;
    }

    /// <summary>Lets bytes pass again. Who waited goes on before this returns, on the calling thread.</summary>
    public void Release()
    {
        TaskCompletionSource? released;
        lock (gate)
        {
            held = false;
            released = waiting;
            waiting = null;
        }

        using var plain = NoContext.Enter();
        released?.TrySetResult();
    }

    /// <summary>Cuts the connection as soon as <paramref name="bytes"/> bytes have passed since the channel was made; 0 lets none pass.</summary>
    public void CutAfter(long bytes, FaultCut cut = FaultCut.Abort)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        lock (gate)
        {
            cutAt = bytes;
            Cut = cut;
        }
    }

    /// <summary>Waits as long as a piece takes, and while the direction is held.</summary>
    internal async ValueTask PassAsync(bool withDelay, CancellationToken cancellationToken)
    {
        try
        {
            if (withDelay && Delay is var pause && pause > TimeSpan.Zero)
                await PauseAsync(pause, cancellationToken).ConfigureAwait(false);
            while (BeginToWait() is { } released)
                await EndAsync(released, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new MqttConnectionException("The connection was aborted.");
        }
    }

    /// <summary>How many of <paramref name="wanted"/> bytes are the next piece; 0 at the cut.</summary>
    internal int NextPiece(int wanted)
    {
        lock (gate)
        {
            var size = nextSize is null ? wanted : Math.Min(wanted, nextSize());
            return (int)Math.Clamp(cutAt - passed, 0, size);
        }
    }

    internal void Count(int bytes)
    {
        lock (gate)
            passed += bytes;
    }

    // Neither Task.Delay nor Task.WaitAsync would do: when cancelled, they let others go on elsewhere and later.
    private async Task PauseAsync(TimeSpan pause, CancellationToken cancellationToken)
    {
        var over = new TaskCompletionSource();
        using var timer = time.CreateTimer(static over => ((TaskCompletionSource)over!).TrySetResult(), over, pause, Timeout.InfiniteTimeSpan);
        await EndAsync(over, cancellationToken).ConfigureAwait(false);
    }

    private TaskCompletionSource? BeginToWait()
    {
        lock (gate)
            return held ? waiting = new TaskCompletionSource() : null;
    }

    private async Task EndAsync(TaskCompletionSource source, CancellationToken cancellationToken)
    {
        using var byAbort = aborted.UnsafeRegister(Cancel, source);
        using var byCaller = cancellationToken.UnsafeRegister(Cancel, source);
        await source.Task.ConfigureAwait(false);
    }

    private static void Cancel(object? source, CancellationToken token) => ((TaskCompletionSource)source!).TrySetCanceled(token);
}
