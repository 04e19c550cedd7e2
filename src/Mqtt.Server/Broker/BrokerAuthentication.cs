namespace Mqtt.Server.Broker;

/// <summary>How the broker authenticates, if there are hooks that do; without any, everybody may connect.</summary>
public sealed record BrokerAuthentication
{
    /// <summary>Whether a client may connect that no hook has decided on. Default: false.</summary>
    public bool AllowUndecided { get; init; }

    /// <summary>
    /// Whether a session belongs to the user who began it: another user is refused its client identifier (0x85) while the session exists.
    /// Default: true.
    /// </summary>
    public bool BindClientIds { get; init; } = true;

    /// <summary>How long all hooks together may take for one client, the waiting for its answers included; then it is refused. Default: 10 s, as long as a CONNECT may take.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How many questions an enhanced authentication may ask. Default: 32.</summary>
    public int MaximumSteps { get; init; } = 32;

    /// <summary>How many bytes of data a client may send in one enhanced authentication. Default: 64 KiB.</summary>
    public int MaximumBytes { get; init; } = 64 * 1024;

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(Timeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaximumSteps);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaximumBytes, 16);
    }
}
