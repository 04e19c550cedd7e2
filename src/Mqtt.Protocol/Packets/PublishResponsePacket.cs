namespace Mqtt.Protocol;

/// <summary>
/// What PUBACK, PUBREC, PUBREL and PUBCOMP have in common (sections 3.4 to 3.7). Wire: packet identifier, reason code,
/// properties; in 5.0 a code of 0x00 and empty properties may be left out, 3.x has the identifier alone.
/// </summary>
public abstract class PublishResponsePacket : MqttPacket
{
    private protected PublishResponsePacket()
    {
    }

    /// <summary>The identifier of the PUBLISH that this answers [MQTT-2.2.1-5].</summary>
    public ushort PacketId { get; set; }

    /// <summary>The result (5.0). Default: success.</summary>
    public ReasonCode ReasonCode { get; set; }

    /// <summary>A text for people who look for a cause, not to be parsed (5.0). Default: none.</summary>
    public MqttString? ReasonString
    {
        get => Properties.GetString(PropertyId.ReasonString);
        set => Properties = Properties.With(PropertyId.ReasonString, value);
    }
}
