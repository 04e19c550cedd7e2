using System.Text;

namespace Mqtt.Client;

// Request and response.
public sealed partial class MqttClient
{
    /// <summary>
    /// How many responses were dropped since no request waited for them: too late, sent twice, or with Correlation Data of which this client knows nothing.
    /// </summary>
    public long UnmatchedResponseCount => responses.UnmatchedCount;

    /// <summary>Sends a request with a text as its payload, in UTF-8, and waits for the response.</summary>
    /// <inheritdoc cref="RequestAsync(MqttMessage, TimeSpan?, CancellationToken)"/>
    public ValueTask<MqttMessage> RequestAsync(
        MqttString topic,
        string payload,
        QualityOfService qualityOfService = QualityOfService.AtLeastOnce,
        TimeSpan? timeout = null,
        CancellationToken cancellationToken = default) => RequestAsync(topic, Encoding.UTF8.GetBytes(payload), qualityOfService, timeout, cancellationToken);

    /// <summary>Sends a request and waits for the response.</summary>
    /// <inheritdoc cref="RequestAsync(MqttMessage, TimeSpan?, CancellationToken)"/>
    public ValueTask<MqttMessage> RequestAsync(
        MqttString topic,
        ReadOnlyMemory<byte> payload,
        QualityOfService qualityOfService = QualityOfService.AtLeastOnce,
        TimeSpan? timeout = null,
        CancellationToken cancellationToken = default) =>
        RequestAsync(new MqttMessage(topic, payload) { QualityOfService = qualityOfService }, timeout, cancellationToken);

    /// <summary>
    /// Sends a request and waits for the response (5.0, section 4.10): a message to the topic that this client names, with the Correlation Data that it gives. The
    /// topic is subscribed to once, by the first request. It lies below the server's Response Information, if that was asked for and given, else below
    /// <see cref="MqttClientOptions.ResponseTopicPrefix"/>; its last level is the client identifier. Any number of requests may wait at the same time. One
    /// whose connection goes after the request was acknowledged goes on waiting: the response may come on the next connection.
    /// </summary>
    /// <param name="request">The request, without Response Topic and Correlation Data.</param>
    /// <param name="timeout">How long to wait, subscribing included. Default: <see cref="MqttClientTimeouts.Response"/>.</param>
    /// <param name="cancellationToken">Ends the wait; a response that comes later is dropped and counted.</param>
    /// <returns>The response, which owns its bytes.</returns>
    /// <exception cref="TimeoutException">No response came in time.</exception>
    /// <exception cref="MqttRefusedException">The server refused the subscription or the request.</exception>
    /// <exception cref="MqttConnectionException">There is no connection, or it went before the request was acknowledged.</exception>
    /// <exception cref="InvalidOperationException">The client does not speak 5.0: before, messages have no place for it.</exception>
    /// <exception cref="ArgumentException">The request has a Response Topic or Correlation Data of its own, or cannot be sent in any way.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public ValueTask<MqttMessage> RequestAsync(MqttMessage request, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (Options.ProtocolVersion != MqttProtocolVersion.V500)
            throw new InvalidOperationException("Requests need MQTT 5.0: earlier versions have neither response topics nor correlation data.");
        if (request.ResponseTopic is not null || request.CorrelationData is not null)
            throw new ArgumentException("The client itself chooses Response Topic and Correlation Data.", nameof(request));
        return responses.RequestAsync(request, timeout ?? Options.Timeouts.Response, cancellationToken);
    }
}
