namespace Mqtt.Client;

// Topics with named levels.
public sealed partial class MqttClient
{
    /// <summary>
    /// Registers a handler for the topics of a template, at any time, as <see cref="Subscribe(MqttString, Func{MqttMessage, CancellationToken, ValueTask}, QualityOfService, MqttSubscriptionOptions)"/>
    /// does for a filter: <c>client.Map("plant/{id}/temperature", (message, parameters, stop) => ...)</c> subscribes to <c>plant/+/temperature</c>.
    /// </summary>
    /// <param name="template">The topics, with names for levels; it may begin with <c>$share/group/</c>. See <see cref="MqttTopicTemplate"/>.</param>
    /// <param name="handler">
    /// Called at the thread pool for one message after the other, with what stands in its topic at the names; both are borrowed until its task completes, and the message is
    /// acknowledged then. It may call the client. The token is cancelled when the subscription is disposed.
    /// </param>
    /// <param name="qualityOfService">The highest QoS at which messages are to come. Default: QoS 0.</param>
    /// <param name="options">What else to ask for. Default: see there.</param>
    /// <exception cref="ArgumentException">The template is none; the message says why.</exception>
    public MqttSubscription Map(
        string template,
        Func<MqttMessage, MqttTopicParameters, CancellationToken, ValueTask> handler,
        QualityOfService qualityOfService = QualityOfService.AtMostOnce,
        MqttSubscriptionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        var parsed = MqttTopicTemplate.Parse(template);
        return Subscribe(parsed.Filter, WithParameters(parsed, handler), qualityOfService, options);
    }

    /// <summary>Registers a handler for the topics of a template, and waits for the server's answer.</summary>
    /// <param name="template">As for <see cref="Map"/>.</param>
    /// <param name="handler">As for <see cref="Map"/>.</param>
    /// <param name="qualityOfService">The highest QoS at which messages are to come. Default: QoS 0.</param>
    /// <param name="options">What else to ask for. Default: see there.</param>
    /// <param name="cancellationToken">Withdraws the subscription.</param>
    /// <exception cref="ArgumentException">The template is none; the message says why.</exception>
    /// <exception cref="MqttRefusedException">The server refused.</exception>
    /// <exception cref="MqttConnectionException">There is no connection and none is being made, or the client stopped making one.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled, and the subscription is withdrawn.</exception>
    public ValueTask<MqttSubscription> MapAsync(
        string template,
        Func<MqttMessage, MqttTopicParameters, CancellationToken, ValueTask> handler,
        QualityOfService qualityOfService = QualityOfService.AtMostOnce,
        MqttSubscriptionOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(handler);
        var parsed = MqttTopicTemplate.Parse(template);
        return SubscribeAsync(parsed.Filter, WithParameters(parsed, handler), qualityOfService, options, cancellationToken);
    }

    // A server that sends what the filter does not match has nobody here to take it.
    private static Func<MqttMessage, CancellationToken, ValueTask> WithParameters(
        MqttTopicTemplate template, Func<MqttMessage, MqttTopicParameters, CancellationToken, ValueTask> handler) =>
        (message, cancellationToken) => template.TryMatch(message.Topic, out var parameters) ? handler(message, parameters, cancellationToken) : default;
}
