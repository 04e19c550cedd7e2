namespace Mqtt.Client;

/// <summary>
/// The queue of messages that wait to be sent: for a connection, for the server's Receive Maximum, or for the network. It is in memory. A message
/// that was sent and waits for its acknowledgement has left it.
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

    internal MqttQueuePolicy PolicyFor(QualityOfService qualityOfService) => qualityOfService == QualityOfService.AtMostOnce ? AtMostOnce : Acknowledged;
}
