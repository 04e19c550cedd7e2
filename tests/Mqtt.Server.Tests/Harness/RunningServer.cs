using System.Net;
using System.Net.Sockets;

namespace Mqtt.Server.Tests;

/// <summary>A server with a handler over a transport, and its clients. At the end nothing may be out that was rented, and nothing logged that the test did not take.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    private readonly BufferLeakCheck buffers = new();
    private readonly List<ScriptedPeer> peers = [];
    private readonly MemoryListener? memory;
    private int clientCount;

    private RunningServer(Transport transport, IMqttHandler handler, Func<MqttServerOptions, MqttServerOptions>? with)
    {
        memory = transport == Transport.Memory ? new MemoryListener() : null;
        var options = new MqttServerOptions
        {
            Addresses = memory is null ? ["mqtt://127.0.0.1:0"] : [],
            Listeners = memory is null ? [] : [memory],
            EventLoops = transport == Transport.EventLoop ? 1 : 0,
            Logger = Log,
        };
        Server = new MqttServer(handler, with?.Invoke(options) ?? options);
    }

    public MqttServer Server { get; }

    public ErrorLog Log { get; } = new();

    public static async Task<RunningServer> StartAsync(Transport transport, IMqttHandler handler, Func<MqttServerOptions, MqttServerOptions>? with = null)
    {
        var server = new RunningServer(transport, handler, with);
        await server.Server.StartAsync();
        return server;
    }

    public static Task<RunningServer> StartAsync(Transport transport, Func<MqttConnection, MqttPacket, ValueTask> handler, Func<MqttServerOptions, MqttServerOptions>? with = null) =>
        StartAsync(transport, new MqttDelegateHandler(handler), with);

    /// <summary>A connection on which nothing was sent yet.</summary>
    public async Task<ScriptedPeer> DialAsync(MqttProtocolVersion version = MqttProtocolVersion.V500)
    {
        var peer = new ScriptedPeer(await DialChannelAsync(), version: version) { Patience = TimeSpan.FromSeconds(30) };
        peers.Add(peer);
        return peer;
    }

    /// <inheritdoc cref="DialAsync"/>
    public async Task<MqttChannel> DialChannelAsync()
    {
        if (memory is not null)
            return memory.Connect();
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(Server.Endpoints[0]);
        return new StreamChannel(new NetworkStream(socket, ownsSocket: true), () => socket.Shutdown(SocketShutdown.Send));
    }

    /// <summary>A client that the handler has accepted.</summary>
    public async Task<ScriptedPeer> ConnectAsync(MqttProtocolVersion version = MqttProtocolVersion.V500)
    {
        var peer = await DialAsync(version);
        var answer = await peer.ConnectAsync(new ConnectPacket { Version = version, ClientId = $"client{++clientCount}", KeepAliveSeconds = 0 });
        answer.ReasonCode.Should().Be(ReasonCode.Success);
        return peer;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var peer in peers)
            await peer.DisposeAsync();
        await Server.StopAsync();
        Log.Errors.Should().BeEmpty();

        // A send that was aborted comes back from the runtime's sockets when it comes.
        SpinWait.SpinUntil(() => buffers.UnreturnedCount == 0, TimeSpan.FromSeconds(30));
        buffers.Verify();
    }
}
