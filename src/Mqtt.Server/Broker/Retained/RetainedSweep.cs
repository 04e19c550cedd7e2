using Mqtt.Protocol;
using Mqtt.Server.Broker.Sessions;
using Mqtt.Server.Time;

namespace Mqtt.Server.Broker.Retained;

/// <summary>
/// Forgets retained messages that have expired though nobody asks for them, in memory and in the store: a few topics each second, whatever their number. Runs
/// on the heartbeat.
/// </summary>
internal sealed class RetainedSweep : Deadline
{
    private const int TopicsOfOneLook = 1024;
    private const long MillisecondsBetween = 1000;

    private readonly RetainedMessages retained;
    private readonly SessionContext context;
    private MqttString after;

    public RetainedSweep(RetainedMessages retained, SessionContext context)
    {
        this.retained = retained;
        this.context = context;
        context.Heartbeat.SetAfter(this, TimeSpan.FromMilliseconds(MillisecondsBetween));
    }

    protected internal override long OnDue(long now)
    {
        if (retained.HasExpiring)
            after = retained.Sweep(after, TopicsOfOneLook, now, context.Hooks.Retained);
        return now + MillisecondsBetween;
    }
}
