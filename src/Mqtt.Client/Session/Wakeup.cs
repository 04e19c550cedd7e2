using System.Threading.Tasks.Sources;

namespace Mqtt.Client;

/// <summary>
/// One waiter that can be woken, again and again, without allocation; it goes on at the thread pool. The owner's lock decides who
/// wakes it: <see cref="Wait"/> and <see cref="Take"/> are called under it, and who took the waiter fires it afterwards, outside.
/// </summary>
internal sealed class Wakeup(Lock gate) : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> source = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration cancellation;
    private CancellationToken token;
    private bool waiting;

    /// <summary>Begins to wait. Under the lock.</summary>
    public ValueTask Wait(CancellationToken cancellationToken)
    {
        if (waiting)
            throw new InvalidOperationException("A stream has one reader at a time.");
        cancellationToken.ThrowIfCancellationRequested();
        token = cancellationToken;
        source.Reset();
        waiting = true;
        if (cancellationToken.CanBeCanceled)
            cancellation = cancellationToken.UnsafeRegister(static state => ((Wakeup)state!).Cancel(), this);
        return new ValueTask(this, source.Version);
    }

    /// <summary>Takes the waiter, if there is one: the caller fires it. Under the lock.</summary>
    public bool Take()
    {
        var taken = waiting;
        waiting = false;
        return taken;
    }

    /// <summary>Wakes the waiter that was taken. Outside the lock: a cancellation that is under way needs the lock, and is waited for.</summary>
    public void Fire()
    {
        cancellation.Dispose();
        cancellation = default;
        if (token.IsCancellationRequested)
            source.SetException(new OperationCanceledException(token));
        else
            source.SetResult(true);
    }

    void IValueTaskSource.GetResult(short version) => source.GetResult(version);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short version) => source.GetStatus(version);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short version, ValueTaskSourceOnCompletedFlags flags) =>
        source.OnCompleted(continuation, state, version, flags);

    private void Cancel()
    {
        lock (gate)
        {
            if (!Take())
                return;
        }

        Fire();
    }
}
