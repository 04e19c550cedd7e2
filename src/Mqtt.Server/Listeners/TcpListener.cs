using System.Net;
using System.Net.Sockets;
using Mqtt.Protocol.Channels;

namespace Mqtt.Server.Listeners;

/// <summary>Listens on one TCP address through the runtime's sockets: every platform.</summary>
internal sealed class TcpListener(IPEndPoint address) : MqttListener
{
    private Socket? socket;
    private EndPoint endPoint = address;

    public override EndPoint EndPoint => endPoint;

    public override void Start()
    {
        socket = ListenSocket.Open(address);
        endPoint = socket.LocalEndPoint!;
    }

    public override async ValueTask<MqttChannel?> AcceptAsync()
    {
        while (true)
        {
            try
            {
                var accepted = await socket!.AcceptAsync().ConfigureAwait(false);
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
        socket?.Dispose();
        return ValueTask.CompletedTask;
    }
}
