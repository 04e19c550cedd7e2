using System.Net;
using System.Net.Sockets;
using Mqtt.Protocol.Channels;

namespace Mqtt.Client;

/// <summary>Opens TCP connections.</summary>
internal static class TcpDialer
{
    private const int DefaultPort = 1883;

    /// <summary>Connects to the server's host, trying each of its addresses.</summary>
    /// <exception cref="MqttConnectionException">No connection could be made.</exception>
    public static async ValueTask<MqttChannel> DialAsync(Uri server, CancellationToken cancellationToken)
    {
        var (host, port) = (server.DnsSafeHost, server.Port > 0 ? server.Port : DefaultPort);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(new DnsEndPoint(host, port), cancellationToken).ConfigureAwait(false);
            var stream = new NetworkStream(socket, ownsSocket: true);
            return new StreamChannel(stream, () => socket.Shutdown(SocketShutdown.Send), socket.LocalEndPoint, socket.RemoteEndPoint);
        }
        catch (SocketException failed)
        {
            socket.Dispose();
            throw new MqttConnectionException($"No connection to {host}, port {port}: {failed.Message}", failed);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
