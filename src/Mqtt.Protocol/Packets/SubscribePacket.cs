namespace Mqtt.Protocol;

/// <summary>SUBSCRIBE: asks for messages (section 3.8). Wire: packet identifier, properties; then filter and options, once or more often.</summary>
public sealed class SubscribePacket : MqttPacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.Subscribe;

    /// <summary>The packet identifier, 1 to 65,535.</summary>
    public ushort PacketId { get; set; }

    /// <summary>What is asked for; at least one [MQTT-3.8.3-2]. Default: none.</summary>
    public IReadOnlyList<TopicSubscription> Subscriptions { get; set; } = [];

    /// <summary>A number that comes back with each message of these subscriptions, 1 to 268,435,455 (5.0). Default: absent.</summary>
    public uint? SubscriptionIdentifier
    {
        get => Properties.GetNumber(PropertyId.SubscriptionIdentifier);
        set => Properties = Properties.With(PropertyId.SubscriptionIdentifier, value);
    }
}
