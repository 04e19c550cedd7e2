namespace Mqtt.Protocol;

/// <summary>
/// DISCONNECT: the last packet of a connection (section 3.14). Wire: reason code, properties; in 5.0 both may be left out,
/// 3.x has neither, and only the client sends it there.
/// </summary>
public sealed class DisconnectPacket : MqttPacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.Disconnect;

    /// <summary>Why the connection ends (5.0). Default: normal disconnection.</summary>
    public ReasonCode ReasonCode { get; set; }

    /// <summary>A new session expiry, in seconds (client only). Default: absent, the one of CONNECT holds.</summary>
    public uint? SessionExpiryInterval
    {
        get => Properties.GetNumber(PropertyId.SessionExpiryInterval);
        set => Properties = Properties.With(PropertyId.SessionExpiryInterval, value);
    }

    /// <summary>A text for people who look for a cause, not to be parsed (5.0). Default: none.</summary>
    public MqttString? ReasonString
    {
        get => Properties.GetString(PropertyId.ReasonString);
        set => Properties = Properties.With(PropertyId.ReasonString, value);
    }

    /// <summary>Another server to use (server only). Default: absent.</summary>
    public MqttString? ServerReference
    {
        get => Properties.GetString(PropertyId.ServerReference);
        set => Properties = Properties.With(PropertyId.ServerReference, value);
    }
}
