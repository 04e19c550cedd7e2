namespace Mqtt.Protocol;

/// <summary>SUBACK (section 3.9): packet identifier, properties; then one reason code (3.x: return code) a filter.</summary>
internal static class SubAckCodec
{
    private const int Bit = 1 << (int)MqttPacketType.SubAck;

    /// <summary>Reads the packet.</summary>
    public static SubAckPacket Read(ref FrameReader frame)
    {
        var packet = new SubAckPacket { PacketId = frame.ReadPacketId(), Properties = frame.ReadProperties(Bit) };
        if (frame.Remaining == 0)
            throw MqttProtocolException.Forbidden("SUBACK has no reason code."); // section 2.4: one or more
        var codes = new ReasonCode[frame.Remaining];
        for (var i = 0; i < codes.Length; i++)
            codes[i] = frame.HasProperties ? frame.ReadReasonCode(MqttPacketType.SubAck) : ReturnCodes.FromSubAck(frame.ReadByte(), frame.Version);
        packet.ReasonCodes = codes;
        return packet;
    }

    /// <summary>Refuses what could not be read back.</summary>
    public static void Check(SubAckPacket packet, MqttProtocolVersion version)
    {
        Outgoing.CheckPacketId(packet.PacketId);
        Outgoing.CheckProperties(packet.Properties, Bit, version);
        if (packet.ReasonCodes.Count == 0)
            throw new ArgumentException("SUBACK needs a reason code.", nameof(packet));
        for (var i = 0; i < packet.ReasonCodes.Count; i++)
            Outgoing.CheckReasonCode(MqttPacketType.SubAck, packet.ReasonCodes[i]);
    }

    /// <summary>The remaining length.</summary>
    public static long Measure(SubAckPacket packet, MqttProtocolVersion version) =>
        2 + Outgoing.MeasureProperties(packet.Properties, version) + packet.ReasonCodes.Count;

    /// <summary>Writes what follows the fixed header. In 3.1.1 every refusal is 0x80; 3.1 has none, and grants QoS 0.</summary>
    public static void Write(ref FrameWriter frame, SubAckPacket packet)
    {
        frame.WriteTwoByteInteger(packet.PacketId);
        frame.WriteProperties(packet.Properties);
        for (var i = 0; i < packet.ReasonCodes.Count; i++)
            frame.WriteByte(frame.HasProperties ? (byte)packet.ReasonCodes[i] : ReturnCodes.ToSubAck(packet.ReasonCodes[i], frame.Version));
    }
}
