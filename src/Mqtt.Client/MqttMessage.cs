using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Mqtt.Client;

/// <summary>
/// An application message: to be published, or as it was received.
/// <para>
/// A stream yields messages that own their bytes. A handler <em>borrows</em> its message: it is valid until the handler's task
/// completes, and then used for the next one; <see cref="ToOwned"/> makes a copy to keep.
/// </para>
/// </summary>
public sealed class MqttMessage
{
    private MessageContent content;

    /// <summary>Creates a message; set what it needs.</summary>
    public MqttMessage()
    {
    }

    /// <summary>Creates a message with a payload.</summary>
    [SetsRequiredMembers]
    public MqttMessage(MqttString topic, ReadOnlyMemory<byte> payload)
    {
        content.Topic = topic;
        content.Payload = payload;
    }

    /// <summary>Creates a message with a text as its payload, in UTF-8.</summary>
    [SetsRequiredMembers]
    public MqttMessage(MqttString topic, string payload)
        : this(topic, Encoding.UTF8.GetBytes(payload))
    {
    }

    [SetsRequiredMembers]
    internal MqttMessage(in MessageContent content) => this.content = content;

    /// <summary>The topic name. It prints as text, and is kept as UTF-8 so that receiving costs no string.</summary>
    public required MqttString Topic
    {
        get => content.Topic;
        init => content.Topic = value;
    }

    /// <summary>The application's bytes. Default: none.</summary>
    public ReadOnlyMemory<byte> Payload
    {
        get => content.Payload;
        init => content.Payload = value;
    }

    /// <summary>How surely the message is delivered. Default: QoS 0.</summary>
    public QualityOfService QualityOfService
    {
        get => content.QualityOfService;
        init => content.QualityOfService = value;
    }

    /// <summary>To publish: the server keeps it as the topic's last message. Received: it is such a message. Default: false.</summary>
    public bool Retain
    {
        get => content.Retain;
        init => content.Retain = value;
    }

    /// <summary>Received: it may be a second delivery (DUP). False for a message to publish.</summary>
    public bool Duplicate => content.Duplicate;

    /// <summary>The properties as they stand on the wire (5.0); the members below read and write them by name.</summary>
    public MqttProperties Properties
    {
        get => content.Properties;
        init => content.Properties = value;
    }

    /// <summary>Name-value pairs in their order (5.0). Default: none.</summary>
    public UserProperties UserProperties
    {
        get => content.Properties.UserProperties;
        init => content.Properties = content.Properties.With(value);
    }

    /// <summary>True if the payload is said to be UTF-8 (5.0). Default: false.</summary>
    public bool IsText
    {
        get => content.Properties.GetNumber(PropertyId.PayloadFormatIndicator) == 1;
        init => content.Properties = content.Properties.With(PropertyId.PayloadFormatIndicator, value ? 1u : null);
    }

    /// <summary>What the payload is, as the application says it (5.0). Default: none.</summary>
    public MqttString? ContentType
    {
        get => content.Properties.GetString(PropertyId.ContentType);
        init => content.Properties = content.Properties.With(PropertyId.ContentType, value);
    }

    /// <summary>The topic to which an answer goes (5.0). Default: none.</summary>
    public MqttString? ResponseTopic
    {
        get => content.Properties.GetString(PropertyId.ResponseTopic);
        init => content.Properties = content.Properties.With(PropertyId.ResponseTopic, value);
    }

    /// <summary>What tells the requester to which request an answer belongs (5.0). Default: none.</summary>
    public ReadOnlyMemory<byte>? CorrelationData
    {
        get => content.Properties.GetBinary(PropertyId.CorrelationData);
        init => content.Properties = content.Properties.With(PropertyId.CorrelationData, value);
    }

    /// <summary>How long the message is of use, in whole seconds (5.0). Default: none, for ever.</summary>
    public TimeSpan? Expiry
    {
        get => content.Properties.GetNumber(PropertyId.MessageExpiryInterval) is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
        init => content.Properties = content.Properties.With(PropertyId.MessageExpiryInterval, value is { } time ? Seconds.FromTimeSpan(time) : null);
    }

    /// <summary>The payload as text; bytes that are not UTF-8 become U+FFFD.</summary>
    public string GetText() => Encoding.UTF8.GetString(Payload.Span);

    /// <summary>A copy that owns its bytes, for what must outlive a handler.</summary>
    public MqttMessage ToOwned() => new(content.CopyTo(new byte[content.Bytes]));

    /// <summary>Puts another message into this object, as slices of bytes that are borrowed.</summary>
    internal void Borrow(in MessageContent other) => content = other;
}
