using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Server.Broker.Rules;

/// <summary>
/// Publishes later what clients publish to <c>$delayed/{seconds}/{topic}</c>: the message goes to <c>{topic}</c> when the seconds are over, in the order of the
/// times. Among <see cref="MqttBrokerOptions.Hooks"/> it switches this on.
/// <list type="bullet">
/// <item>Rights and hooks are asked when the message comes, about <c>{topic}</c>.</item>
/// <item>It is acknowledged at once, and kept in memory alone, never in a store: what waits when the broker ends is lost, and logged.</item>
/// <item>Its expiry counts from its coming. Its RETAIN flag takes effect when it is published. It comes to who subscribes at that time.</item>
/// <item>A will can be delayed as well; its seconds begin when it would be published.</item>
/// <item>A number that is none, or too large, or an empty topic: 0x90. No room: 0x97. 3.x clients get their acknowledgement in both cases; it is counted.</item>
/// </list>
/// </summary>
public sealed record DelayedPublish : IBrokerHook
{
    /// <summary>How many messages may wait. Default: 10,000.</summary>
    public int MaximumCount { get; init; } = 10_000;

    /// <summary>How many bytes may wait. Default: 16 MiB.</summary>
    public long MaximumBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>The longest delay. Default: 7 days.</summary>
    public TimeSpan MaximumDelay { get; init; } = TimeSpan.FromDays(7);

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaximumCount);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaximumBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaximumDelay, TimeSpan.FromSeconds(1));
    }
}
