using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Mqtt.EndToEnd.Tests;

/// <summary>A broker, its server and the clients that a test makes.</summary>
public sealed class Town : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly MemoryListener listener = new();
    private readonly MqttBroker broker;
    private readonly MqttServer server;
    private readonly Transport transport;
    private readonly List<MqttClient> clients = [];

    private Town(Transport transport, MqttBrokerOptions? options)
    {
        broker = new MqttBroker(options ?? new());
        this.transport = transport;
        var tls = new MqttServerTls { Certificate = TestCertificate.ForLocalhost };
        server = new MqttServer(broker, transport switch
        {
            Transport.Memory => new MqttServerOptions { Addresses = [], Listeners = [listener] },
            Transport.Tls => new MqttServerOptions { Addresses = ["mqtts://127.0.0.1:0"], EventLoops = 2, Tls = tls },
            Transport.WebSocket => new MqttServerOptions { Addresses = ["ws://127.0.0.1:0"], EventLoops = 2 },
            Transport.WebSocketOverTls => new MqttServerOptions { Addresses = ["wss://127.0.0.1:0/plant/mqtt"], EventLoops = 2, Tls = tls },
            _ => new MqttServerOptions { Addresses = ["mqtt://127.0.0.1:0"], EventLoops = transport == Transport.Tcp ? 2 : 0 },
        });
    }

    /// <summary>The channel under the client that connected last of those that are made for it: whoever aborts it breaks the connection.</summary>
    public MqttChannel? LatestChannel { get; private set; }

    public static async Task<Town> BeginAsync(Transport transport, MqttBrokerOptions? options = null)
    {
        var town = new Town(transport, options);
        await town.server.StartAsync();
        return town;
    }

    public MqttClient Client(string name, MqttProtocolVersion version = MqttProtocolVersion.V500, Func<MqttClientOptions, MqttClientOptions>? change = null)
    {
        var options = new MqttClientOptions { ClientId = name, ProtocolVersion = version };
        options = transport is Transport.Memory or Transport.Tls
            ? options with { ConnectChannel = DialAsync }
            : options with { Server = new Uri(Address), Tls = new() { TrustedCertificates = [TestCertificate.ForLocalhost] } };
        var client = new MqttClient(change?.Invoke(options) ?? options);
        clients.Add(client);
        return client;
    }

    /// <summary>A client whose connection the test can break.</summary>
    public MqttClient BreakableClient(string name, Func<MqttClientOptions, MqttClientOptions> change) =>
        Client(name, change: options => change(options with { ConnectChannel = DialAsync }));

    public async Task<MqttClient> ConnectedAsync(string name, MqttProtocolVersion version = MqttProtocolVersion.V500, Func<MqttClientOptions, MqttClientOptions>? change = null)
    {
        var client = Client(name, version, change);
        await client.ConnectAsync().AsTask().WaitAsync(Patience);
        return client;
    }

    public MqttBroker Broker => broker;

    /// <summary>Where it is, over TCP or WebSockets.</summary>
    public string Address => transport switch
    {
        Transport.WebSocket => $"ws://{server.Endpoints[0]}",
        Transport.WebSocketOverTls => $"wss://localhost:{((IPEndPoint)server.Endpoints[0]).Port}/plant/mqtt",
        _ => $"mqtt://{server.Endpoints[0]}",
    };

    public Task StopServerAsync() => server.StopAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var client in clients)
            await client.DisposeAsync();
        await server.DisposeAsync();
        await broker.DisposeAsync();
    }

    private async ValueTask<MqttChannel> DialAsync(CancellationToken cancellationToken)
    {
        if (transport == Transport.Memory)
            return LatestChannel = listener.Connect();
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server.Endpoints[0], cancellationToken);
        var stream = new NetworkStream(socket, ownsSocket: true);
        if (transport == Transport.WebSocket)
            return LatestChannel = new WebSocketChannel((await WebSocketClient.OpenAsync(stream)).Socket);
        if (transport is not (Transport.Tls or Transport.WebSocketOverTls))
            return LatestChannel = new StreamChannel(stream, () => socket.Shutdown(SocketShutdown.Send));
        var tls = new SslStream(stream, leaveInnerStreamOpen: false, TestCertificate.Trust(TestCertificate.ForLocalhost));
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost" }, cancellationToken);
        if (transport == Transport.WebSocketOverTls)
            return LatestChannel = new WebSocketChannel((await WebSocketClient.OpenAsync(tls, WebSocketClient.Request(path: "/plant/mqtt"))).Socket);
        return LatestChannel = new StreamChannel(tls, () => CompleteTls(tls, socket));
    }

    private static void CompleteTls(SslStream tls, Socket socket)
    {
        tls.ShutdownAsync().GetAwaiter().GetResult();
        socket.Shutdown(SocketShutdown.Send);
    }
}
