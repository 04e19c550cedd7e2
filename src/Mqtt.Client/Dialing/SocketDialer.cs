using System.Net;
using System.Net.Sockets;

namespace Mqtt.Client;

/// <summary>Opens sockets.</summary>
internal static class SocketDialer
{
    /// <summary>Connects to a host, whichever of its addresses answers first.</summary>
    /// <exception cref="SocketException">The host is unknown, or none of its addresses can be reached.</exception>
    public static async Task<Socket> ConnectAsync(DnsEndPoint host, TimeProvider time, CancellationToken cancellationToken)
    {
        IPAddress[] addresses = IPAddress.TryParse(host.Host, out var literal)
            ? [literal]
            : await Dns.GetHostAddressesAsync(host.Host, cancellationToken).ConfigureAwait(false);
        return await AddressRace.RunAsync(addresses, (address, token) => ConnectAsync(new IPEndPoint(address, host.Port), token), time, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>Connects to one address, or to a socket file.</summary>
    /// <exception cref="SocketException">It cannot be reached.</exception>
    public static async Task<Socket> ConnectAsync(EndPoint endPoint, CancellationToken cancellationToken)
    {
        var isFile = endPoint is UnixDomainSocketEndPoint;
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, isFile ? ProtocolType.Unspecified : ProtocolType.Tcp);
        try
        {
            if (!isFile)
                socket.NoDelay = true;
            await socket.ConnectAsync(endPoint, cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
