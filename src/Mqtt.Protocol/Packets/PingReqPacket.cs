namespace Mqtt.Protocol;

/// <summary>PINGREQ: the client is alive, and asks whether the server is (section 3.12).</summary>
public sealed class PingReqPacket : MqttPacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.PingReq;
}
