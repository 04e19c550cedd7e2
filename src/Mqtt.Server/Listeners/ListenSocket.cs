using System.Net;
using System.Net.Sockets;

namespace Mqtt.Server.Listeners;

/// <summary>Takes TCP addresses.</summary>
internal static class ListenSocket
{
    private const int Backlog = 4096;

    /// <summary>A socket that listens on an address.</summary>
    /// <exception cref="IOException">The address cannot be had.</exception>
    public static Socket Open(IPEndPoint address)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // Only IPv6's own addresses: IPv4 has a listener of its own where both are wanted. An unspecified address takes both.
            if (address.AddressFamily == AddressFamily.InterNetworkV6)
                socket.DualMode = address.Address.Equals(IPAddress.IPv6Any);
            socket.Bind(address);
            socket.Listen(Backlog);
            return socket;
        }
        catch (SocketException refused)
        {
            socket.Dispose();
            throw new IOException($"Cannot listen on {address}: {refused.Message}", refused);
        }
    }
}
