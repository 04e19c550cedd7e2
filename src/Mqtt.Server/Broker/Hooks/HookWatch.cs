using Mqtt.Server.Time;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>Reports a hook that takes too long, while it still does.</summary>
internal sealed class HookWatch(HookRunner runner) : Deadline
{
    protected internal override long OnDue(long now)
    {
        runner.OnSlow();
        return Never;
    }
}
