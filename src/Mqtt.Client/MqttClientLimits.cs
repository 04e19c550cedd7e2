namespace Mqtt.Client;

/// <summary>What a client takes in and keeps, each with its own bound.</summary>
public sealed record MqttClientLimits
{
    /// <summary>
    /// How many QoS 1 and 2 messages the server may send before an acknowledgement, 1 to 65,535; announced and enforced in 5.0. Slow
    /// streams and handlers hold messages back by this alone. Default: 1,024, as our broker's.
    /// </summary>
    public int ReceiveMaximum { get; init; } = 1024;

    /// <summary>
    /// The largest packet that is accepted, in bytes; announced in 5.0, and enforced in every version. Default: none, which is the
    /// 268,435,460 of the protocol.
    /// </summary>
    public int? MaximumPacketSizeBytes { get; init; }

    /// <summary>
    /// The highest topic alias that is accepted, 0 to 65,535 (5.0). Default: 0, none: a server can then send one copy of a message to
    /// many clients.
    /// </summary>
    public int TopicAliasMaximum { get; init; }

    /// <summary>
    /// How many topic aliases the client uses towards the server, if that takes as many, 0 to 65,535 (5.0): a topic gets one at its second use, and is left out from then
    /// on; not in packets above 4 KiB. 0 turns them off. Default: 16, as many as our broker takes.
    /// </summary>
    public int OutgoingTopicAliasMaximum { get; init; } = 16;

    /// <summary>How many messages wait in one stream; a QoS 0 message that finds it full is dropped and counted. Default: 10,000.</summary>
    public int StreamMessageCount { get; init; } = 10_000;

    /// <summary>How many bytes of messages wait in one stream; a QoS 0 message that finds it full is dropped and counted. Default: 16 MiB.</summary>
    public int StreamBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>How many bytes wait for the network; a publish beyond it waits. Default: 1 MiB, as our broker's.</summary>
    public int OutboxBytes { get; init; } = 1024 * 1024;
}
