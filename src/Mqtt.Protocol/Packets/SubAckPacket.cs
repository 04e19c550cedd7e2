namespace Mqtt.Protocol;

/// <summary>SUBACK: the answer to SUBSCRIBE (section 3.9). Wire: packet identifier, properties; then one reason code a filter.</summary>
public sealed class SubAckPacket : MqttPacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.SubAck;

    /// <summary>The identifier of the SUBSCRIBE.</summary>
    public ushort PacketId { get; set; }

    /// <summary>The granted QoS or the refusal of each filter, in the order of SUBSCRIBE. In 3.1.1 every refusal is 0x80. Default: none.</summary>
    public IReadOnlyList<ReasonCode> ReasonCodes { get; set; } = [];

    /// <summary>A text for people who look for a cause, not to be parsed (5.0). Default: none.</summary>
    public MqttString? ReasonString
    {
        get => Properties.GetString(PropertyId.ReasonString);
        set => Properties = Properties.With(PropertyId.ReasonString, value);
    }
}
