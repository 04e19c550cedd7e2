using Mqtt.Protocol;
using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Server.Broker.Rules;

/// <summary>
/// Puts a <see cref="MqttTopicMux"/> in front of a broker, for what clients publish and may publish: a message whose topic is mapped goes to its handler and
/// ends there, acknowledged, unless the handler refuses it or passes it on; it is not retained then. Everything else is the broker's. Answers are published by the
/// broker. A handler that throws costs its own message alone, which is refused (0x83). One hook serves one broker.
/// </summary>
/// <param name="mux">The handlers.</param>
public sealed class TopicMuxHook(MqttTopicMux mux) : IMessageHook, IBrokerObserver
{
    // It is told of its broker on the pool, perhaps after the first message.
    private readonly TaskCompletionSource<MqttBroker> started = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <inheritdoc/>
    public ValueTask OnStartedAsync(MqttBroker broker)
    {
        started.TrySetResult(broker);
        return default;
    }

    /// <inheritdoc/>
    public ValueTask OnPublishAsync(PublishRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return mux.Find(request.Topic, out var parameters) is { } handler ? HandleAsync(request, handler, parameters) : default;
    }

    private async ValueTask HandleAsync(PublishRequest request, Func<MqttTopicRequest, CancellationToken, ValueTask> handler, MqttTopicParameters parameters)
    {
        var message = new PublishPacket
        {
            Topic = request.Topic,
            Payload = request.Payload,
            QualityOfService = request.QualityOfService,
            Retain = request.Retain,
            Duplicate = request.Packet.Duplicate,
            PacketId = request.Packet.PacketId,
            Properties = request.Properties,
        };
        var connection = request.Client.Connection;
        var question = new MqttTopicRequest(connection, message, parameters, async (answer, cancellationToken) =>
        {
            var broker = await started.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            answer.QualityOfService = message.QualityOfService;
            await broker.PublishAsync(answer, cancellationToken: cancellationToken).ConfigureAwait(false);
        });
        await handler(question, connection.Closed).ConfigureAwait(false);
        if (question.ReasonCode != ReasonCode.Success)
            request.Refuse(question.ReasonCode);
        else if (!question.IsPassedOn)
            request.Drop();
    }
}
