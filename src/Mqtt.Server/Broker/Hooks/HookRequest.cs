namespace Mqtt.Server.Broker.Hooks;

/// <summary>What a hook is asked about. It belongs to the hook until the task that the hook returns has completed.</summary>
public abstract class HookRequest
{
    private protected HookRequest()
    {
    }

    /// <summary>True once a hook has refused or dropped it: the hooks that follow are not asked.</summary>
    public bool IsDecided { get; private protected set; }
}
