using Microsoft.Extensions.Logging;

namespace Mqtt.Client;

/// <summary>What a client logs. The numbers stay as they are: people filter by them. docs/logging.md lists them.</summary>
internal static partial class ClientLog
{
    [LoggerMessage(300, LogLevel.Error, "The handler of a message to {Topic} failed.")]
    public static partial void HandlerFailed(this ILogger logger, Exception error, MqttString topic);

    [LoggerMessage(301, LogLevel.Error, "A handler of {Event} failed.")]
    public static partial void EventHandlerFailed(this ILogger logger, Exception error, string @event);

    [LoggerMessage(302, LogLevel.Information, "The connection ended: {Cause}")]
    public static partial void ConnectionEnded(this ILogger logger, MqttDisconnectCause cause);
}
