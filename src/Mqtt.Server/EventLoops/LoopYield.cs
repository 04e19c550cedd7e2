using System.Threading.Tasks.Sources;

namespace Mqtt.Server.EventLoops;

/// <summary>
/// One who lets others have their turn and goes on on the loop, again and again, without allocation. He is posted only once he waits:
/// posted before, he could find himself done, and stay on the thread where he was.
/// </summary>
internal sealed class LoopYield : IValueTaskSource
{
    private readonly EventLoop loop;
    private readonly Action wake;
    private ManualResetValueTaskSourceCore<bool> source;

    public LoopYield(EventLoop loop)
    {
        this.loop = loop;
        wake = () => source.SetResult(true);
    }

    /// <summary>What he waits for.</summary>
    public ValueTask Begin()
    {
        source.Reset();
        return new ValueTask(this, source.Version);
    }

    void IValueTaskSource.GetResult(short token) => source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => source.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        source.OnCompleted(continuation, state, token, flags);
        loop.Post(wake);
    }
}
