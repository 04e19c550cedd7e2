namespace Mqtt.Protocol;

/// <summary>UNSUBACK (section 3.11): packet identifier; in 5.0 properties and one reason code a filter.</summary>
internal static class UnsubAckCodec
{
    private const int Bit = 1 << (int)MqttPacketType.UnsubAck;

    /// <summary>Reads the packet.</summary>
    public static UnsubAckPacket Read(ref FrameReader frame)
    {
        var packet = new UnsubAckPacket { PacketId = frame.ReadPacketId(), Properties = frame.ReadProperties(Bit) };
        if (frame.HasProperties)
            packet.ReasonCodes = ReadReasonCodes(ref frame);
        return packet;
    }

    private static ReasonCode[] ReadReasonCodes(ref FrameReader frame)
    {
        if (frame.Remaining == 0)
            throw MqttProtocolException.Forbidden("UNSUBACK has no reason code."); // section 2.4: one or more
        var codes = new ReasonCode[frame.Remaining];
        for (var i = 0; i < codes.Length; i++)
            codes[i] = frame.ReadReasonCode(MqttPacketType.UnsubAck);
        return codes;
    }

    /// <summary>Refuses what could not be read back.</summary>
    public static void Check(UnsubAckPacket packet, MqttProtocolVersion version)
    {
        Outgoing.CheckPacketId(packet.PacketId);
        if (version < MqttProtocolVersion.V500)
            return;
        Outgoing.CheckProperties(packet.Properties, Bit, version);
        if (packet.ReasonCodes.Count == 0)
            throw new ArgumentException("UNSUBACK needs a reason code.", nameof(packet));
        for (var i = 0; i < packet.ReasonCodes.Count; i++)
            Outgoing.CheckReasonCode(MqttPacketType.UnsubAck, packet.ReasonCodes[i]);
    }

    /// <summary>The remaining length.</summary>
    public static long Measure(UnsubAckPacket packet, MqttProtocolVersion version) => version < MqttProtocolVersion.V500
        ? 2
        : 2 + Outgoing.MeasureProperties(packet.Properties, version) + packet.ReasonCodes.Count;

    /// <summary>Writes what follows the fixed header; 3.x has no reason codes.</summary>
    public static void Write(ref FrameWriter frame, UnsubAckPacket packet)
    {
        frame.WriteTwoByteInteger(packet.PacketId);
        if (!frame.HasProperties)
            return;
        frame.WriteProperties(packet.Properties);
        for (var i = 0; i < packet.ReasonCodes.Count; i++)
            frame.WriteByte((byte)packet.ReasonCodes[i]);
    }
}
