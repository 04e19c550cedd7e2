using System.IO.Pipelines;
using Mqtt.Server.Time;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>A publisher that waits until a slow subscriber has room again, or until its time is over.</summary>
internal sealed class Pause(PipeScheduler scheduler) : Deadline
{
    private readonly TaskCompletionSource source = new();

    /// <summary>Completes when the publisher may go on.</summary>
    public Task Ended => source.Task;

    /// <summary>Lets the publisher go on; he does so on the scheduler, never within this call.</summary>
    public void End() => scheduler.Schedule(static source => ((TaskCompletionSource)source!).TrySetResult(), source);

    protected internal override long OnDue(long now)
    {
        End();
        return Never;
    }
}
