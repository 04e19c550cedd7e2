using System.Net;
using System.Net.Sockets;
using Mqtt.Protocol.Channels;

namespace Mqtt.Channels.Tests;

/// <summary>Connections of this machine with itself.</summary>
public static class Loopback
{
    public static async Task<(Socket First, Socket Second)> ConnectAsync()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var accepting = listener.AcceptAsync();
        var client = await ConnectAsync(listener.LocalEndPoint!);
        return (client, await accepting);
    }

    public static async Task<Socket> ConnectAsync(EndPoint endPoint)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(endPoint);
        return socket;
    }

    public static StreamChannel Stream(Socket socket) =>
        new(new NetworkStream(socket, ownsSocket: true), () => socket.Shutdown(SocketShutdown.Send), socket.LocalEndPoint, socket.RemoteEndPoint);
}
