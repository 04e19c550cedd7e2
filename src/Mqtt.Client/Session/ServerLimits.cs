namespace Mqtt.Client;

/// <summary>What the server announced that it does not take: such a packet is not sent.</summary>
internal static class ServerLimits
{
    /// <summary>Why the server does not take a message; null if it does.</summary>
    public static MqttRefusedException? Refusal(QualityOfService qualityOfService, bool retain, int bytes, MqttConnectResult accepted)
    {
        // [MQTT-3.2.2-11], [MQTT-3.2.2-14], [MQTT-3.2.2-15]
        if (qualityOfService > accepted.MaximumQoS)
            return new(ReasonCode.QoSNotSupported, $"The server takes QoS {(int)accepted.MaximumQoS} at most.");
        if (retain && !accepted.RetainAvailable)
            return new(ReasonCode.RetainNotSupported, "The server does not keep retained messages.");
        return bytes > accepted.MaximumPacketSizeBytes
            ? new(ReasonCode.PacketTooLarge, $"The packet has {bytes} bytes; the server takes {accepted.MaximumPacketSizeBytes}.")
            : null;
    }

    /// <summary>Checks a filter; success if the server may be asked for it.</summary>
    public static ReasonCode Check(FilterEntry entry, MqttConnectResult accepted)
    {
        if (!accepted.WildcardSubscriptionAvailable && MqttTopic.HasWildcard(entry.Pattern.Span))
            return ReasonCode.WildcardSubscriptionsNotSupported;
        if (!accepted.SharedSubscriptionAvailable && MqttTopic.IsShared(entry.Filter.Span))
            return ReasonCode.SharedSubscriptionsNotSupported;
        var packet = new SubscribePacket { PacketId = 1, Subscriptions = [entry.Request()], SubscriptionIdentifier = entry.Identifier };
        return MqttPacketWriter.Measure(packet, MqttProtocolVersion.V500) > accepted.MaximumPacketSizeBytes ? ReasonCode.PacketTooLarge : ReasonCode.Success;
    }

    /// <summary>A DISCONNECT without what makes it too large: first goes the reason string, then the user properties [MQTT-3.14.2-3] [MQTT-3.14.2-4].</summary>
    public static DisconnectPacket Fit(DisconnectPacket packet, MqttProtocolVersion version, MqttConnectResult accepted)
    {
        if (Fits(packet, version, accepted))
            return packet;
        var less = new DisconnectPacket { ReasonCode = packet.ReasonCode, Properties = packet.Properties.With(PropertyId.ReasonString, (MqttString?)null) };
        if (!Fits(less, version, accepted))
            less.Properties = less.Properties.With(default(UserProperties));
        return less;
    }

    private static bool Fits(MqttPacket packet, MqttProtocolVersion version, MqttConnectResult accepted) =>
        MqttPacketWriter.Measure(packet, version) <= accepted.MaximumPacketSizeBytes;
}
