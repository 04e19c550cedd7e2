namespace Mqtt.Protocol;

/// <summary>AUTH: one step of an enhanced authentication, 5.0 only (section 3.15). Wire: reason code, properties; both may be left out for success.</summary>
public sealed class AuthPacket : MqttPacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.Auth;

    /// <summary>Success, continue or re-authenticate. Default: success.</summary>
    public ReasonCode ReasonCode { get; set; }

    /// <summary>The authentication method (5.0, section 4.12). Default: none.</summary>
    public MqttString? AuthenticationMethod
    {
        get => Properties.GetString(PropertyId.AuthenticationMethod);
        set => Properties = Properties.With(PropertyId.AuthenticationMethod, value);
    }

    /// <summary>The authentication data (5.0, section 4.12). Default: none.</summary>
    public ReadOnlyMemory<byte>? AuthenticationData
    {
        get => Properties.GetBinary(PropertyId.AuthenticationData);
        set => Properties = Properties.With(PropertyId.AuthenticationData, value);
    }

    /// <summary>A text for people who look for a cause, not to be parsed (5.0). Default: none.</summary>
    public MqttString? ReasonString
    {
        get => Properties.GetString(PropertyId.ReasonString);
        set => Properties = Properties.With(PropertyId.ReasonString, value);
    }
}
