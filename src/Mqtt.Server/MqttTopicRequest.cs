using System.Text;
using Mqtt.Protocol;

namespace Mqtt.Server;

/// <summary>A message for a handler of a <see cref="MqttTopicMux"/>, and how to answer it. It is borrowed until the handler's task completes.</summary>
public sealed class MqttTopicRequest
{
    private readonly Func<PublishPacket, CancellationToken, ValueTask> respond;

    /// <summary>Creates a request, for those who hand a mux its messages themselves.</summary>
    /// <param name="connection">The connection on which it came.</param>
    /// <param name="message">The whole message; a topic alias is resolved.</param>
    /// <param name="parameters">What stands in the topic at the names of the template.</param>
    /// <param name="respond">Sends an answer, which has its topic, payload and Correlation Data.</param>
    public MqttTopicRequest(MqttConnection connection, PublishPacket message, MqttTopicParameters parameters, Func<PublishPacket, CancellationToken, ValueTask> respond)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(message);
        ArgumentNullException.ThrowIfNull(respond);
        Connection = connection;
        Message = message;
        Parameters = parameters;
        this.respond = respond;
    }

    /// <summary>The connection on which it came.</summary>
    public MqttConnection Connection { get; }

    /// <summary>The whole message, with its topic and all its properties.</summary>
    public PublishPacket Message { get; }

    /// <summary>What stands in the topic at the names of the template.</summary>
    public MqttTopicParameters Parameters { get; }

    /// <summary>The topic name.</summary>
    public MqttString Topic => Message.Topic;

    /// <summary>The application's bytes.</summary>
    public ReadOnlyMemory<byte> Payload => Message.Payload;

    /// <summary>True if the client has named a Response Topic (5.0), so that it can be answered.</summary>
    public bool WantsResponse => Message.ResponseTopic is not null;

    /// <summary>What QoS 1 and 2 are acknowledged with. Default: success; <see cref="Refuse"/> sets it.</summary>
    public ReasonCode ReasonCode { get; private set; }

    /// <summary>True once the handler has called <see cref="PassOn"/>.</summary>
    public bool IsPassedOn { get; private set; }

    /// <summary>The payload as text; bytes that are not UTF-8 become U+FFFD.</summary>
    public string GetText() => Encoding.UTF8.GetString(Payload.Span);

    /// <summary>
    /// Answers: a message to the Response Topic, with the Correlation Data of the request (section 4.10.1). Over a broker it has the QoS of the request, goes to
    /// all who subscribe to the topic, and is safe with them when the task completes. Without a broker it goes at QoS 0 to the client that asked, right away.
    /// May be called more than once.
    /// </summary>
    /// <exception cref="InvalidOperationException">The client has not named a Response Topic; see <see cref="WantsResponse"/>.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled; the answer is sent all the same.</exception>
    public ValueTask RespondAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken = default)
    {
        if (Message.ResponseTopic is not { } topic)
            throw new InvalidOperationException($"The message to \"{Topic}\" names no Response Topic.");
        return respond(new PublishPacket { Topic = topic, Payload = payload, CorrelationData = Message.CorrelationData }, cancellationToken);
    }

    /// <summary>Answers with a text, in UTF-8.</summary>
    /// <inheritdoc cref="RespondAsync(ReadOnlyMemory{byte}, CancellationToken)"/>
    public ValueTask RespondAsync(string payload, CancellationToken cancellationToken = default) => RespondAsync(Encoding.UTF8.GetBytes(payload), cancellationToken);

    /// <summary>Refuses the message: QoS 1 and 2 are answered with this code. 3.x has no word for it: there it is acknowledged.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The code is none with which PUBACK and PUBREC can refuse (sections 3.4.2.1, 3.5.2.1).</exception>
    public void Refuse(ReasonCode reasonCode = ReasonCode.ImplementationSpecificError)
    {
        if (reasonCode is not (ReasonCode.UnspecifiedError or ReasonCode.ImplementationSpecificError or ReasonCode.NotAuthorized
            or ReasonCode.TopicNameInvalid or ReasonCode.QuotaExceeded or ReasonCode.PayloadFormatInvalid))
            throw new ArgumentOutOfRangeException(nameof(reasonCode), reasonCode, "It is no code that refuses a message.");
        ReasonCode = reasonCode;
    }

    /// <summary>Lets the broker go on with the message, to those who subscribe to it. Without a broker there is nobody, and it has no effect. Default: it ends with the handler.</summary>
    public void PassOn() => IsPassedOn = true;
}
