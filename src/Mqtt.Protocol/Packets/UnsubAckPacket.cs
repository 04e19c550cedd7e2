namespace Mqtt.Protocol;

/// <summary>UNSUBACK: the answer to UNSUBSCRIBE (section 3.11). Wire: packet identifier; in 5.0 properties and one reason code a filter.</summary>
public sealed class UnsubAckPacket : MqttPacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.UnsubAck;

    /// <summary>The identifier of the UNSUBSCRIBE.</summary>
    public ushort PacketId { get; set; }

    /// <summary>The result for each filter, in the order of UNSUBSCRIBE (5.0). Default: none.</summary>
    public IReadOnlyList<ReasonCode> ReasonCodes { get; set; } = [];

    /// <summary>A text for people who look for a cause, not to be parsed (5.0). Default: none.</summary>
    public MqttString? ReasonString
    {
        get => Properties.GetString(PropertyId.ReasonString);
        set => Properties = Properties.With(PropertyId.ReasonString, value);
    }
}
