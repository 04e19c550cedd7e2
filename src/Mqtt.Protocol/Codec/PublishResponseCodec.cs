namespace Mqtt.Protocol;

/// <summary>
/// PUBACK, PUBREC, PUBREL and PUBCOMP (sections 3.4 to 3.7): packet identifier; in 5.0 reason code and properties, which may be left
/// out from the right: no properties, or no code either.
/// </summary>
internal static class PublishResponseCodec
{
    /// <summary>Reads into <paramref name="packet"/>, all of whose members are set.</summary>
    public static PublishResponsePacket Read(ref FrameReader frame, PublishResponsePacket packet)
    {
        packet.PacketId = frame.ReadPacketId();
        packet.ReasonCode = ReasonCode.Success;
        packet.Properties = default;
        if (frame.HasProperties && frame.Remaining > 0)
        {
            packet.ReasonCode = frame.ReadReasonCode(packet.Type);
            if (frame.Remaining > 0)
                packet.Properties = frame.ReadProperties(1 << (int)packet.Type);
        }

        return packet;
    }

    /// <summary>Refuses what could not be read back.</summary>
    public static void Check(PublishResponsePacket packet, MqttProtocolVersion version)
    {
        Outgoing.CheckPacketId(packet.PacketId);
        if (version < MqttProtocolVersion.V500)
            return;
        Outgoing.CheckReasonCode(packet.Type, packet.ReasonCode);
        Outgoing.CheckProperties(packet.Properties, 1 << (int)packet.Type, version);
    }

    /// <summary>The remaining length in the shortest form.</summary>
    public static long Measure(PublishResponsePacket packet, MqttProtocolVersion version)
    {
        if (version < MqttProtocolVersion.V500)
            return 2;
        if (!packet.Properties.IsEmpty)
            return 3 + Outgoing.MeasureProperties(packet.Properties, version);
        return packet.ReasonCode == ReasonCode.Success ? 2 : 3;
    }

    /// <summary>Writes the shortest form. In 3.x the reason code is lost: there every answer is a positive one.</summary>
    public static void Write(ref FrameWriter frame, PublishResponsePacket packet)
    {
        frame.WriteTwoByteInteger(packet.PacketId);
        if (!frame.HasProperties || (packet.ReasonCode == ReasonCode.Success && packet.Properties.IsEmpty))
            return;
        frame.WriteByte((byte)packet.ReasonCode);
        if (!packet.Properties.IsEmpty)
            frame.WriteProperties(packet.Properties);
    }
}
