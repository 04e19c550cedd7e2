namespace Mqtt.Protocol;

/// <summary>AUTH (section 3.15), 5.0 only: reason code, properties.</summary>
internal static class AuthCodec
{
    private const int Bit = 1 << (int)MqttPacketType.Auth;

    /// <summary>
    /// Reads the packet. The standard allows a short form without code and properties, and calls an AUTH without its method a
    /// protocol error (sections 3.15.2.1 and 3.15.2.2.2): the short form is well formed, and refused for what it lacks.
    /// </summary>
    public static AuthPacket Read(ref FrameReader frame)
    {
        var packet = new AuthPacket();
        if (frame.Remaining > 0)
            packet.ReasonCode = frame.ReadReasonCode(MqttPacketType.Auth);
        if (frame.Remaining == 0)
            throw MqttProtocolException.Forbidden("AUTH has no authentication method.");
        packet.Properties = frame.ReadProperties(Bit);
        return packet;
    }

    /// <summary>Refuses what could not be read back.</summary>
    public static void Check(AuthPacket packet, MqttProtocolVersion version)
    {
        if (version < MqttProtocolVersion.V500)
            throw new ArgumentException("There is no AUTH before 5.0.", nameof(packet));
        Outgoing.CheckReasonCode(MqttPacketType.Auth, packet.ReasonCode);
        Outgoing.CheckProperties(packet.Properties, Bit, version);
    }

    /// <summary>The remaining length.</summary>
    public static long Measure(AuthPacket packet, MqttProtocolVersion version) => 1 + Outgoing.MeasureProperties(packet.Properties, version);

    /// <summary>Writes what follows the fixed header.</summary>
    public static void Write(ref FrameWriter frame, AuthPacket packet)
    {
        frame.WriteByte((byte)packet.ReasonCode);
        frame.WriteProperties(packet.Properties);
    }
}
