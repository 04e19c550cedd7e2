namespace Mqtt.Protocol;

/// <summary>UNSUBSCRIBE (section 3.10): packet identifier, properties; then the filters.</summary>
internal static class UnsubscribeCodec
{
    private const int Bit = 1 << (int)MqttPacketType.Unsubscribe;

    /// <summary>Reads the packet.</summary>
    public static UnsubscribePacket Read(ref FrameReader frame)
    {
        var packet = new UnsubscribePacket { PacketId = frame.ReadPacketId(), Properties = frame.ReadProperties(Bit) };
        var filters = new MqttString[Count(frame)];
        for (var i = 0; i < filters.Length; i++)
            filters[i] = frame.ReadTopicFilter();
        packet.Filters = filters;
        return packet;
    }

    // Counting first makes the list as long as the bytes that really came, and no longer. The reader is a copy.
    private static int Count(FrameReader frame)
    {
        var count = 0;
        for (; frame.Remaining > 0; count++)
            frame.SkipPrefixed();
        return count > 0 ? count : throw MqttProtocolException.Forbidden("UNSUBSCRIBE has no topic filter."); // [MQTT-3.10.3-2]
    }

    /// <summary>Refuses what could not be read back.</summary>
    public static void Check(UnsubscribePacket packet, MqttProtocolVersion version)
    {
        Outgoing.CheckPacketId(packet.PacketId);
        Outgoing.CheckProperties(packet.Properties, Bit, version);
        if (packet.Filters.Count == 0)
            throw new ArgumentException("UNSUBSCRIBE needs a topic filter.", nameof(packet));
        for (var i = 0; i < packet.Filters.Count; i++)
            Outgoing.CheckTopicFilter(packet.Filters[i], version, nameof(packet.Filters));
    }

    /// <summary>The remaining length.</summary>
    public static long Measure(UnsubscribePacket packet, MqttProtocolVersion version)
    {
        var length = 2 + Outgoing.MeasureProperties(packet.Properties, version);
        for (var i = 0; i < packet.Filters.Count; i++)
            length += Outgoing.MeasurePrefixed(packet.Filters[i]);
        return length;
    }

    /// <summary>Writes what follows the fixed header.</summary>
    public static void Write(ref FrameWriter frame, UnsubscribePacket packet)
    {
        frame.WriteTwoByteInteger(packet.PacketId);
        frame.WriteProperties(packet.Properties);
        for (var i = 0; i < packet.Filters.Count; i++)
            frame.WritePrefixed(packet.Filters[i].Span);
    }
}
