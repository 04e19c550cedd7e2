namespace Mqtt.Client;

/// <summary>What a subscription asks for beside its filter and quality of service.</summary>
public sealed record MqttSubscriptionOptions
{
    internal static MqttSubscriptionOptions Default { get; } = new();

    /// <summary>Do not send messages that this client published itself (5.0). Default: false.</summary>
    public bool NoLocal { get; init; }

    /// <summary>Keep the RETAIN flag as it was published (5.0). Default: false.</summary>
    public bool RetainAsPublished { get; init; }

    /// <summary>When retained messages are sent (5.0). Default: at every subscribe.</summary>
    public RetainHandling RetainHandling { get; init; }

    /// <summary>
    /// Disposing the subscription also ends it at the server, and acknowledges what nobody has read. If false, the server keeps it for the
    /// next run, and what is unread stays unacknowledged and comes again then. Default: true.
    /// </summary>
    public bool UnsubscribeOnDispose { get; init; } = true;

    /// <summary>How many messages may wait; a QoS 0 message beyond it is dropped and counted. Default: <see cref="MqttClientLimits.StreamMessageCount"/>.</summary>
    public int? MessageCount { get; init; }

    /// <summary>How many bytes of messages may wait; a QoS 0 message beyond it is dropped and counted. Default: <see cref="MqttClientLimits.StreamBytes"/>.</summary>
    public int? Bytes { get; init; }
}
