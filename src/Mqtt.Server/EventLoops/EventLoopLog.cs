using Microsoft.Extensions.Logging;

namespace Mqtt.Server.EventLoops;

/// <summary>What an event loop logs; see <c>ServerLog</c>.</summary>
internal static partial class EventLoopLog
{
    [LoggerMessage(120, LogLevel.Error, "A round of {Loop} failed.")]
    public static partial void RoundFailed(this ILogger logger, Exception failure, string? loop);

    [LoggerMessage(121, LogLevel.Error, "An action on {Loop} failed.")]
    public static partial void ActionFailed(this ILogger logger, Exception failure, string? loop);
}
