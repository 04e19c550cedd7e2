namespace Mqtt.Client;

/// <summary>The server said no, or is known to say no because of a limit that it announced. Nothing is wrong with the connection itself.</summary>
public sealed class MqttRefusedException : Exception
{
    /// <summary>Creates the error for an unspecified reason.</summary>
    public MqttRefusedException()
        : this("The server refused.")
    {
    }

    /// <summary>Creates the error for an unspecified reason.</summary>
    public MqttRefusedException(string message)
        : this(ReasonCode.UnspecifiedError, message)
    {
    }

    /// <summary>Creates the error for an unspecified reason.</summary>
    public MqttRefusedException(string message, Exception innerException)
        : base(message, innerException) => ReasonCode = ReasonCode.UnspecifiedError;

    /// <summary>Creates the error with the server's reason.</summary>
    public MqttRefusedException(ReasonCode reasonCode, string message)
        : base(message) => ReasonCode = reasonCode;

    /// <summary>The server's reason, 0x80 or above.</summary>
    public ReasonCode ReasonCode { get; }

    /// <summary>The server's text for people who look for a cause (5.0). Default: none.</summary>
    public string? ReasonString { get; init; }

    /// <summary>
    /// Another server to use, where the reason is <see cref="ReasonCode.UseAnotherServer"/> or <see cref="ReasonCode.ServerMoved"/> (5.0).
    /// Default: none.
    /// </summary>
    public string? ServerReference { get; init; }

    internal static MqttRefusedException For(string what, ReasonCode reasonCode, MqttString? reasonString = null, MqttString? serverReference = null)
    {
        var text = reasonString?.ToString();
        return new(reasonCode, $"{what}: {reasonCode} (0x{(int)reasonCode:X2}){(text is null ? "." : $", {text}")}")
        {
            ReasonString = text,
            ServerReference = serverReference?.ToString(),
        };
    }
}
