namespace Mqtt.Protocol;

/// <summary>PUBCOMP: the answer to PUBREL, the end of a QoS 2 delivery (section 3.7).</summary>
public sealed class PubCompPacket : PublishResponsePacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.PubComp;
}
