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

    /// <summary>What becomes of a QoS 0 message that finds the stream full. Default: it is dropped and counted.</summary>
    public MqttOverflow Overflow { get; init; }

    /// <summary>How many messages may wait before <see cref="Overflow"/> comes to bear. Default: <see cref="MqttClientLimits.StreamMessageCount"/>.</summary>
    public int? MessageCount { get; init; }

    /// <summary>How many bytes of messages may wait before <see cref="Overflow"/> comes to bear. Default: <see cref="MqttClientLimits.StreamBytes"/>.</summary>
    public int? Bytes { get; init; }

    /// <summary>
    /// Messages of QoS 1 and 2 are acknowledged by <see cref="MqttMessage.Acknowledge"/>, whenever that is; not by the handler's end, nor when the stream
    /// goes on. What is in hand counts against our Receive Maximum: once that many are unacknowledged, the server sends no more. Default: false.
    /// </summary>
    public bool AcknowledgeByHand { get; init; }

    /// <summary>
    /// How many messages the handler works at side by side: those of one <see cref="ConcurrencyKey"/> in order, those of different keys as they come. It gets
    /// copies then; acknowledgements leave in the order of arrival all the same. Only for handlers. Default: 1.
    /// </summary>
    public int MaximumConcurrency { get; init; } = 1;

    /// <summary>What messages must have in common to be handled in order where <see cref="MaximumConcurrency"/> is above 1; must not block. Default: the topic.</summary>
    public Func<MqttMessage, MqttString>? ConcurrencyKey { get; init; }

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentException">An option has a value that cannot be; the message names it.</exception>
    internal MqttSubscriptionOptions Validate(bool hasHandler)
    {
        Require(MessageCount is null or > 0, nameof(MessageCount), "it is at least 1");
        Require(Bytes is null or > 0, nameof(Bytes), "it is at least 1");
        Require(Overflow is >= MqttOverflow.DropNewest and <= MqttOverflow.Wait, nameof(Overflow), "there is no such policy");
        Require(MaximumConcurrency >= 1, nameof(MaximumConcurrency), "it is at least 1");
        Require(MaximumConcurrency == 1 || hasHandler, nameof(MaximumConcurrency), "a stream has one reader");
        return this;
    }

    private static void Require(bool condition, string name, string why)
    {
        if (!condition)
            throw new ArgumentException($"{nameof(MqttSubscriptionOptions)}.{name} cannot be used: {why}.", name);
    }
}
