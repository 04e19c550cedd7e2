using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace Mqtt.Protocol.Channels;

/// <summary>
/// One waiter that can be woken, again and again, without allocation. The owner's lock decides who wakes it:
/// <see cref="Wait"/> and <see cref="Take"/> are called under it, and who took the waiter fires it afterwards, outside.
/// </summary>
internal sealed class Signal(PipeScheduler scheduler) : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> source;
    private CancellationTokenRegistration cancellation;
    private CancellationToken token;
    private Lock? gate;
    private bool waiting;

    /// <summary>Begins to wait. Under the lock.</summary>
    public ValueTask Wait(Lock owner, CancellationToken cancellationToken)
    {
        if (waiting)
            throw new InvalidOperationException("One reader and one writer at a time.");
        cancellationToken.ThrowIfCancellationRequested();
        gate = owner;
        token = cancellationToken;
        source.Reset();
        waiting = true;
        if (cancellationToken.CanBeCanceled)
            cancellation = cancellationToken.UnsafeRegister(static state => ((Signal)state!).Cancel(), this);
        return new ValueTask(this, source.Version);
    }

    /// <summary>Takes the waiter, if there is one: the caller fires it. Under the lock.</summary>
    public bool Take()
    {
        var taken = waiting;
        waiting = false;
        return taken;
    }

    /// <summary>Wakes the waiter that was taken. Outside the lock.</summary>
    public void Fire() => scheduler.Schedule(static state => ((Signal)state!).Complete(), this);

    void IValueTaskSource.GetResult(short version) => source.GetResult(version);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short version) => source.GetStatus(version);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short version, ValueTaskSourceOnCompletedFlags flags) =>
        source.OnCompleted(continuation, state, version, flags);

    private void Complete()
    {
        cancellation.Dispose();
        cancellation = default;
        if (token.IsCancellationRequested)
            source.SetException(new OperationCanceledException(token));
        else
            source.SetResult(true);
    }

    private void Cancel()
    {
        lock (gate!)
        {
            if (!Take())
                return;
        }

        Fire();
    }
}
