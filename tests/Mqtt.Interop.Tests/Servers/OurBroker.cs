using System.Collections.Concurrent;
using Mqtt.Protocol;
using Mqtt.Server;

namespace Mqtt.Interop.Tests;

/// <summary>
/// Our broker, within this process, on a free port that it keeps over restarts. It tells when clients have connected, subscribed and gone, so
/// that no test needs to guess, and cuts connections where a test wants it.
/// </summary>
internal sealed class OurBroker : IInlineMqttHandler, IServer
{
    private readonly HeldPort port = new();
    private readonly MqttBrokerOptions options;
    private readonly MqttServerOptions serverOptions;
    private readonly ConcurrentDictionary<long, (string ClientId, MqttConnection Connection)> clients = new();
    private readonly ConcurrentDictionary<string, bool> bridges = new();
    private readonly ConcurrentDictionary<string, SemaphoreSlim> connected = new();
    private readonly ConcurrentDictionary<string, SemaphoreSlim> subscribed = new();
    private readonly ConcurrentDictionary<string, SemaphoreSlim> closed = new();
    private MqttBroker broker;
    private MqttServer server;
    private Cut? cut;

    private OurBroker(MqttBrokerOptions options, MqttServerOptions serverOptions, string scheme)
    {
        this.options = options;
        this.serverOptions = serverOptions with { Addresses = [$"{scheme}://127.0.0.1:{port.Number}"] };
        broker = new MqttBroker(options);
        server = new MqttServer(this, this.serverOptions);
    }

    public int Port => port.Number;

    public static Task<OurBroker> StartAsync(MqttBrokerOptions? options = null, MqttConnectionLimits? limits = null, TimeProvider? time = null) => StartAsync(
        options ?? new MqttBrokerOptions(), new MqttServerOptions { Limits = limits ?? new MqttConnectionLimits(), TimeProvider = time ?? TimeProvider.System }, "mqtt");

    /// <summary>The same over TLS.</summary>
    public static Task<OurBroker> StartTlsAsync(MqttServerTls tls, int loopCount) =>
        StartAsync(new MqttBrokerOptions(), new MqttServerOptions { Tls = tls, EventLoops = loopCount }, "mqtts");

    /// <summary>The same over WebSockets, at the path <c>/mqtt</c>; over TLS too if there is a certificate.</summary>
    public static Task<OurBroker> StartWebSocketAsync(MqttServerTls? tls) =>
        StartAsync(new MqttBrokerOptions(), new MqttServerOptions { Tls = tls }, tls is null ? "ws" : "wss");

    private static async Task<OurBroker> StartAsync(MqttBrokerOptions options, MqttServerOptions serverOptions, string scheme)
    {
        var started = new OurBroker(options, serverOptions, scheme);
        try
        {
            await started.server.StartAsync();
            return started;
        }
        catch
        {
            await started.DisposeAsync();
            throw;
        }
    }

    public int RetainedCount => broker.RetainedCount;

    // --- Signals

    /// <summary>Waits for the answer to the next CONNECT of this client: each is waited for once.</summary>
    public Task ConnectedAsync(string clientId) => NextAsync(connected, clientId, "connected");

    /// <summary>Whether the latest CONNECT of a client said that it is a bridge.</summary>
    public bool IsBridge(string clientId) => bridges[clientId];

    /// <summary>Waits for the next SUBSCRIBE of this client: each is waited for once.</summary>
    public Task SubscribedAsync(string clientId) => NextAsync(subscribed, clientId, "subscribed");

    /// <summary>Waits for the end of the next connection of this client: each is waited for once.</summary>
    public Task ClosedAsync(string clientId) => NextAsync(closed, clientId, "disconnected");

    // --- What servers do to their clients

    /// <summary>Stops the server; clients are told.</summary>
    public Task StopAsync() => server.StopAsync();

    /// <summary>Starts anew after <see cref="StopAsync"/>, on the same port, with another broker over the same store.</summary>
    public async Task StartAgainAsync()
    {
        await server.DisposeAsync();
        await broker.DisposeAsync();
        broker = new MqttBroker(options);
        server = new MqttServer(this, serverOptions);
        await server.StartAsync();
    }

    /// <summary>Closes the connection of a client; 5.0 is told the reason.</summary>
    public void Close(string clientId, ReasonCode reason) => clients.Values.Single(client => client.ClientId == clientId).Connection.Close(reason);

    /// <summary>The next packet of this type from a client is lost: its connection ends as if the network had gone.</summary>
    public void LoseNext(string clientId, MqttPacketType type) => cut = new Cut(clientId, type, IsTaken: false);

    /// <summary>The answer to the next packet of this type from a client is lost: the broker takes the packet, and then the connection ends.</summary>
    public void LoseAnswerTo(string clientId, MqttPacketType type) => cut = new Cut(clientId, type, IsTaken: true);

    // --- The handler

    public async ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet)
    {
        if (packet is ConnectPacket connect)
            clients[connection.Id] = (connect.ClientId.ToString(), connection);
        var clientId = clients[connection.Id].ClientId;
        var due = cut is { } one && one.ClientId == clientId && one.Type == packet.Type && Interlocked.CompareExchange(ref cut, null, one) == one ? one : null;
        if (due is { IsTaken: false })
        {
            connection.Abort();
            return;
        }

        if (packet is ConnectPacket { IsBridge: var isBridge })
            bridges[clientId] = isBridge;
        await broker.OnPacketAsync(connection, packet);
        if (due is not null)
            connection.Abort();
        if (packet is ConnectPacket)
            Signal(connected, clientId).Release();
        else if (packet is SubscribePacket)
            Signal(subscribed, clientId).Release();
    }

    public async ValueTask OnClosedAsync(MqttConnection connection, MqttCloseCause cause)
    {
        await broker.OnClosedAsync(connection, cause);
        if (clients.TryRemove(connection.Id, out var client))
            Signal(closed, client.ClientId).Release();
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        await broker.DisposeAsync();
        port.Dispose();
    }

    private static async Task NextAsync(ConcurrentDictionary<string, SemaphoreSlim> signals, string clientId, string what)
    {
        if (!await Signal(signals, clientId).WaitAsync(RunningProgram.Patience, TestContext.Current.CancellationToken))
            throw new TimeoutException($"The client '{clientId}' has not {what} within {RunningProgram.Patience.TotalSeconds} s.");
    }

    private static SemaphoreSlim Signal(ConcurrentDictionary<string, SemaphoreSlim> signals, string clientId) =>
        signals.GetOrAdd(clientId, static _ => new SemaphoreSlim(0));

    private sealed record Cut(string ClientId, MqttPacketType Type, bool IsTaken);
}
