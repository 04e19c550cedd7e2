using Microsoft.Extensions.Logging;
using Mqtt.Protocol;
using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Server.Broker;

/// <summary>What a broker logs. The numbers stay as they are: people filter by them. docs/logging.md lists them.</summary>
internal static partial class BrokerLog
{
    [LoggerMessage(200, LogLevel.Error, "The hook {Hook} failed.")]
    public static partial void HookFailed(this ILogger logger, Exception failure, IBrokerHook hook);

    [LoggerMessage(201, LogLevel.Warning, "The hook {Hook} has not answered for {Time}, and keeps a client waiting.")]
    public static partial void HookSlow(this ILogger logger, IBrokerHook hook, TimeSpan time);

    [LoggerMessage(202, LogLevel.Warning, "The hook {Hook} is too slow, and is not told everything any more.")]
    public static partial void HookNoticesLost(this ILogger logger, IBrokerHook hook);

    [LoggerMessage(203, LogLevel.Error, "The authentication hook {Hook} failed.")]
    public static partial void AuthenticationFailed(this ILogger logger, Exception failure, IBrokerHook hook);

    [LoggerMessage(204, LogLevel.Warning, "The authentication hook {Hook} took longer than {Timeout}.")]
    public static partial void AuthenticationSlow(this ILogger logger, IBrokerHook hook, TimeSpan timeout);

    [LoggerMessage(205, LogLevel.Error, "The receivers of a message could not be chosen.")]
    public static partial void ReceiverFilterFailed(this ILogger logger, Exception failure);

    [LoggerMessage(206, LogLevel.Error, "The pick of a member of {Share} failed.")]
    public static partial void SharedPickFailed(this ILogger logger, Exception failure, MqttString share);

    [LoggerMessage(207, LogLevel.Warning, "{Count} messages that were to be published later are lost.")]
    public static partial void DelayedMessagesLost(this ILogger logger, int count);

    [LoggerMessage(208, LogLevel.Warning, "Client {ClientId} was taken over {Count} times within a minute: two devices seem to share the name.")]
    public static partial void TakenOverOften(this ILogger logger, string clientId, int count);

    [LoggerMessage(209, LogLevel.Error, "The handler of {Filter} of the in-process client {ClientId} failed.")]
    public static partial void InProcessHandlerFailed(this ILogger logger, Exception failure, MqttString filter, string clientId);

    [LoggerMessage(210, LogLevel.Error, "The broker ends, although hooks have not completed within {Time}.")]
    public static partial void HooksLeftBehind(this ILogger logger, TimeSpan time);
}
