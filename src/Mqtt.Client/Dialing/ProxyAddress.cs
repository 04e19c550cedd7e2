using System.Net;

namespace Mqtt.Client;

/// <summary>The proxy on the way to one server. Shown without the user's name and password.</summary>
internal sealed class ProxyAddress
{
    private readonly Uri uri;
    private readonly NetworkCredential? credentials;

    private ProxyAddress(Uri uri, NetworkCredential? credentials)
    {
        this.uri = uri;
        this.credentials = credentials;
        EndPoint = new DnsEndPoint(uri.IdnHost, uri.Port > 0 ? uri.Port : DefaultSocksPort);
    }

    private const int DefaultSocksPort = 1080;

    public DnsEndPoint EndPoint { get; }

    /// <summary>Finds the proxy for a server; none if it is to be dialled directly.</summary>
    /// <exception cref="IOException">The proxy is none that this client can use.</exception>
    public static ProxyAddress? Find(IWebProxy? proxy, ServerAddress server)
    {
        if (proxy is null || server.EndPoint is not DnsEndPoint || proxy.IsBypassed(server.Uri) || proxy.GetProxy(server.Uri) is not { } uri || uri == server.Uri)
            return null;
        if (WhatIsWrongWith(uri) is { } wrong)
            throw new IOException($"The proxy cannot be used: {wrong}.");
        return new ProxyAddress(uri, CredentialsFor(uri, proxy));
    }

    /// <summary>Why an address is not that of a usable proxy; null if it is.</summary>
    public static string? WhatIsWrongWith(Uri uri) =>
        uri.Scheme is not ("http" or "socks5" or "socks5h") ? $"the scheme '{uri.Scheme}' of the proxy is not known here; use http or socks5"
        : uri.Host.Length == 0 || uri.Port == 0 ? "it names no host and port"
        : null;

    /// <summary>Asks the proxy for a tunnel.</summary>
    /// <exception cref="IOException">It refused, or is none.</exception>
    public async ValueTask OpenTunnelAsync(Stream stream, DnsEndPoint target, CancellationToken cancellationToken)
    {
        try
        {
            await (uri.Scheme == "http"
                ? HttpTunnel.OpenAsync(stream, target, credentials, cancellationToken)
                : SocksTunnel.OpenAsync(stream, target, credentials, cancellationToken)).ConfigureAwait(false);
        }
        catch (IOException failed)
        {
            throw new IOException($"{failed.Message} (proxy {EndPoint.Host}:{EndPoint.Port})", failed);
        }
    }

    // Those of the proxy come first. What the system means by its default credentials has no name.
    private static NetworkCredential? CredentialsFor(Uri uri, IWebProxy proxy)
    {
        if (proxy.Credentials?.GetCredential(uri, "Basic") is { UserName.Length: > 0 } given)
            return given;
        if (uri.UserInfo.Length == 0)
            return null;
        var parts = uri.UserInfo.Split(':', 2);
        return new NetworkCredential(Uri.UnescapeDataString(parts[0]), parts.Length == 2 ? Uri.UnescapeDataString(parts[1]) : "");
    }
}
