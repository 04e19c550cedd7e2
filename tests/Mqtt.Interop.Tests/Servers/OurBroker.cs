using System.Collections.Concurrent;
using System.Net;
using Mqtt.Protocol;
using Mqtt.Server;

namespace Mqtt.Interop.Tests;

/// <summary>Our broker, within this process, on a free port. It tells when clients have subscribed and when they have gone, so that no test needs to guess.</summary>
internal sealed class OurBroker : IInlineMqttHandler, IServer
{
    private readonly MqttBroker broker;
    private readonly MqttServer server;
    private readonly ConcurrentDictionary<long, string> clients = new();
    private readonly ConcurrentDictionary<string, SemaphoreSlim> subscribed = new();
    private readonly ConcurrentDictionary<string, SemaphoreSlim> closed = new();

    private OurBroker(MqttBrokerOptions options, MqttServerOptions serverOptions)
    {
        broker = new MqttBroker(options);
        server = new MqttServer(this, serverOptions);
    }

    public int Port => ((IPEndPoint)server.Endpoints[0]).Port;

    public static async Task<OurBroker> StartAsync(MqttBrokerOptions? options = null, MqttConnectionLimits? limits = null)
    {
        var started = new OurBroker(options ?? new MqttBrokerOptions(), new MqttServerOptions { Addresses = ["mqtt://127.0.0.1:0"], Limits = limits ?? new MqttConnectionLimits() });
        await started.server.StartAsync();
        return started;
    }

    /// <summary>The same over TLS.</summary>
    public static async Task<OurBroker> StartTlsAsync(MqttServerTls tls, int loopCount)
    {
        var started = new OurBroker(new MqttBrokerOptions(), new MqttServerOptions { Addresses = ["mqtts://127.0.0.1:0"], Tls = tls, EventLoops = loopCount });
        await started.server.StartAsync();
        return started;
    }

    /// <summary>Waits for the next SUBSCRIBE of this client: each is waited for once.</summary>
    public Task SubscribedAsync(string clientId) => NextAsync(subscribed, clientId, "subscribed");

    /// <summary>Waits for the end of the next connection of this client: each is waited for once.</summary>
    public Task ClosedAsync(string clientId) => NextAsync(closed, clientId, "disconnected");

    /// <summary>Stops the server; clients are told.</summary>
    public Task StopAsync() => server.StopAsync();

    public async ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet)
    {
        if (packet is ConnectPacket connect)
            clients[connection.Id] = connect.ClientId.ToString();
        await broker.OnPacketAsync(connection, packet);
        if (packet is SubscribePacket)
            Signal(subscribed, clients[connection.Id]).Release();
    }

    public async ValueTask OnClosedAsync(MqttConnection connection, MqttCloseCause cause)
    {
        await broker.OnClosedAsync(connection, cause);
        if (clients.TryRemove(connection.Id, out var clientId))
            Signal(closed, clientId).Release();
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        await broker.DisposeAsync();
    }

    private static async Task NextAsync(ConcurrentDictionary<string, SemaphoreSlim> signals, string clientId, string what)
    {
        if (!await Signal(signals, clientId).WaitAsync(RunningProgram.Patience, TestContext.Current.CancellationToken))
            throw new TimeoutException($"The client '{clientId}' has not {what} within {RunningProgram.Patience.TotalSeconds} s.");
    }

    private static SemaphoreSlim Signal(ConcurrentDictionary<string, SemaphoreSlim> signals, string clientId) =>
        signals.GetOrAdd(clientId, static _ => new SemaphoreSlim(0));
}
