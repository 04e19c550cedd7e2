namespace Mqtt.Protocol;

/// <summary>PUBACK: the answer to a QoS 1 PUBLISH (section 3.4).</summary>
public sealed class PubAckPacket : PublishResponsePacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.PubAck;
}
