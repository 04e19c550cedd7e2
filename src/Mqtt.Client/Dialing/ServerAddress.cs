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

    /// <summary>Reads an address.</summary>
    /// <exception cref="FormatException">It is none; the message says why.</exception>
    public static ServerAddress Parse(Uri uri)
    {
        if (!uri.IsAbsoluteUri)
            throw new FormatException("it is no absolute address, such as mqtt://host:port");
        EndPoint endPoint = uri.Scheme switch
        {
            "mqtt" or "tcp" => HostAndPort(uri, 1883),
            "unix" => SocketFile(uri),
            _ => throw new FormatException($"the scheme '{uri.Scheme}' is not known here; use mqtt or unix"),
        };
        return new ServerAddress(uri, endPoint);
    }

    public override string ToString() => Uri.ToString().TrimEnd('/');

    private static DnsEndPoint HostAndPort(Uri uri, int defaultPort)
    {
        if (uri.Host.Length == 0)
            throw new FormatException("it names no host");
        if (uri.Port == 0)
            throw new FormatException("port 0 is none to connect to");
        if (uri.PathAndQuery.Length > 1 || uri.Fragment.Length > 0)
            throw new FormatException($"nothing follows the host of an {uri.Scheme} address");
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
