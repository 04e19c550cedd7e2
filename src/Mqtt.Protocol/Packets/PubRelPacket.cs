namespace Mqtt.Protocol;

/// <summary>PUBREL: the answer to PUBREC (section 3.6).</summary>
public sealed class PubRelPacket : PublishResponsePacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.PubRel;
}
