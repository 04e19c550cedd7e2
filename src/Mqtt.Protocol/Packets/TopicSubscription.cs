namespace Mqtt.Protocol;

/// <summary>One filter of a SUBSCRIBE with its options (section 3.8.3.1). In 3.x only the QoS goes over the wire.</summary>
/// <param name="Filter">The topic filter; it may hold wildcards and begin with <c>$share/name/</c>.</param>
/// <param name="QualityOfService">The highest QoS at which messages are to come. Default: QoS 0.</param>
public readonly record struct TopicSubscription(MqttString Filter, QualityOfService QualityOfService = QualityOfService.AtMostOnce)
{
    /// <summary>Do not send messages that this client published itself (5.0). Default: false.</summary>
    public bool NoLocal { get; init; }

    /// <summary>Keep the RETAIN flag as it was published (5.0). Default: false.</summary>
    public bool RetainAsPublished { get; init; }

    /// <summary>When retained messages are sent (5.0). Default: at every subscribe.</summary>
    public RetainHandling RetainHandling { get; init; }
}
