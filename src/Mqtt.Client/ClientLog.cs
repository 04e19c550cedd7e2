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

    [LoggerMessage(303, LogLevel.Information, "Connected as {ClientId}; the server has kept the session: {SessionPresent}.")]
    public static partial void Connected(this ILogger logger, string clientId, bool sessionPresent);

    [LoggerMessage(304, LogLevel.Warning, "Attempt {Attempt} to connect failed; the next one comes in {RetryIn}.")]
    public static partial void ConnectFailed(this ILogger logger, Exception error, int attempt, TimeSpan? retryIn);

    [LoggerMessage(305, LogLevel.Error, "The client has given up connecting.")]
    public static partial void GaveUp(this ILogger logger, Exception error);

    [LoggerMessage(306, LogLevel.Warning, "The server refused the subscription to {Filter}: {ReasonCode}.")]
    public static partial void SubscriptionRefused(this ILogger logger, MqttString filter, ReasonCode reasonCode);

    [LoggerMessage(307, LogLevel.Warning, "A message to {Topic} is lost ({Cause}): {Reason}")]
    public static partial void PublishLost(this ILogger logger, MqttString topic, MqttPublishLoss cause, string reason);

    [LoggerMessage(308, LogLevel.Error, "The store of the queue has failed; until it works again, nothing new is taken in.")]
    public static partial void StoreFailed(this ILogger logger, Exception error);

    [LoggerMessage(309, LogLevel.Information, "The store of the queue works again.")]
    public static partial void StoreWorks(this ILogger logger);
}
