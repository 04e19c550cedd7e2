using System.Net;
using Microsoft.Extensions.Logging;

namespace Mqtt.Hosting;

/// <summary>What clients and brokers of a host log. The numbers stay as they are: people filter by them. docs/logging.md lists them.</summary>
internal static partial class HostingLog
{
    [LoggerMessage(400, LogLevel.Information, "The broker listens on {EndPoint}.")]
    public static partial void BrokerListens(this ILogger logger, EndPoint endPoint);

    [LoggerMessage(401, LogLevel.Error, "The client '{Client}' has no connection to {Server}.")]
    public static partial void ClientNotConnected(this ILogger logger, Exception error, string client, string server);
}
