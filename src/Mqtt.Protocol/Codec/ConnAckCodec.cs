namespace Mqtt.Protocol;

/// <summary>CONNACK (section 3.2): flags, reason code (3.x: return code), properties.</summary>
internal static class ConnAckCodec
{
    private const int Bit = 1 << (int)MqttPacketType.ConnAck;

    /// <summary>
    /// Reads the packet. A reader of 5.0 also takes the two bytes with which a server of 3.x refuses a level that it does
    /// not know, since that server could not do otherwise.
    /// </summary>
    public static ConnAckPacket Read(ref FrameReader frame)
    {
        var isRefusalOf3 = frame is { HasProperties: true, Remaining: 2 };
        var flags = frame.ReadByte();
        if (frame.Version == MqttProtocolVersion.V310)
            flags = 0; // 3.1 does not use this byte.
        if (flags > 1)
            throw MqttProtocolException.Malformed("The reserved flags of CONNACK are set."); // [MQTT-3.2.2-1]

        var packet = new ConnAckPacket { SessionPresent = flags != 0 };
        if (isRefusalOf3)
            packet.ReasonCode = ReadRefusalOf3(ref frame);
        else if (!frame.HasProperties)
            packet.ReasonCode = ReturnCodes.FromConnAck(frame.ReadByte());
        else
            packet.ReasonCode = frame.ReadReasonCode(MqttPacketType.ConnAck);
        if (!isRefusalOf3)
            packet.Properties = frame.ReadProperties(Bit);

        if (packet.SessionPresent && packet.ReasonCode != ReasonCode.Success)
            throw MqttProtocolException.Forbidden("A refusal cannot have a session."); // [MQTT-3.2.2-6] (3.1.1: [MQTT-3.2.2-4])
        return packet;
    }

    private static ReasonCode ReadRefusalOf3(ref FrameReader frame)
    {
        var code = frame.ReadByte();
        if (code is 0 or > 5)
            throw MqttProtocolException.Malformed("CONNACK has no properties, not even their length.");
        return ReturnCodes.FromConnAck(code);
    }

    /// <summary>Refuses what could not be read back.</summary>
    public static void Check(ConnAckPacket packet, MqttProtocolVersion version)
    {
        Outgoing.CheckReasonCode(MqttPacketType.ConnAck, packet.ReasonCode);
        if (packet.SessionPresent && packet.ReasonCode != ReasonCode.Success)
            throw new ArgumentException("A refusal cannot have a session.", nameof(packet));
        Outgoing.CheckProperties(packet.Properties, Bit, version);
    }

    /// <summary>The remaining length.</summary>
    public static long Measure(ConnAckPacket packet, MqttProtocolVersion version) =>
        2 + Outgoing.MeasureProperties(packet.Properties, version);

    /// <summary>Writes what follows the fixed header. 3.1 has no session flag; a code that 3.x does not have becomes the nearest one.</summary>
    public static void Write(ref FrameWriter frame, ConnAckPacket packet)
    {
        frame.WriteByte(packet.SessionPresent && frame.Version > MqttProtocolVersion.V310 ? (byte)1 : (byte)0);
        frame.WriteByte(frame.HasProperties ? (byte)packet.ReasonCode : ReturnCodes.ToConnAck(packet.ReasonCode));
        frame.WriteProperties(packet.Properties);
    }
}
