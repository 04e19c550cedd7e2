namespace Mqtt.Protocol;

/// <summary>PUBREC: the first answer to a QoS 2 PUBLISH (section 3.5).</summary>
public sealed class PubRecPacket : PublishResponsePacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.PubRec;
}
