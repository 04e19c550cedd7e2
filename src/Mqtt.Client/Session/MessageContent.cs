namespace Mqtt.Client;

/// <summary>What a message consists of, as slices of bytes that somebody else owns.</summary>
internal struct MessageContent
{
    public MqttString Topic;
    public ReadOnlyMemory<byte> Payload;
    public MqttProperties Properties;
    public QualityOfService QualityOfService;
    public bool Retain;
    public bool Duplicate;

    public MessageContent(PublishPacket packet, MqttString topic)
    {
        Topic = topic;
        Payload = packet.Payload;
        Properties = packet.Properties;
        QualityOfService = packet.QualityOfService;
        Retain = packet.Retain;
        Duplicate = packet.Duplicate;
    }

    /// <summary>How many bytes a copy needs.</summary>
    public readonly int Bytes => Topic.Length + Properties.Encoded.Length + Payload.Length;

    /// <summary>The same message in other bytes, of which there must be <see cref="Bytes"/>: topic, properties, payload.</summary>
    public readonly MessageContent CopyTo(Memory<byte> bytes)
    {
        var (topicEnd, payloadStart) = (Topic.Length, Topic.Length + Properties.Encoded.Length);
        Topic.Span.CopyTo(bytes.Span);
        Properties.Encoded.Span.CopyTo(bytes.Span[topicEnd..]);
        Payload.Span.CopyTo(bytes.Span[payloadStart..]);
        return this with
        {
            Topic = MqttString.FromUtf8(bytes[..topicEnd]),
            Properties = MqttProperties.FromEncoded(bytes[topicEnd..payloadStart]),
            Payload = bytes.Slice(payloadStart, Payload.Length),
        };
    }
}
