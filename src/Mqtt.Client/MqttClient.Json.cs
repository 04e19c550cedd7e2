using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Mqtt.Client;

// Payloads of a type, as JSON by source generation: nothing here reflects, so that trimming and ahead-of-time compilation are safe.
public sealed partial class MqttClient
{
    /// <summary>Publishes a value as JSON; in 5.0 marked as UTF-8 of the content type <c>application/json</c>.</summary>
    /// <param name="topic">The topic name.</param>
    /// <param name="value">The value.</param>
    /// <param name="type">How it is written: a property of your <see cref="System.Text.Json.Serialization.JsonSerializerContext"/>.</param>
    /// <param name="qualityOfService">How surely it is delivered. Default: QoS 0.</param>
    /// <param name="retain">The server keeps it as the topic's last message. Default: false.</param>
    /// <param name="cancellationToken">As for a message.</param>
    /// <inheritdoc cref="PublishAsync(MqttMessage, CancellationToken)"/>
    public ValueTask<MqttPublishResult> PublishAsync<T>(
        MqttString topic,
        T value,
        JsonTypeInfo<T> type,
        QualityOfService qualityOfService = QualityOfService.AtMostOnce,
        bool retain = false,
        CancellationToken cancellationToken = default) =>
        PublishAsync(JsonMessage(topic, value, type, qualityOfService, retain), cancellationToken);

    /// <summary>
    /// Registers a handler for the messages of a filter with a JSON payload. One that is no JSON of the type, or <c>null</c>, counts as a
    /// failure of the handler: see <see cref="MqttClientOptions.HandlerFailure"/>.
    /// </summary>
    /// <param name="filter">The topic filter; it may hold wildcards and begin with <c>$share/name/</c>.</param>
    /// <param name="type">How it is read: a property of your <see cref="System.Text.Json.Serialization.JsonSerializerContext"/>.</param>
    /// <param name="handler">Called with the value, which is its own, and the message, which is borrowed.</param>
    /// <param name="qualityOfService">The highest QoS at which messages are to come. Default: QoS 0.</param>
    /// <param name="options">What else to ask for. Default: see there.</param>
    /// <inheritdoc cref="Subscribe(MqttString, Func{MqttMessage, CancellationToken, ValueTask}, QualityOfService, MqttSubscriptionOptions)"/>
    public MqttSubscription Subscribe<T>(
        MqttString filter,
        JsonTypeInfo<T> type,
        Func<T, MqttMessage, CancellationToken, ValueTask> handler,
        QualityOfService qualityOfService = QualityOfService.AtMostOnce,
        MqttSubscriptionOptions? options = null) => Subscribe(filter, WithValue(type, handler), qualityOfService, options);

    /// <summary>Subscribes with a handler for messages with a JSON payload, and waits for the server's answer.</summary>
    /// <inheritdoc cref="SubscribeAsync(MqttString, Func{MqttMessage, CancellationToken, ValueTask}, QualityOfService, MqttSubscriptionOptions, CancellationToken)"/>
    public ValueTask<MqttSubscription> SubscribeAsync<T>(
        MqttString filter,
        JsonTypeInfo<T> type,
        Func<T, MqttMessage, CancellationToken, ValueTask> handler,
        QualityOfService qualityOfService = QualityOfService.AtMostOnce,
        MqttSubscriptionOptions? options = null,
        CancellationToken cancellationToken = default) => SubscribeAsync(filter, WithValue(type, handler), qualityOfService, options, cancellationToken);

    /// <summary>
    /// Registers a handler for the topics of a template, for messages with a JSON payload. One that is no JSON of the type, or <c>null</c>, counts as a
    /// failure of the handler: see <see cref="MqttClientOptions.HandlerFailure"/>.
    /// </summary>
    /// <param name="template">As for <see cref="Map(string, Func{MqttMessage, MqttTopicParameters, CancellationToken, ValueTask}, QualityOfService, MqttSubscriptionOptions)"/>.</param>
    /// <param name="type">How it is read: a property of your <see cref="System.Text.Json.Serialization.JsonSerializerContext"/>.</param>
    /// <param name="handler">Called with the value, which is its own, and with the message and the parameters, which are borrowed.</param>
    /// <param name="qualityOfService">The highest QoS at which messages are to come. Default: QoS 0.</param>
    /// <param name="options">What else to ask for. Default: see there.</param>
    /// <exception cref="ArgumentException">The template is none; the message says why.</exception>
    public MqttSubscription Map<T>(
        string template,
        JsonTypeInfo<T> type,
        Func<T, MqttMessage, MqttTopicParameters, CancellationToken, ValueTask> handler,
        QualityOfService qualityOfService = QualityOfService.AtMostOnce,
        MqttSubscriptionOptions? options = null) => Map(template, WithValue(type, handler), qualityOfService, options);

    /// <summary>Registers a handler for the topics of a template, for messages with a JSON payload, and waits for the server's answer.</summary>
    /// <param name="template">As for <see cref="Map{T}"/>.</param>
    /// <param name="type">As for <see cref="Map{T}"/>.</param>
    /// <param name="handler">As for <see cref="Map{T}"/>.</param>
    /// <param name="qualityOfService">The highest QoS at which messages are to come. Default: QoS 0.</param>
    /// <param name="options">What else to ask for. Default: see there.</param>
    /// <param name="cancellationToken">Withdraws the subscription.</param>
    /// <inheritdoc cref="MapAsync(string, Func{MqttMessage, MqttTopicParameters, CancellationToken, ValueTask}, QualityOfService, MqttSubscriptionOptions, CancellationToken)"/>
    public ValueTask<MqttSubscription> MapAsync<T>(
        string template,
        JsonTypeInfo<T> type,
        Func<T, MqttMessage, MqttTopicParameters, CancellationToken, ValueTask> handler,
        QualityOfService qualityOfService = QualityOfService.AtMostOnce,
        MqttSubscriptionOptions? options = null,
        CancellationToken cancellationToken = default) => MapAsync(template, WithValue(type, handler), qualityOfService, options, cancellationToken);

    /// <summary>Sends a request with a value as JSON, and waits for the response, which must be one too.</summary>
    /// <param name="topic">The topic name of the request.</param>
    /// <param name="value">The request.</param>
    /// <param name="requestType">How it is written: a property of your <see cref="System.Text.Json.Serialization.JsonSerializerContext"/>.</param>
    /// <param name="responseType">How the response is read.</param>
    /// <param name="qualityOfService">How surely it is delivered. Default: QoS 1.</param>
    /// <param name="timeout">How long to wait, subscribing included. Default: <see cref="MqttClientTimeouts.Response"/>.</param>
    /// <param name="cancellationToken">Ends the wait; a response that comes later is dropped and counted.</param>
    /// <exception cref="JsonException">The response is no JSON of the type, or <c>null</c>.</exception>
    /// <inheritdoc cref="RequestAsync(MqttMessage, TimeSpan?, CancellationToken)"/>
    public async ValueTask<TResponse> RequestAsync<TRequest, TResponse>(
        MqttString topic,
        TRequest value,
        JsonTypeInfo<TRequest> requestType,
        JsonTypeInfo<TResponse> responseType,
        QualityOfService qualityOfService = QualityOfService.AtLeastOnce,
        TimeSpan? timeout = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(responseType);
        var request = JsonMessage(topic, value, requestType, qualityOfService, retain: false);
        return ValueOf(await RequestAsync(request, timeout, cancellationToken).ConfigureAwait(false), responseType);
    }

    private MqttMessage JsonMessage<T>(MqttString topic, T value, JsonTypeInfo<T> type, QualityOfService qualityOfService, bool retain) =>
        new(topic, JsonSerializer.SerializeToUtf8Bytes(value, type))
        {
            QualityOfService = qualityOfService,
            Retain = retain,
            Properties = Options.ProtocolVersion == MqttProtocolVersion.V500 ? MqttMessage.JsonProperties : default,
        };

    private static Func<MqttMessage, CancellationToken, ValueTask> WithValue<T>(JsonTypeInfo<T> type, Func<T, MqttMessage, CancellationToken, ValueTask> handler)
    {
        ArgumentNullException.ThrowIfNull(type);
        ArgumentNullException.ThrowIfNull(handler);
        return (message, cancellationToken) => handler(ValueOf(message, type), message, cancellationToken);
    }

    private static Func<MqttMessage, MqttTopicParameters, CancellationToken, ValueTask> WithValue<T>(
        JsonTypeInfo<T> type, Func<T, MqttMessage, MqttTopicParameters, CancellationToken, ValueTask> handler)
    {
        ArgumentNullException.ThrowIfNull(type);
        ArgumentNullException.ThrowIfNull(handler);
        return (message, parameters, cancellationToken) => handler(ValueOf(message, type), message, parameters, cancellationToken);
    }

    private static T ValueOf<T>(MqttMessage message, JsonTypeInfo<T> type) =>
        message.GetJson(type) ?? throw new JsonException($"The payload of the message to \"{message.Topic}\" is null.");
}
