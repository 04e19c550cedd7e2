using System.Net;
using System.Net.Security;
using Mqtt.Protocol.Channels;
using Mqtt.Server.EventLoops;
using Mqtt.Server.Listeners;

namespace Mqtt.Channels.Tests;

public sealed class SocketChannel_over_tcp : ChannelSpecification
{
    protected override async ValueTask<ChannelPair> CreateAsync()
    {
        var (first, second) = await Loopback.ConnectAsync();
        return new ChannelPair(new SocketChannel(first), new SocketChannel(second));
    }
}

public sealed class EventLoopChannel_with_a_client : ChannelSpecification
{
    protected override async ValueTask<ChannelPair> CreateAsync()
    {
        var (server, client) = await EventLoops.ConnectAsync();
        return new ChannelPair(server, client);
    }
}

public sealed class Client_of_an_EventLoopChannel : ChannelSpecification
{
    protected override async ValueTask<ChannelPair> CreateAsync()
    {
        var (server, client) = await EventLoops.ConnectAsync();
        return new ChannelPair(client, server);
    }
}

public sealed class TlsChannel_with_a_client : ChannelSpecification
{
    protected override async ValueTask<ChannelPair> CreateAsync()
    {
        var (server, client) = await Tls.ConnectAsync();
        return new ChannelPair(server, client);
    }
}

public sealed class Client_of_a_TlsChannel : ChannelSpecification
{
    protected override async ValueTask<ChannelPair> CreateAsync()
    {
        var (server, client) = await Tls.ConnectAsync();
        return new ChannelPair(client, server);
    }
}

internal static class EventLoops
{
    private static readonly EventLoopGroup Loops = new(2);

    public static async Task<(MqttChannel Server, MqttChannel Client)> ConnectAsync()
    {
        await using var listener = new EventLoopListener(new IPEndPoint(IPAddress.Loopback, 0), Loops);
        listener.Start();
        var accepting = listener.AcceptAsync();
        var client = await Loopback.ConnectAsync(listener.EndPoint);
        return ((await accepting)!, Loopback.Stream(client));
    }
}

internal static class Tls
{
    // The server's side shakes hands when it first waits: one byte goes ahead of the test.
    public static async Task<(MqttChannel Server, MqttChannel Client)> ConnectAsync()
    {
        var (near, far) = MemoryChannel.CreatePair();
        var server = new TlsChannel(far, new SslServerAuthenticationOptions { ServerCertificate = Loopback.Certificate });
        var tls = new SslStream(new ChannelStream(near), leaveInnerStreamOpen: false, Loopback.IsOurs);
        var waiting = server.WaitReadableAsync();
        await tls.AuthenticateAsClientAsync("localhost");
        await tls.WriteAsync(new byte[1]);
        await waiting;
        await server.ReadAsync(new byte[1]);
        return (server, new StreamChannel(tls, () => Complete(tls, near)));
    }

    private static void Complete(SslStream tls, MqttChannel below)
    {
        tls.ShutdownAsync().GetAwaiter().GetResult();
        below.CompleteWriting();
    }
}
