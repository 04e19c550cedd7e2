namespace Mqtt.Protocol;

/// <summary>The will: the message that the server publishes when the connection ends without a DISCONNECT (section 3.1.2.5).</summary>
public sealed class WillMessage
{
    /// <summary>The topic name.</summary>
    public MqttString Topic { get; set; }

    /// <summary>The application's bytes. Default: none.</summary>
    public ReadOnlyMemory<byte> Payload { get; set; }

    /// <summary>How surely the will is to be delivered. Default: QoS 0.</summary>
    public QualityOfService QualityOfService { get; set; }

    /// <summary>Keep the will as the topic's last message. Default: false.</summary>
    public bool Retain { get; set; }

    /// <summary>The properties as they stand on the wire; the members below read and write them by name.</summary>
    public MqttProperties Properties { get; set; }

    /// <summary>Name-value pairs in their order (5.0). Default: none.</summary>
    public UserProperties UserProperties
    {
        get => Properties.UserProperties;
        set => Properties = Properties.With(value);
    }

    /// <summary>How long the server waits before it publishes the will, in seconds (5.0). Default: absent, which is 0.</summary>
    public uint? DelayInterval
    {
        get => Properties.GetNumber(PropertyId.WillDelayInterval);
        set => Properties = Properties.With(PropertyId.WillDelayInterval, value);
    }

    /// <summary>0: bytes; 1: the payload is UTF-8 (5.0). Default: absent, which is 0.</summary>
    public byte? PayloadFormatIndicator
    {
        get => (byte?)Properties.GetNumber(PropertyId.PayloadFormatIndicator);
        set => Properties = Properties.With(PropertyId.PayloadFormatIndicator, value);
    }

    /// <summary>How long the message is of use once it is published, in seconds (5.0). Default: absent, for ever.</summary>
    public uint? MessageExpiryInterval
    {
        get => Properties.GetNumber(PropertyId.MessageExpiryInterval);
        set => Properties = Properties.With(PropertyId.MessageExpiryInterval, value);
    }

    /// <summary>What the payload is, as the application says it (5.0). Default: absent.</summary>
    public MqttString? ContentType
    {
        get => Properties.GetString(PropertyId.ContentType);
        set => Properties = Properties.With(PropertyId.ContentType, value);
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
}
