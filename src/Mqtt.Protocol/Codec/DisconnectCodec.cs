namespace Mqtt.Protocol;

/// <summary>DISCONNECT (section 3.14): in 5.0 reason code and properties, which may be left out from the right; in 3.x nothing.</summary>
internal static class DisconnectCodec
{
    private const int Bit = 1 << (int)MqttPacketType.Disconnect;

    /// <summary>Reads the packet.</summary>
    public static DisconnectPacket Read(ref FrameReader frame)
    {
        var packet = new DisconnectPacket();
        if (!frame.HasProperties || frame.Remaining == 0)
            return packet;
        packet.ReasonCode = frame.ReadReasonCode(MqttPacketType.Disconnect);
        if (frame.Remaining > 0)
            packet.Properties = frame.ReadProperties(Bit);
        return packet;
    }

    /// <summary>Refuses what could not be read back.</summary>
    public static void Check(DisconnectPacket packet, MqttProtocolVersion version)
    {
        if (version < MqttProtocolVersion.V500)
            return;
        Outgoing.CheckReasonCode(MqttPacketType.Disconnect, packet.ReasonCode);
        Outgoing.CheckProperties(packet.Properties, Bit, version);
    }

    /// <summary>The remaining length in the shortest form.</summary>
    public static long Measure(DisconnectPacket packet, MqttProtocolVersion version)
    {
        if (version < MqttProtocolVersion.V500)
            return 0;
        if (!packet.Properties.IsEmpty)
            return 1 + Outgoing.MeasureProperties(packet.Properties, version);
        return packet.ReasonCode == ReasonCode.NormalDisconnection ? 0 : 1;
    }

    /// <summary>Writes the shortest form.</summary>
    public static void Write(ref FrameWriter frame, DisconnectPacket packet)
    {
        if (!frame.HasProperties || (packet.ReasonCode == ReasonCode.NormalDisconnection && packet.Properties.IsEmpty))
            return;
        frame.WriteByte((byte)packet.ReasonCode);
        if (!packet.Properties.IsEmpty)
            frame.WriteProperties(packet.Properties);
    }
}
