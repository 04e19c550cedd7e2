using Microsoft.Extensions.Logging;

namespace Mqtt.Server.Time;

/// <summary>What a heartbeat logs; see <c>ServerLog</c>.</summary>
internal static partial class HeartbeatLog
{
    [LoggerMessage(130, LogLevel.Error, "A deadline failed.")]
    public static partial void DeadlineFailed(this ILogger logger, Exception failure);
}
