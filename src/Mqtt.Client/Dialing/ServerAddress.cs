using System.Net;
using System.Net.Sockets;

namespace Mqtt.Client;

/// <summary>Where a server is and what is spoken on the way to it, as its address says. Shown without the user's name and password.</summary>
internal sealed class ServerAddress
{
    private ServerAddress(Uri uri, EndPoint endPoint)
    {
        EndPoint = endPoint;
        Uri = uri.UserInfo.Length == 0 ? uri : new UriBuilder(uri) { UserName = "", Password = "" }.Uri;
    }

    /// <summary>The address without the user's name and password.</summary>
    public Uri Uri { get; }

    /// <summary>A <see cref="DnsEndPoint"/>, or a <see cref="UnixDomainSocketEndPoint"/>.</summary>
    public EndPoint EndPoint { get; }

    public bool IsTls { get; private init; }

    public bool IsWebSocket { get; private init; }

    /// <summary>Reads an address.</summary>
    /// <exception cref="FormatException">It is none; the message says why.</exception>
    public static ServerAddress Parse(Uri uri)
    {
        if (!uri.IsAbsoluteUri)
            throw new FormatException("it is no absolute address, such as mqtt://host:port");
        return uri.Scheme switch
        {
            "mqtt" or "tcp" => new(uri, HostAndPort(uri, 1883)),
            "mqtts" or "tls" or "ssl" => new(uri, HostAndPort(uri, 8883)) { IsTls = true },
            "ws" => new(uri, HostAndPort(uri, 80)) { IsWebSocket = true },
            "wss" => new(uri, HostAndPort(uri, 443)) { IsWebSocket = true, IsTls = true },
            "unix" => new(uri, SocketFile(uri)),
            _ => throw new FormatException($"the scheme '{uri.Scheme}' is not known here; use mqtt, mqtts, ws, wss or unix"),
        };
    }

    public override string ToString() => Uri.ToString().TrimEnd('/');

    private static DnsEndPoint HostAndPort(Uri uri, int defaultPort)
    {
        if (uri.Host.Length == 0)
            throw new FormatException("it names no host");
        if (uri.Port == 0)
            throw new FormatException("port 0 is none to connect to");
        if (uri.Fragment.Length > 0 || (uri.PathAndQuery.Length > 1 && uri.Scheme is not ("ws" or "wss")))
            throw new FormatException($"'{(uri.Fragment.Length > 0 ? uri.Fragment : uri.PathAndQuery)}' has no meaning in it");
        return new DnsEndPoint(uri.IdnHost, uri.Port > 0 ? uri.Port : defaultPort);
    }

    // A user's name needs a host to stand before; there can be no other than this one.
    private static UnixDomainSocketEndPoint SocketFile(Uri uri)
    {
        if (uri.Host is not ("" or "localhost") || uri.AbsolutePath.Length < 2)
            throw new FormatException("a socket file is written unix:///path/to/socket");
        try
        {
            return new UnixDomainSocketEndPoint(Uri.UnescapeDataString(uri.AbsolutePath));
        }
        catch (ArgumentOutOfRangeException)
        {
            throw new FormatException("the path is longer than that of a socket file can be");
        }
    }
}
