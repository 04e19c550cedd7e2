using System.Net;
using Microsoft.Extensions.Logging;

namespace Mqtt.Server.Connections;

/// <summary>What a server logs. The numbers stay as they are: people filter by them. docs/logging.md lists them.</summary>
internal static partial class ServerLog
{
    [LoggerMessage(100, LogLevel.Error, "The handler of connection {Connection} failed.")]
    public static partial void HandlerFailed(this ILogger logger, Exception failure, MqttConnection connection);

    [LoggerMessage(101, LogLevel.Error, "The handler failed at the end of connection {Connection}.")]
    public static partial void HandlerFailedAtEnd(this ILogger logger, Exception failure, MqttConnection connection);

    [LoggerMessage(102, LogLevel.Error, "The end of connection {Connection} failed.")]
    public static partial void EndFailed(this ILogger logger, Exception failure, MqttConnection connection);

    [LoggerMessage(103, LogLevel.Error, "Whoever was told of a state of connection {Connection} failed.")]
    public static partial void StateObserverFailed(this ILogger logger, Exception failure, MqttConnection connection);

    [LoggerMessage(104, LogLevel.Error, "The context of connection {Connection} could not be made.")]
    public static partial void ContextFailed(this ILogger logger, Exception failure, MqttConnection connection);

    [LoggerMessage(105, LogLevel.Error, "Accepting on {EndPoint} failed.")]
    public static partial void AcceptFailed(this ILogger logger, Exception failure, EndPoint endPoint);

    [LoggerMessage(106, LogLevel.Error, "A filter of connections failed.")]
    public static partial void AcceptFilterFailed(this ILogger logger, Exception failure);

    [LoggerMessage(107, LogLevel.Error, "The server stops, although the handlers of {Count} connections have not completed.")]
    public static partial void HandlersLeftBehind(this ILogger logger, int count);

    [LoggerMessage(108, LogLevel.Error, "The packet hook {Hook} failed.")]
    public static partial void PacketHookFailed(this ILogger logger, Exception failure, IMqttPacketHook hook);

    [LoggerMessage(109, LogLevel.Warning, "Connection {Connection} sends what is no packet; hooks do not see it any more.")]
    public static partial void PacketHookBlinded(this ILogger logger, Exception strange, MqttConnection connection);

    [LoggerMessage(110, LogLevel.Information, "A WebSocket from {RemoteEndPoint} was refused with status {Status}: {Reason}")]
    public static partial void WebSocketRefused(this ILogger logger, EndPoint? remoteEndPoint, int status, string reason);

    [LoggerMessage(111, LogLevel.Warning, "A WebSocket from {RemoteEndPoint} offers no subprotocol; it is taken for mqtt.")]
    public static partial void NoSubprotocol(this ILogger logger, EndPoint? remoteEndPoint);

    [LoggerMessage(112, LogLevel.Information, "The TLS handshake with {RemoteEndPoint} failed: {Reason}")]
    public static partial void HandshakeFailed(this ILogger logger, EndPoint? remoteEndPoint, string reason);
}
