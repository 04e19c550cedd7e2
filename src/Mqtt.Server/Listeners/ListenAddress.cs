using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Mqtt.Server.EventLoops;

namespace Mqtt.Server.Listeners;

/// <summary>Reads addresses as users write them, and makes the listeners for them.</summary>
internal static class ListenAddress
{
    private const int MqttPort = 1883;
    private const int MqttsPort = 8883;

    /// <summary>Starts the listeners of one address: two for <c>localhost</c>, which share a port even if it is 0.</summary>
    /// <param name="address">As users write it.</param>
    /// <param name="loops">The event loops to use; <see langword="null"/> for the runtime's sockets.</param>
    /// <param name="tls">What <c>mqtts</c> and <c>wss</c> need.</param>
    /// <param name="webSocket">Whom <c>ws</c> and <c>wss</c> let in.</param>
    /// <param name="logger">Where they tell whom they did not.</param>
    public static IReadOnlyList<MqttListener> Start(
        string address, EventLoopGroup? loops, SslServerAuthenticationOptions? tls, MqttServerWebSocket webSocket, ILogger logger)
    {
        var uri = Parse(address);
        IEnumerable<MqttListener> listeners = StartPlain(address, loops);
        if (IsTls(uri))
            listeners = listeners.Select(plain => new TlsListener(plain, tls!, logger));
        if (IsWebSocket(uri))
            listeners = listeners.Select(below => new WebSocketListener(below, new WebSocketUpgrade(WebSocketUpgrade.PathOf(uri), webSocket), logger));
        return [.. listeners];
    }

    /// <summary>True if an address asks for TLS.</summary>
    public static bool IsTls(Uri address) => address.Scheme is "mqtts" or "tls" or "wss";

    private static bool IsWebSocket(Uri address) => address.Scheme is "ws" or "wss";

    private static IReadOnlyList<MqttListener> StartPlain(string address, EventLoopGroup? loops)
    {
        var uri = Parse(address);
        var port = uri.Port > -1 ? uri.Port : IsTls(uri) ? MqttsPort : MqttPort;
        if (!uri.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
            return [Start(new IPEndPoint(AddressOf(uri, address), port), loops)];

        var first = Start(new IPEndPoint(IPAddress.Loopback, port), loops);
        try
        {
            return Socket.OSSupportsIPv6
                ? [first, Start(new IPEndPoint(IPAddress.IPv6Loopback, ((IPEndPoint)first.EndPoint).Port), loops)]
                : [first];
        }
        catch (IOException cause) when (cause.InnerException is SocketException { SocketErrorCode: SocketError.AddressNotAvailable })
        {
            // A machine without an IPv6 loopback address: IPv4 alone is what localhost means there.
            return [first];
        }
        catch
        {
            first.DisposeAsync().AsTask().GetAwaiter().GetResult();
            throw;
        }
    }

    /// <summary>Checks an address without taking it.</summary>
    /// <exception cref="ArgumentException">It is no address that this server can listen on.</exception>
    public static Uri Parse(string address)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Host.Length == 0)
            throw new ArgumentException($"'{address}' is no address; write mqtt://host:port.", nameof(address));
        if (uri.Scheme is not ("mqtt" or "tcp" or "mqtts" or "tls") && !IsWebSocket(uri))
            throw new ArgumentException($"'{address}': the scheme '{uri.Scheme}' is not known here; use mqtt, mqtts, ws or wss.", nameof(address));
        if (IsWebSocket(uri) && (uri.Query.Length > 0 || uri.Fragment.Length > 0))
            throw new ArgumentException($"'{address}': nothing can follow the path.", nameof(address));
        return uri;
    }

    private static MqttListener Start(IPEndPoint address, EventLoopGroup? loops)
    {
        MqttListener listener = loops is null ? new TcpListener(address) : new EventLoopListener(address, loops);
        listener.Start();
        return listener;
    }

    private static IPAddress AddressOf(Uri uri, string address)
    {
        if (IPAddress.TryParse(uri.Host.Trim('[', ']'), out var parsed))
            return parsed;
        try
        {
            return Dns.GetHostAddresses(uri.Host)[0];
        }
        catch (SocketException unknown)
        {
            throw new IOException($"Cannot listen on {address}: {unknown.Message}", unknown);
        }
    }
}
