using System.Threading.Tasks.Sources;

namespace Mqtt.Server.EventLoops;

/// <summary>One who waits for a loop, again and again, without allocation. He goes on on the thread that wakes him: the loop's.</summary>
internal sealed class LoopWaiter : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> source;

    /// <summary>Begins to wait.</summary>
    public ValueTask Begin()
    {
        source.Reset();
        return new ValueTask(this, source.Version);
    }

    /// <summary>Wakes the one who waits.</summary>
    public void Wake() => source.SetResult(true);

    /// <summary>Wakes him with an error.</summary>
    public void Fail(Exception error) => source.SetException(error);

    void IValueTaskSource.GetResult(short token) => source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => source.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        source.OnCompleted(continuation, state, token, flags);
}
