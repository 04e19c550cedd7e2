namespace Mqtt.Protocol;

/// <summary>SUBSCRIBE (section 3.8): packet identifier, properties; then filter and options, once or more often.</summary>
internal static class SubscribeCodec
{
    private const int Bit = 1 << (int)MqttPacketType.Subscribe;
    private const int QosMask = 0x03;
    private const int NoLocal = 0x04;
    private const int RetainAsPublished = 0x08;
    private const int RetainHandlingShift = 4;
    private const int RetainHandlingMask = 0x30;
    private const int Reserved = 0xC0;
    private const int ReservedBefore5 = 0xFC;

    /// <summary>Reads the packet.</summary>
    public static SubscribePacket Read(ref FrameReader frame)
    {
        var packet = new SubscribePacket { PacketId = frame.ReadPacketId(), Properties = frame.ReadProperties(Bit) };
        var subscriptions = new TopicSubscription[Count(frame)];
        for (var i = 0; i < subscriptions.Length; i++)
            subscriptions[i] = ReadSubscription(ref frame);
        packet.Subscriptions = subscriptions;
        return packet;
    }

    // Counting first makes the list as long as the bytes that really came, and no longer. The reader is a copy.
    private static int Count(FrameReader frame)
    {
        var count = 0;
        for (; frame.Remaining > 0; count++)
        {
            frame.SkipPrefixed();
            frame.SkipByte();
        }

        return count > 0 ? count : throw MqttProtocolException.Forbidden("SUBSCRIBE has no topic filter."); // [MQTT-3.8.3-2] (3.1.1: [MQTT-3.8.3-3])
    }

    private static TopicSubscription ReadSubscription(ref FrameReader frame)
    {
        var filter = frame.ReadTopicFilter();
        var options = frame.ReadByte();
        CheckOptions(options, frame.Version);
        var subscription = new TopicSubscription(filter, (QualityOfService)(options & QosMask))
        {
            NoLocal = (options & NoLocal) != 0,
            RetainAsPublished = (options & RetainAsPublished) != 0,
            RetainHandling = (RetainHandling)((options & RetainHandlingMask) >> RetainHandlingShift),
        };
        if (subscription.NoLocal && MqttTopic.IsShared(filter.Span))
            throw MqttProtocolException.Forbidden("A shared subscription cannot be No Local."); // [MQTT-3.8.3-4]
        return subscription;
    }

    // The same mistake has another name in each standard: QoS 3 is malformed in 3.1.1 [MQTT-3.8.3-4], a protocol error in 5.0.
    private static void CheckOptions(byte options, MqttProtocolVersion version)
    {
        var isBefore5 = version < MqttProtocolVersion.V500;
        if ((options & (isBefore5 ? ReservedBefore5 : Reserved)) != 0 || (isBefore5 && options == QosMask))
            throw MqttProtocolException.Malformed("Reserved bits of the subscription options are set."); // [MQTT-3.8.3-5]
        if ((options & QosMask) == QosMask)
            throw MqttProtocolException.Forbidden("There is no QoS 3.");
        if ((options & RetainHandlingMask) == RetainHandlingMask)
            throw MqttProtocolException.Forbidden("There is no Retain Handling 3.");
    }

    /// <summary>Refuses what could not be read back.</summary>
    public static void Check(SubscribePacket packet, MqttProtocolVersion version)
    {
        Outgoing.CheckPacketId(packet.PacketId);
        Outgoing.CheckProperties(packet.Properties, Bit, version);
        if (packet.Subscriptions.Count == 0)
            throw new ArgumentException("SUBSCRIBE needs a topic filter.", nameof(packet));
        for (var i = 0; i < packet.Subscriptions.Count; i++)
            Check(packet.Subscriptions[i], version);
    }

    private static void Check(in TopicSubscription subscription, MqttProtocolVersion version)
    {
        Outgoing.CheckTopicFilter(subscription.Filter, version, nameof(subscription.Filter));
        Outgoing.CheckQualityOfService(subscription.QualityOfService);
        if (version < MqttProtocolVersion.V500)
            return;
        if (subscription.RetainHandling > RetainHandling.DoNotSend)
            throw new ArgumentException($"There is no Retain Handling {(int)subscription.RetainHandling}.", nameof(subscription));
        if (subscription.NoLocal && MqttTopic.IsShared(subscription.Filter.Span))
            throw new ArgumentException("A shared subscription cannot be No Local.", nameof(subscription));
    }

    /// <summary>The remaining length.</summary>
    public static long Measure(SubscribePacket packet, MqttProtocolVersion version)
    {
        var length = 2 + Outgoing.MeasureProperties(packet.Properties, version);
        for (var i = 0; i < packet.Subscriptions.Count; i++)
            length += Outgoing.MeasurePrefixed(packet.Subscriptions[i].Filter) + 1;
        return length;
    }

    /// <summary>Writes what follows the fixed header.</summary>
    public static void Write(ref FrameWriter frame, SubscribePacket packet)
    {
        frame.WriteTwoByteInteger(packet.PacketId);
        frame.WriteProperties(packet.Properties);
        for (var i = 0; i < packet.Subscriptions.Count; i++)
        {
            var subscription = packet.Subscriptions[i];
            frame.WritePrefixed(subscription.Filter.Span);
            frame.WriteByte((byte)(frame.HasProperties ? Options(subscription) : (int)subscription.QualityOfService));
        }
    }

    private static int Options(in TopicSubscription subscription) =>
        (int)subscription.QualityOfService
        | (subscription.NoLocal ? NoLocal : 0)
        | (subscription.RetainAsPublished ? RetainAsPublished : 0)
        | ((int)subscription.RetainHandling << RetainHandlingShift);
}
