namespace Mqtt.Protocol;

/// <summary>PINGRESP: the server is alive (section 3.13).</summary>
public sealed class PingRespPacket : MqttPacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.PingResp;
}
