using System.Net.Sockets;
using Mqtt.Protocol.Channels;

namespace Mqtt.Channels.Tests;

/// <summary>TLS and WebSockets, which begin with a handshake: the server's end comes first, so that it is the one with which most is done.</summary>
public abstract class HandshakeSpecification : NetworkSpecification
{
    protected override async ValueTask<ChannelPair> CreateAsync()
    {
        var (_, stream, server) = await ConnectAsync();
        return new ChannelPair(server, stream);
    }

    // The handshake happens while the server waits for the first byte.
    private protected override async Task<(Socket Client, MqttChannel Stream, MqttChannel Server)> ConnectAsync()
    {
        var (client, server) = await Network.ConnectAsync();
        var waiting = server.WaitReadableAsync().AsTask();
        var stream = await Network.StreamOfAsync(client);
        await stream.WriteAsync(new byte[1]);
        await waiting;
        (await server.ReadAsync(new byte[1])).Should().Be(1);
        return (client, stream, server);
    }
}
