namespace Mqtt.Protocol;

/// <summary>
/// The peer broke the protocol. Thrown anywhere below a connection's loop and caught there once: the loop answers with
/// <see cref="ReasonCode"/> where the version and the state of the connection allow an answer, and closes.
/// </summary>
public sealed class MqttProtocolException : Exception
{
    /// <summary>Creates the error for a malformed packet.</summary>
    public MqttProtocolException()
        : this(ReasonCode.MalformedPacket, "Malformed packet.")
    {
    }

    /// <summary>Creates the error for a malformed packet.</summary>
    public MqttProtocolException(string message)
        : this(ReasonCode.MalformedPacket, message)
    {
    }

    /// <summary>Creates the error for a malformed packet.</summary>
    public MqttProtocolException(string message, Exception innerException)
        : base(message, innerException) => ReasonCode = ReasonCode.MalformedPacket;

    /// <summary>Creates the error with the reason code that the standard asks for.</summary>
    public MqttProtocolException(ReasonCode reasonCode, string message)
        : base(message) => ReasonCode = reasonCode;

    /// <summary>The code to answer with before closing.</summary>
    public ReasonCode ReasonCode { get; }

    /// <summary>A packet that cannot be parsed (sections 1.2 and 4.13).</summary>
    internal static MqttProtocolException Malformed(string message) => new(ReasonCode.MalformedPacket, message);

    /// <summary>A packet that can be parsed but says what is not allowed (sections 1.2 and 4.13).</summary>
    internal static MqttProtocolException Forbidden(string message) => new(ReasonCode.ProtocolError, message);
}
