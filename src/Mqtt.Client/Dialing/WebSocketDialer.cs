using System.Net.Sockets;
using System.Net.WebSockets;
using Mqtt.Protocol.Channels;

namespace Mqtt.Client;

/// <summary>Opens WebSockets, over a connection that is there already.</summary>
internal static class WebSocketDialer
{
    private const string DefaultPath = "/mqtt";

    /// <summary>Opens a WebSocket on a connection that leads to the server, TLS included; it owns the stream. A failure has closed it.</summary>
    /// <exception cref="IOException">The server refused.</exception>
    public static async Task<MqttChannel> UpgradeAsync(Stream stream, Socket? below, ServerAddress server, MqttClientOptions options, CancellationToken cancellationToken)
    {
        // The handler speaks HTTP once, on this stream. TLS, if it is to be, lies below it already.
        using var handler = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = (_, _) => new(stream),
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
        });
        try
        {
            var target = new UriBuilder(server.Uri) { Scheme = "ws", Path = PathOf(server.Uri) };
            var socket = await ConnectAsync(target.Uri, HostOf(server.Uri), handler, options, cancellationToken).ConfigureAwait(false);
            return new WebSocketChannel(socket, below?.LocalEndPoint, below?.RemoteEndPoint);
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Opens a WebSocket by the user's own means.</summary>
    /// <exception cref="IOException">There is no connection, or the server refused.</exception>
    public static async Task<MqttChannel> DialAsync(ServerAddress server, HttpMessageInvoker invoker, MqttClientOptions options, CancellationToken cancellationToken)
    {
        var target = new UriBuilder(server.Uri) { Path = PathOf(server.Uri) };
        return new WebSocketChannel(await ConnectAsync(target.Uri, host: null, invoker, options, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Checks that the headers can be sent.</summary>
    /// <param name="options">What the user wants.</param>
    /// <param name="require">Is told what must hold, the name of the option, and the reason.</param>
    public static void Check(MqttClientWebSocket options, Action<bool, string, string> require)
    {
        using var socket = new ClientWebSocket();
        try
        {
            SetHeaders(socket, options);
        }
        catch (ArgumentException wrong)
        {
            require(false, "WebSocket.RequestHeaders", wrong.Message);
        }
    }

    private static async Task<WebSocket> ConnectAsync(Uri target, string? host, HttpMessageInvoker invoker, MqttClientOptions options, CancellationToken cancellationToken)
    {
        var socket = new ClientWebSocket();
        try
        {
            // [MQTT-6.0.0-3], and its predecessor for 3.1. MQTT has a keep-alive of its own.
            var protocol = options.ProtocolVersion == MqttProtocolVersion.V310 ? "mqttv3.1" : "mqtt";
            socket.Options.AddSubProtocol(protocol);
            socket.Options.KeepAliveInterval = TimeSpan.Zero;
            if (host is not null)
                socket.Options.SetRequestHeader("Host", host);
            SetHeaders(socket, options.WebSocket);
            await socket.ConnectAsync(target, invoker, cancellationToken).ConfigureAwait(false);
            // [MQTT-6.0.0-4]
            return socket.SubProtocol == protocol ? socket : throw new IOException($"The server did not select the WebSocket subprotocol '{protocol}'.");
        }
        catch (WebSocketException refused)
        {
            socket.Dispose();
            throw new IOException($"The WebSocket was refused: {refused.GetBaseException().Message}", refused);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void SetHeaders(ClientWebSocket socket, MqttClientWebSocket options)
    {
        foreach (var (name, value) in options.RequestHeaders)
            socket.Options.SetRequestHeader(name, value);
    }

    // As the true scheme has it, for which another port is the usual one.
    private static string HostOf(Uri server)
    {
        var host = server.HostNameType == UriHostNameType.IPv6 ? $"[{server.IdnHost}]" : server.IdnHost;
        return server.IsDefaultPort ? host : $"{host}:{server.Port}";
    }

    private static string PathOf(Uri server) => server.AbsolutePath.Length > 1 ? server.AbsolutePath : DefaultPath;
}
