namespace Mqtt.Hosting;

/// <summary>Handles the messages of some topics; see <see cref="MqttClientBuilder.AddHandler{THandler}"/>.</summary>
public interface IMqttMessageHandler
{
    /// <summary>
    /// Handles one message. Message and parameters are borrowed until the task completes; QoS 1 and 2 are acknowledged then. What it throws is logged, and
    /// <see cref="MqttClientOptions.HandlerFailure"/> says what becomes of the message.
    /// </summary>
    /// <param name="message">The message.</param>
    /// <param name="parameters">What stands in its topic at the names of the template.</param>
    /// <param name="cancellationToken">Cancelled when the client is disposed.</param>
    ValueTask HandleAsync(MqttMessage message, MqttTopicParameters parameters, CancellationToken cancellationToken);
}
