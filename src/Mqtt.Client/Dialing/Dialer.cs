using System.Net;
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
            var stream = await ConnectAsync(address.EndPoint, options, cancellationToken).ConfigureAwait(false);
            return ChannelOver(stream, (stream as NetworkStream)?.Socket);
        }
        catch (Exception failed) when (failed is (IOException or SocketException) and not MqttConnectionException)
        {
            throw new MqttConnectionException($"No connection to {address}: {failed.Message}", failed);
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

    private static StreamChannel ChannelOver(Stream stream, Socket? socket) =>
        new(stream, socket is null ? null : () => socket.Shutdown(SocketShutdown.Send), socket?.LocalEndPoint, socket?.RemoteEndPoint);
}
