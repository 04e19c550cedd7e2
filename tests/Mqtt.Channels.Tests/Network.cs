using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Mqtt.Protocol.Channels;
using Mqtt.Server;
using Mqtt.Server.EventLoops;
using Mqtt.Server.Listeners;

namespace Mqtt.Channels.Tests;

/// <summary>A listener of the server on a port of loopback, with its event loops, if it has any. An error that they log fails the test.</summary>
internal sealed class Network : IAsyncDisposable
{
    private static readonly SslServerAuthenticationOptions Tls = new() { ServerCertificate = TestCertificate.ForLocalhost };

    private readonly EventLoopGroup? loops;
    private readonly bool isTls;
    private readonly bool isWebSocket;

    public Network(int loopCount, bool tls = false, bool webSocket = false)
    {
        isTls = tls;
        isWebSocket = webSocket;
        loops = loopCount > 0 ? new EventLoopGroup(loopCount, Errors) : null;
        Listener = Listen();
    }

    public ErrorLog Errors { get; } = new();

    public MqttListener Listener { get; }

    /// <summary>The loops, in turn.</summary>
    public EventLoop Loop => loops!.Next();

    /// <summary>One more listener, over the same loops.</summary>
    public MqttListener Listen()
    {
        var address = new IPEndPoint(IPAddress.Loopback, 0);
        MqttListener listener = loops is null ? new Mqtt.Server.Listeners.TcpListener(address) : new EventLoopListener(address, loops);
        listener.Start();
        if (isTls)
            listener = new TlsListener(listener, Tls, Errors);
        return isWebSocket ? new WebSocketListener(listener, new WebSocketUpgrade("/mqtt", new MqttServerWebSocket()), Errors) : listener;
    }

    /// <summary>A connection: its client's end as the runtime has it, and the server's end.</summary>
    public Task<(Socket Client, MqttChannel Server)> ConnectAsync() => ConnectAsync(Listener);

    /// <summary>A connection through a listener that has no other client at the moment.</summary>
    public static async Task<(Socket Client, MqttChannel Server)> ConnectAsync(MqttListener listener)
    {
        var client = await DialAsync(listener);
        var server = await listener.AcceptAsync();
        return (client, server!);
    }

    /// <summary>A client alone.</summary>
    public static async Task<Socket> DialAsync(MqttListener listener)
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await client.ConnectAsync(listener.EndPoint);
        return client;
    }

    /// <summary>The client's end as a channel, of the same kind as the server's where that has two ends.</summary>
    public async Task<MqttChannel> ChannelOfAsync(Socket client)
    {
        if (isTls || isWebSocket)
            return await StreamOfAsync(client);
        if (loops is null)
            return new SocketChannel(client);

        // The descriptor changes its owner.
        var descriptor = (int)client.Handle;
        client.SafeHandle.SetHandleAsInvalid();
        return new EventLoopChannel(loops.Next(), descriptor, default, null);
    }

    /// <summary>The client's end as a channel that leaves the socket to the test.</summary>
    public async Task<MqttChannel> StreamOfAsync(Socket client)
    {
        if (isWebSocket)
            return new WebSocketChannel((await WebSocketClient.OpenAsync(isTls ? await ShakeHandsAsync(client) : new NetworkStream(client, ownsSocket: true))).Socket);
        if (!isTls)
            return new StreamChannel(new NetworkStream(client, ownsSocket: true), () => client.Shutdown(SocketShutdown.Send));
        var tls = await ShakeHandsAsync(client);
        return new StreamChannel(tls, () =>
        {
            tls.ShutdownAsync().GetAwaiter().GetResult();
            client.Shutdown(SocketShutdown.Send);
        });
    }

    private static async Task<SslStream> ShakeHandsAsync(Socket client)
    {
        var tls = new SslStream(new NetworkStream(client, ownsSocket: true), leaveInnerStreamOpen: false, TestCertificate.Trust(TestCertificate.ForLocalhost));
        await tls.AuthenticateAsClientAsync("localhost");
        return tls;
    }

    /// <summary>Waits until the loops have done what they were told before, closing descriptors among it.</summary>
    public async Task SettleAsync()
    {
        if (loops is null)
            return;
        for (var i = 0; i < loops.Count; i++)
            await loops.Next().SettleAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Listener.DisposeAsync();
        if (loops is not null)
            await Task.Run(loops.Dispose);
        Errors.Verify();
    }
}
