using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Mqtt.Protocol.Channels;

namespace Mqtt.Client;

/// <summary>
/// Makes the channel to one server, layer upon layer: a connected stream, and what the address and the options put on it. Knows nothing
/// of MQTT; how long it may take, and what happens when it fails, is the caller's matter.
/// </summary>
internal static class Dialer
{
    /// <summary>Connects to a server.</summary>
    /// <exception cref="MqttConnectionException">No connection could be made; the message says to whom and why.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; nothing is left behind.</exception>
    public static async ValueTask<MqttChannel> DialAsync(Uri server, MqttClientOptions options, CancellationToken cancellationToken)
    {
        if (options.ConnectChannel is { } connect)
            return await connect(cancellationToken).ConfigureAwait(false);
        var address = ServerAddress.Parse(server);
        try
        {
            if (address.IsWebSocket && options.WebSocket.Invoker is { } invoker)
                return await WebSocketDialer.DialAsync(address, invoker, options, cancellationToken).ConfigureAwait(false);
            var (stream, socket) = await OpenAsync(address, options, cancellationToken).ConfigureAwait(false);
            return address.IsWebSocket
                ? await WebSocketDialer.UpgradeAsync(stream, socket, address, options, cancellationToken).ConfigureAwait(false)
                : ChannelOver(stream, socket);
        }
        catch (Exception failed) when (failed is (IOException or SocketException) and not MqttConnectionException)
        {
            throw new MqttConnectionException($"No connection to {address}: {failed.Message}", failed);
        }
    }

    /// <summary>A stream that leads to the server, through a proxy and with TLS where they are asked for; and the socket below, if it is known.</summary>
    private static async ValueTask<(Stream Stream, Socket? Socket)> OpenAsync(ServerAddress server, MqttClientOptions options, CancellationToken cancellationToken)
    {
        var proxy = ProxyAddress.Find(options.Proxy, server);
        var stream = await ConnectAsync(proxy?.EndPoint ?? server.EndPoint, options, cancellationToken).ConfigureAwait(false);
        var socket = (stream as NetworkStream)?.Socket;
        try
        {
            if (proxy is not null)
                await proxy.OpenTunnelAsync(stream, (DnsEndPoint)server.EndPoint, cancellationToken).ConfigureAwait(false);
            if (server.IsTls)
                stream = await TlsDialer.ShakeHandsAsync(stream, ((DnsEndPoint)server.EndPoint).Host, options.Tls, cancellationToken).ConfigureAwait(false);
            return (stream, socket);
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async ValueTask<Stream> ConnectAsync(EndPoint endPoint, MqttClientOptions options, CancellationToken cancellationToken)
    {
        if (options.ConnectCallback is { } connect)
            return await connect(endPoint, cancellationToken).ConfigureAwait(false) ?? throw new IOException("ConnectCallback gave no stream.");
        var socket = endPoint is DnsEndPoint host
            ? await SocketDialer.ConnectAsync(host, options.TimeProvider, cancellationToken).ConfigureAwait(false)
            : await SocketDialer.ConnectAsync(endPoint, cancellationToken).ConfigureAwait(false);
        return new NetworkStream(socket, ownsSocket: true);
    }

    // What leads a stream to its end is the socket; TLS says goodbye before. A stream of the user's own making knows of no end.
    private static StreamChannel ChannelOver(Stream stream, Socket? socket)
    {
        Action? completeWriting =
            stream is SslStream tls ? () => _ = TlsDialer.CompleteWritingAsync(tls, socket)
            : socket is null ? null
            : () => socket.Shutdown(SocketShutdown.Send);
        return new StreamChannel(stream, completeWriting, socket?.LocalEndPoint, socket?.RemoteEndPoint);
    }
}
