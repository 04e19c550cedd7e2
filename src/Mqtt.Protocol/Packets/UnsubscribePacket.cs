namespace Mqtt.Protocol;

/// <summary>UNSUBSCRIBE: ends subscriptions (section 3.10). Wire: packet identifier, properties; then the filters.</summary>
public sealed class UnsubscribePacket : MqttPacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.Unsubscribe;

    /// <summary>The packet identifier, 1 to 65,535.</summary>
    public ushort PacketId { get; set; }

    /// <summary>The filters as they were subscribed; at least one [MQTT-3.10.3-2]. Default: none.</summary>
    public IReadOnlyList<MqttString> Filters { get; set; } = [];
}
