namespace Mqtt.Protocol;

/// <summary>PUBLISH (section 3.3): topic name, packet identifier at QoS 1 and 2, properties; the rest is the payload.</summary>
internal static class PublishCodec
{
    private const int Bit = 1 << (int)MqttPacketType.Publish;
    private const int Retain = 0x01;
    private const int QosShift = 1;
    private const int QosMask = 0x06;
    private const int Duplicate = 0x08;

    /// <summary>QoS 3 does not exist [MQTT-3.3.1-4], and nothing at QoS 0 is sent again [MQTT-3.3.1-2].</summary>
    public static bool AreFlagsValid(int flags) => (flags & QosMask) != QosMask && (flags & (QosMask | Duplicate)) != Duplicate;

    /// <summary>Reads into <paramref name="packet"/>, all of whose members are set.</summary>
    public static PublishPacket Read(ref FrameReader frame, byte flags, PublishPacket packet)
    {
        packet.Retain = (flags & Retain) != 0;
        packet.Duplicate = (flags & Duplicate) != 0;
        packet.QualityOfService = (QualityOfService)((flags & QosMask) >> QosShift);
        packet.Topic = frame.ReadTopicNameOrEmpty();
        packet.PacketId = packet.QualityOfService > QualityOfService.AtMostOnce ? frame.ReadPacketId() : (ushort)0;
        packet.Properties = frame.ReadProperties(Bit);
        packet.Payload = frame.ReadBytes(frame.Remaining);

        // Without a name an alias must stand for it (section 3.3.2.1); before 5.0 there is none.
        if (packet.Topic.IsEmpty && packet.TopicAlias is null)
            throw MqttProtocolException.Forbidden("PUBLISH has neither a topic name nor a topic alias.");
        return packet;
    }

    /// <summary>Refuses what could not be read back.</summary>
    public static void Check(PublishPacket packet, MqttProtocolVersion version)
    {
        Outgoing.CheckQualityOfService(packet.QualityOfService);
        if (packet.QualityOfService > QualityOfService.AtMostOnce)
            Outgoing.CheckPacketId(packet.PacketId);
        else if (packet.Duplicate)
            throw new ArgumentException("DUP must not be set at QoS 0.", nameof(packet));
        if (!packet.Topic.IsEmpty || version < MqttProtocolVersion.V500 || packet.TopicAlias is null)
            Outgoing.CheckTopicName(packet.Topic, nameof(packet.Topic));
        Outgoing.CheckProperties(packet.Properties, Bit, version);
    }

    /// <summary>The remaining length.</summary>
    public static long Measure(PublishPacket packet, MqttProtocolVersion version) =>
        Outgoing.MeasurePrefixed(packet.Topic)
        + (packet.QualityOfService > QualityOfService.AtMostOnce ? 2 : 0)
        + Outgoing.MeasureProperties(packet.Properties, version)
        + packet.Payload.Length;

    /// <summary>The flags of the fixed header.</summary>
    public static int Flags(PublishPacket packet) =>
        ((int)packet.QualityOfService << QosShift) | (packet.Retain ? Retain : 0) | (packet.Duplicate ? Duplicate : 0);

    /// <summary>Writes all but the payload.</summary>
    public static void WriteHead(ref FrameWriter frame, PublishPacket packet)
    {
        frame.WritePrefixed(packet.Topic.Span);
        if (packet.QualityOfService > QualityOfService.AtMostOnce)
            frame.WriteTwoByteInteger(packet.PacketId);
        frame.WriteProperties(packet.Properties);
    }
}
