using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

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
    /// <summary>What a JSON payload is marked with (5.0).</summary>
    internal static readonly MqttProperties JsonProperties =
        default(MqttProperties).With(PropertyId.PayloadFormatIndicator, 1).With(PropertyId.ContentType, (MqttString)"application/json");

    private MessageContent content;

    // The client that received it; null for a message to publish.
    private ClientSession? receiver;

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

    /// <summary>The payload as a value, from JSON; <c>null</c> if it says so.</summary>
    /// <param name="type">How it is read: a property of your <see cref="System.Text.Json.Serialization.JsonSerializerContext"/>.</param>
    /// <exception cref="JsonException">The payload is no JSON of the type.</exception>
    public T? GetJson<T>(JsonTypeInfo<T> type) => JsonSerializer.Deserialize(Payload.Span, type);

    /// <summary>How it is acknowledged by hand; null if that is not asked for.</summary>
    internal Acknowledgement? Acknowledgement { get; private set; }

    /// <summary>
    /// Acknowledges a received message of a subscription with <see cref="MqttSubscriptionOptions.AcknowledgeByHand"/>, from any thread, once; further calls and QoS 0
    /// have no effect. The packet leaves when all messages that came before on the connection are acknowledged too. If that connection is gone, the
    /// server sends a QoS 1 message again. A copy made by <see cref="ToOwned"/> acknowledges the same message.
    /// </summary>
    /// <param name="reasonCode">
    /// Success, or why it is refused (5.0, sections 3.4.2.1 and 3.5.2.1; in 3.x the same as success). To the server it is delivered all the same. Default: success.
    /// </param>
    /// <exception cref="InvalidOperationException">It is not to be acknowledged by hand.</exception>
    /// <exception cref="ArgumentOutOfRangeException">PUBACK cannot carry the reason code.</exception>
    public void Acknowledge(ReasonCode reasonCode = ReasonCode.Success)
    {
        if (Acknowledgement is null)
            throw new InvalidOperationException($"This message is acknowledged by itself; see {nameof(MqttSubscriptionOptions)}.{nameof(MqttSubscriptionOptions.AcknowledgeByHand)}.");
        if (reasonCode is not (ReasonCode.Success or ReasonCode.UnspecifiedError or ReasonCode.ImplementationSpecificError or ReasonCode.NotAuthorized
            or ReasonCode.TopicNameInvalid or ReasonCode.QuotaExceeded or ReasonCode.PayloadFormatInvalid))
            throw new ArgumentOutOfRangeException(nameof(reasonCode), reasonCode, "It is no code that answers a message.");
        Acknowledgement.Give(reasonCode);
    }

    /// <summary>
    /// Answers a received request (5.0, section 4.10): publishes a message to its Response Topic, with its Correlation Data and its QoS. May be called more than once.
    /// </summary>
    /// <exception cref="InvalidOperationException">The message names no Response Topic, or was not received.</exception>
    /// <inheritdoc cref="MqttClient.PublishAsync(MqttMessage, CancellationToken)"/>
    public ValueTask<MqttPublishResult> RespondAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken = default) =>
        RespondAsync(payload, default(MqttProperties), cancellationToken);

    /// <summary>Answers a received request with a text, in UTF-8.</summary>
    /// <inheritdoc cref="RespondAsync(ReadOnlyMemory{byte}, CancellationToken)"/>
    public ValueTask<MqttPublishResult> RespondAsync(string payload, CancellationToken cancellationToken = default) =>
        RespondAsync(Encoding.UTF8.GetBytes(payload), cancellationToken);

    /// <summary>Answers a received request with a value, as JSON.</summary>
    /// <inheritdoc cref="RespondAsync(ReadOnlyMemory{byte}, CancellationToken)"/>
    public ValueTask<MqttPublishResult> RespondAsync<T>(T value, JsonTypeInfo<T> type, CancellationToken cancellationToken = default) =>
        RespondAsync(JsonSerializer.SerializeToUtf8Bytes(value, type), JsonProperties, cancellationToken);

    /// <summary>
    /// The same message but for what is named here, as a slice of the same bytes: it is acknowledged and answered as this one is. For interceptors.
    /// </summary>
    /// <param name="topic">Another topic name. Default: the same.</param>
    /// <param name="payload">Another payload. Default: the same.</param>
    /// <param name="properties">Other properties, as <c>message.Properties.With(...)</c> makes them. Default: the same.</param>
    public MqttMessage With(MqttString? topic = null, ReadOnlyMemory<byte>? payload = null, MqttProperties? properties = null)
    {
        var changed = content;
        changed.Topic = topic ?? content.Topic;
        changed.Payload = payload ?? content.Payload;
        changed.Properties = properties ?? content.Properties;
        return Copy(changed);
    }

    /// <summary>A copy that owns its bytes, for what must outlive a handler.</summary>
    public MqttMessage ToOwned() => Copy(content.CopyTo(new byte[content.Bytes]));

    /// <summary>Puts a message that was received into this object, as slices of bytes that are borrowed.</summary>
    internal void Borrow(in MessageContent received, ClientSession by, Acknowledgement? acknowledgement)
    {
        content = received;
        receiver = by;
        Acknowledgement = acknowledgement;
    }

    private MqttMessage Copy(in MessageContent changed) => new() { Topic = default, content = changed, receiver = receiver, Acknowledgement = Acknowledgement };

    private ValueTask<MqttPublishResult> RespondAsync(ReadOnlyMemory<byte> payload, MqttProperties properties, CancellationToken cancellationToken)
    {
        if (ResponseTopic is not { } topic)
            throw new InvalidOperationException($"The message to \"{Topic}\" names no Response Topic.");
        if (receiver is null)
            throw new InvalidOperationException($"The message to \"{Topic}\" was not received.");
        var response = new MqttMessage(topic, payload)
        {
            QualityOfService = QualityOfService,
            Properties = properties.With(PropertyId.CorrelationData, CorrelationData),
        };
        return receiver.Publish(response, cancellationToken);
    }
}
