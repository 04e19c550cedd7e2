using System.Net;

namespace Mqtt.EndToEnd.Tests;

/// <summary>A broker, its server and the clients that a test makes.</summary>
public sealed class Town : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly MemoryListener listener = new();
    private readonly MqttBroker broker = new();
    private readonly MqttServer server;
    private readonly Transport transport;
    private readonly List<MqttClient> clients = [];

    private Town(Transport transport)
    {
        this.transport = transport;
        server = new MqttServer(broker, transport == Transport.Memory
            ? new MqttServerOptions { Addresses = [], Listeners = [listener] }
            : new MqttServerOptions { Addresses = ["mqtt://127.0.0.1:0"], EventLoops = transport == Transport.Tcp ? 2 : 0 });
    }

    /// <summary>Ends with the channel under the latest client, to break it off.</summary>
    public MqttChannel? LatestChannel { get; private set; }

    public static async Task<Town> BeginAsync(Transport transport)
    {
        var town = new Town(transport);
        await town.server.StartAsync();
        return town;
    }

    public MqttClient Client(string name, MqttProtocolVersion version = MqttProtocolVersion.V500, Func<MqttClientOptions, MqttClientOptions>? change = null)
    {
        var options = new MqttClientOptions { ClientId = name, ProtocolVersion = version };
        if (transport == Transport.Memory)
            options = options with { ConnectChannel = _ => new(LatestChannel = listener.Connect()) };
        else
            options = options with { Server = new Uri($"mqtt://127.0.0.1:{((IPEndPoint)server.Endpoints[0]).Port}") };
        var client = new MqttClient(change?.Invoke(options) ?? options);
        clients.Add(client);
        return client;
    }

    public async Task<MqttClient> ConnectedAsync(string name, MqttProtocolVersion version = MqttProtocolVersion.V500, Func<MqttClientOptions, MqttClientOptions>? change = null)
    {
        var client = Client(name, version, change);
        await client.ConnectAsync().AsTask().WaitAsync(Patience);
        return client;
    }

    public Task StopServerAsync() => server.StopAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var client in clients)
            await client.DisposeAsync();
        await server.DisposeAsync();
        await broker.DisposeAsync();
    }
}
