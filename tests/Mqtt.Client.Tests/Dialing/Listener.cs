using System.Net;
using System.Net.Sockets;

namespace Mqtt.Client.Tests.Dialing;

/// <summary>A listening socket of this machine, on a port that the kernel chose: the server or the proxy that a test plays.</summary>
public sealed class Listener : IDisposable
{
    private readonly Socket socket;

    /// <summary>Listens on IPv4 loopback, or on a socket file.</summary>
    public Listener(EndPoint? endPoint = null)
    {
        endPoint ??= new IPEndPoint(IPAddress.Loopback, 0);
        socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(endPoint);
        socket.Listen();
    }

    public int Port => ((IPEndPoint)socket.LocalEndPoint!).Port;

    /// <summary>The next connection.</summary>
    public async Task<NetworkStream> AcceptAsync() => new(await socket.AcceptAsync().Soon(), ownsSocket: true);

    /// <summary>An MQTT server on a connection.</summary>
    public static ScriptedPeer Serve(Stream stream) =>
        new(new StreamChannel(stream, stream is NetworkStream network ? () => network.Socket.Shutdown(SocketShutdown.Send) : null), MqttSender.Server);

    public void Dispose() => socket.Dispose();
}
