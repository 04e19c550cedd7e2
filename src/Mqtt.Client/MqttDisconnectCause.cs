namespace Mqtt.Client;

/// <summary>Why a connection ended.</summary>
public sealed class MqttDisconnectCause
{
    internal MqttDisconnectCause(MqttDisconnectOrigin origin, ReasonCode reasonCode, Exception? exception = null)
    {
        Origin = origin;
        ReasonCode = reasonCode;
        Exception = exception;
    }

    /// <summary>Who or what ended the connection.</summary>
    public MqttDisconnectOrigin Origin { get; }

    /// <summary>
    /// The reason code of the DISCONNECT that was received or sent; <see cref="ReasonCode.UnspecifiedError"/> where there was none, because
    /// the network went.
    /// </summary>
    public ReasonCode ReasonCode { get; }

    /// <summary>The server's text for people who look for a cause (5.0). Default: none.</summary>
    public string? ReasonString { get; init; }

    /// <summary>Another server to use, if the server named one (5.0). Default: none.</summary>
    public string? ServerReference { get; init; }

    /// <summary>The server's name-value pairs (5.0). Default: none.</summary>
    public UserProperties UserProperties { get; init; }

    /// <summary>The error, if there was one: of the network or of the protocol. Default: none.</summary>
    public Exception? Exception { get; }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Origin}: {ReasonCode} (0x{(int)ReasonCode:X2}){(ReasonString is null ? "" : $", {ReasonString}")}{(Exception is null ? "" : $"; {Exception.Message}")}";

    /// <summary>The loss of the connection as an error: a refusal, if the server has no wish to see this client again.</summary>
    internal Exception ToLoss() => Origin == MqttDisconnectOrigin.Server && MqttClientReconnect.IsAboutClient(ReasonCode)
        ? new MqttRefusedException(ReasonCode, $"The connection ended. {this}") { ReasonString = ReasonString, ServerReference = ServerReference }
        : ToException();

    /// <summary>What somebody who waited for an answer on this connection gets.</summary>
    internal MqttConnectionException ToException() =>
        Exception as MqttConnectionException ?? new MqttConnectionException($"The connection ended. {this}", Exception);
}
