using System.Net;
using System.Net.Sockets;
using Mqtt.Protocol.Channels;

namespace Mqtt.Server.Listeners;

/// <summary>Listens on one TCP address.</summary>
internal sealed class TcpListener(IPEndPoint address) : MqttListener
{
    private const int Backlog = 4096;

    private readonly Socket socket = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);

    public override EndPoint EndPoint => socket.LocalEndPoint ?? address;

    public override void Start()
    {
        try
        {
            // Only IPv6's own addresses: IPv4 has a listener of its own where both are wanted. An unspecified address takes both.
            if (address.AddressFamily == AddressFamily.InterNetworkV6)
                socket.DualMode = address.Address.Equals(IPAddress.IPv6Any);
            socket.Bind(address);
            socket.Listen(Backlog);
        }
        catch (SocketException refused)
        {
            socket.Dispose();
            throw new IOException($"Cannot listen on {address}: {refused.Message}", refused);
        }
    }

    public override async ValueTask<MqttChannel?> AcceptAsync()
    {
        while (true)
        {
            try
            {
                var accepted = await socket.AcceptAsync().ConfigureAwait(false);
                accepted.NoDelay = true;
                return new SocketChannel(accepted);
            }
            catch (ObjectDisposedException)
            {
                return null;
            }
            catch (SocketException refused) when (refused.SocketErrorCode is SocketError.OperationAborted or SocketError.Interrupted)
            {
                return null;
            }
            catch (SocketException refused) when (refused.SocketErrorCode is not (SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable))
            {
                // This connection went before it could be accepted; the next one counts.
            }
        }
    }

    public override ValueTask DisposeAsync()
    {
        socket.Dispose();
        return ValueTask.CompletedTask;
    }
}
