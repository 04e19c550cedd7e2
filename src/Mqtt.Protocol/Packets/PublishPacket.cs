namespace Mqtt.Protocol;

/// <summary>PUBLISH: an application message (section 3.3). Wire: topic name, packet identifier (QoS 1 and 2), properties; then the payload.</summary>
public sealed class PublishPacket : MqttPacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.Publish;

    /// <summary>The topic name; empty only where a topic alias stands for it. Default: empty.</summary>
    public MqttString Topic { get; set; }

    /// <summary>The application's bytes. Default: none.</summary>
    public ReadOnlyMemory<byte> Payload { get; set; }

    /// <summary>How surely the message is to be delivered. Default: QoS 0.</summary>
    public QualityOfService QualityOfService { get; set; }

    /// <summary>To a server: keep it as the topic's last message. To a client: it is such a message. Default: false.</summary>
    public bool Retain { get; set; }

    /// <summary>The packet was perhaps sent before (DUP). Default: false.</summary>
    public bool Duplicate { get; set; }

    /// <summary>The packet identifier: 1 to 65,535 at QoS 1 and 2, 0 at QoS 0. Default: 0.</summary>
    public ushort PacketId { get; set; }

    /// <summary>The identifiers of the subscriptions that the message matched, as the server sends them (5.0). Default: none.</summary>
    public SubscriptionIdentifiers SubscriptionIdentifiers => new(Properties);

    /// <summary>Adds one subscription identifier, 1 to 268,435,455 (5.0; servers only).</summary>
    public void AddSubscriptionIdentifier(uint value) => Properties = Properties.Add(PropertyId.SubscriptionIdentifier, value);

    /// <summary>0: bytes; 1: the payload is UTF-8 (5.0). Default: absent, which is 0.</summary>
    public byte? PayloadFormatIndicator
    {
        get => (byte?)Properties.GetNumber(PropertyId.PayloadFormatIndicator);
        set => Properties = Properties.With(PropertyId.PayloadFormatIndicator, value);
    }

    /// <summary>How long the message is of use, in seconds (5.0). Default: absent, for ever.</summary>
    public uint? MessageExpiryInterval
    {
        get => Properties.GetNumber(PropertyId.MessageExpiryInterval);
        set => Properties = Properties.With(PropertyId.MessageExpiryInterval, value);
    }

    /// <summary>A number that stands for the topic on this connection (5.0). Default: absent.</summary>
    public ushort? TopicAlias
    {
        get => Properties.GetShort(PropertyId.TopicAlias);
        set => Properties = Properties.With(PropertyId.TopicAlias, value);
    }

    /// <summary>The topic to which an answer goes (5.0). Default: absent.</summary>
    public MqttString? ResponseTopic
    {
        get => Properties.GetString(PropertyId.ResponseTopic);
        set => Properties = Properties.With(PropertyId.ResponseTopic, value);
    }

    /// <summary>What tells the requester to which request an answer belongs (5.0). Default: absent.</summary>
    public ReadOnlyMemory<byte>? CorrelationData
    {
        get => Properties.GetBinary(PropertyId.CorrelationData);
        set => Properties = Properties.With(PropertyId.CorrelationData, value);
    }

    /// <summary>What the payload is, as the application says it (5.0). Default: absent.</summary>
    public MqttString? ContentType
    {
        get => Properties.GetString(PropertyId.ContentType);
        set => Properties = Properties.With(PropertyId.ContentType, value);
    }
}
