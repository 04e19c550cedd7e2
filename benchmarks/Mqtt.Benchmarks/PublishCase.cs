using System.Text;
using Mqtt.Protocol;

namespace Mqtt.Benchmarks;

/// <summary>A PUBLISH as it is common on the wire, by name so that a result's row says what it is.</summary>
public sealed record PublishCase(string Name, MqttProtocolVersion Version, PublishPacket Packet)
{
    /// <summary>The cases that every benchmark of PUBLISH runs through.</summary>
    public static IReadOnlyList<PublishCase> All { get; } =
    [
        new("3.1.1 QoS 0, 64 B", MqttProtocolVersion.V311, Publish(QualityOfService.AtMostOnce, 64)),
        new("3.1.1 QoS 1, 256 B", MqttProtocolVersion.V311, Publish(QualityOfService.AtLeastOnce, 256)),
        new("5.0 QoS 0, 64 B", MqttProtocolVersion.V500, Publish(QualityOfService.AtMostOnce, 64)),
        new("5.0 QoS 2, 8 KiB", MqttProtocolVersion.V500, Publish(QualityOfService.ExactlyOnce, 8192)),
        new("5.0 QoS 1, 256 B, 6 properties", MqttProtocolVersion.V500, PublishWithProperties()),
    ];

    /// <summary>The packet as it goes over the wire.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[MqttPacketWriter.Measure(Packet, Version)];
        MqttPacketWriter.Write(bytes, Packet, Version);
        return bytes;
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    private static PublishPacket Publish(QualityOfService qualityOfService, int payloadBytes) => new()
    {
        Topic = "plant/hall-7/machine-12/temperature",
        QualityOfService = qualityOfService,
        PacketId = qualityOfService == QualityOfService.AtMostOnce ? (ushort)0 : (ushort)4711,
        Payload = Encoding.ASCII.GetBytes(new string('x', payloadBytes)),
    };

    private static PublishPacket PublishWithProperties()
    {
        var packet = Publish(QualityOfService.AtLeastOnce, 256);
        packet.PayloadFormatIndicator = 1;
        packet.MessageExpiryInterval = 3600;
        packet.ContentType = "application/json";
        packet.ResponseTopic = "answers/client-17";
        packet.CorrelationData = new byte[16];
        packet.UserProperties = [("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")];
        return packet;
    }
}
