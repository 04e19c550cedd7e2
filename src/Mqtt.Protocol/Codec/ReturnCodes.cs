namespace Mqtt.Protocol;

/// <summary>The return codes of 3.x and the reason codes of the same meaning.</summary>
internal static class ReturnCodes
{
    private static readonly ReasonCode[] Connect =
    [
        ReasonCode.Success,
        ReasonCode.UnsupportedProtocolVersion,
        ReasonCode.ClientIdentifierNotValid,
        ReasonCode.ServerUnavailable,
        ReasonCode.BadUserNameOrPassword,
        ReasonCode.NotAuthorized,
    ];

    /// <summary>Reads CONNACK's return code; 6 and above are reserved (3.1.1, table 3.1).</summary>
    public static ReasonCode FromConnAck(byte returnCode) => returnCode < Connect.Length
        ? Connect[returnCode]
        : throw MqttProtocolException.Forbidden($"CONNACK cannot carry the return code {returnCode}.");

    /// <summary>
    /// The return code that comes nearest: who may not come in hears 5, not authorised; for everything else that has no code of
    /// its own the server is not available, 3.
    /// </summary>
    public static byte ToConnAck(ReasonCode reasonCode) => reasonCode switch
    {
        ReasonCode.Success => 0,
        ReasonCode.UnsupportedProtocolVersion => 1,
        ReasonCode.ClientIdentifierNotValid => 2,
        ReasonCode.BadUserNameOrPassword => 4,
        ReasonCode.NotAuthorized or ReasonCode.Banned or ReasonCode.BadAuthenticationMethod or ReasonCode.TopicNameInvalid => 5,
        _ => 3,
    };

    /// <summary>Reads SUBACK's return code: a granted QoS or, in 3.1.1 only, 0x80 [MQTT-3.9.3-2].</summary>
    public static ReasonCode FromSubAck(byte returnCode, MqttProtocolVersion version)
    {
        if (returnCode <= (byte)ReasonCode.GrantedQoS2 || (returnCode == (byte)ReasonCode.UnspecifiedError && version == MqttProtocolVersion.V311))
            return (ReasonCode)returnCode;
        throw MqttProtocolException.Forbidden($"SUBACK cannot carry the return code 0x{returnCode:X2}.");
    }

    /// <summary>Every refusal becomes 0x80; 3.1 has none, and hears that QoS 0 is granted.</summary>
    public static byte ToSubAck(ReasonCode reasonCode, MqttProtocolVersion version)
    {
        if (reasonCode <= ReasonCode.GrantedQoS2)
            return (byte)reasonCode;
        return version == MqttProtocolVersion.V310 ? (byte)ReasonCode.GrantedQoS0 : (byte)ReasonCode.UnspecifiedError;
    }
}
