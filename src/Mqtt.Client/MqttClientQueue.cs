namespace Mqtt.Client;

/// <summary>
/// The queue of messages that wait to be sent: for a connection, for the server's Receive Maximum, or for the network. It is in memory, and with a
/// <see cref="Store"/> also in a place that outlives the program. A message that was sent and waits for its acknowledgement has left the queue, but not the store.
/// </summary>
public sealed record MqttClientQueue
{
    /// <summary>How many messages wait at most. Default: 10,000, as many as our broker keeps for a client that is away.</summary>
    public int Count { get; init; } = 10_000;

    /// <summary>How many bytes of messages wait at most; a single larger one is taken into an empty queue. Default: 16 MiB, as our broker's.</summary>
    public long Bytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>What becomes of QoS 0 messages for which no policy is given. Default: they are for now or never, as with the AWS IoT device SDKs.</summary>
    public MqttQueuePolicy AtMostOnce { get; init; } = MqttQueuePolicy.FailOffline;

    /// <summary>What becomes of QoS 1 and 2 messages for which no policy is given. Default: they are kept, and wait for room.</summary>
    public MqttQueuePolicy Acknowledged { get; init; } = MqttQueuePolicy.Wait;

    /// <summary>
    /// Where what is owed to the server outlives the program, such as a file of <c>Mqtt.Client.Sqlite</c>; it needs a <see cref="MqttClientOptions.ClientId"/>. Default: nowhere.
    /// <para>
    /// With a store, each message of QoS 1 and 2, and each of QoS 0 that has to wait, is safely there before it is sent and before <see cref="MqttClient.EnqueueAsync(MqttMessage, CancellationToken)"/> says that it was taken,
    /// and leaves it when the server has acknowledged it. If the program is killed at any moment and a client with the same identifier and store connects, all of them go out, in
    /// their order: QoS 1 perhaps a second time; QoS 2 never a second time, for packet identifier and state are stored before the packet that depends on them leaves. If the server has
    /// lost the session meanwhile, QoS 2 messages that were in flight are not sent, since nobody can know the outcome: see <see cref="MqttPublishLoss.OutcomeUnknown"/>. A QoS 0 message leaves the
    /// store before it is sent, and is lost if the program ends just then. Message expiry counts down all the while.
    /// </para>
    /// <para>
    /// The bounds hold for it too: what is stored is in memory as well. What was not sent survives <see cref="MqttClient.DisconnectAsync(ReasonCode, CancellationToken)"/> and
    /// <see cref="MqttClient.DisposeAsync"/>; whoever awaits a publish then is told of the end of the client, and the message goes out with the next connection all the same.
    /// </para>
    /// </summary>
    public IMqttPublishStore? Store { get; init; }

    // What is enqueued is meant to wait.
    internal MqttQueuePolicy PolicyToEnqueue(QualityOfService qualityOfService) =>
        PolicyFor(qualityOfService) is var policy and not MqttQueuePolicy.FailOffline ? policy : MqttQueuePolicy.Wait;

    internal MqttQueuePolicy PolicyFor(QualityOfService qualityOfService) => qualityOfService == QualityOfService.AtMostOnce ? AtMostOnce : Acknowledged;
}
