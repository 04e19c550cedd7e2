using Mqtt.Client;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server;

namespace Mqtt.Testing;

/// <summary>
/// A complete broker without a network, for tests of programs that use it: the real broker, server and client, with memory in place of sockets. It runs from the
/// constructor to its disposal, which also disposes the clients that it made.
/// <code>
/// await using var broker = new TestBroker();
/// await using var client = broker.CreateClient();
/// await client.ConnectAsync();
/// </code>
/// <para>
/// A program that makes its client itself is led here by its options: <c>options with { ConnectChannel = broker.ConnectChannelAsync }</c>. There is no interface of the client
/// to be mocked: the client itself over such a channel does what it does in the field, ordering, acknowledging and reconnecting included.
/// </para>
/// <para>Any thread.</para>
/// </summary>
public sealed class TestBroker : IAsyncDisposable
{
    private readonly MemoryListener listener = new();
    private readonly TimeProvider time;
    private readonly Lock gate = new();
    private readonly List<FaultChannel> connections = [];
    private readonly List<MqttClient> clients = [];
    private bool isReachable = true;

    /// <summary>Begins a broker.</summary>
    /// <param name="options">
    /// Its options. Its clock is the server's and the clients' as well: with a <see cref="VirtualTime"/>, expiry, delayed wills and back-off come when the test says so. Default:
    /// the defaults of a broker.
    /// </param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    public TestBroker(MqttBrokerOptions? options = null)
    {
        options ??= new MqttBrokerOptions();
        time = options.TimeProvider;
        Broker = new MqttBroker(options);
        Server = new MqttServer(Broker, new MqttServerOptions { Addresses = [], Listeners = [listener], TimeProvider = time, Logger = options.Logger });

        // Without an address to take, nothing is waited for.
        Server.StartAsync().GetAwaiter().GetResult();
    }

    /// <summary>The broker: its statistics, sessions, retained messages, and publishing without a client.</summary>
    public MqttBroker Broker { get; }

    /// <summary>The server in front of it. Stopping it tells all clients that the server shuts down.</summary>
    public MqttServer Server { get; }

    /// <summary>False lets every attempt to connect fail, as if nobody were there; connections that exist stay. Default: true.</summary>
    public bool IsReachable
    {
        get
        {
            lock (gate)
                return isReachable;
        }

        set
        {
            lock (gate)
                isReachable = value;
        }
    }

    /// <summary>The clients' ends of all connections that were made, oldest first: to tear, delay, hold and cut what goes over them.</summary>
    public IReadOnlyList<FaultChannel> Connections
    {
        get
        {
            lock (gate)
                return [.. connections];
        }
    }

    /// <summary>
    /// Makes a client of this broker. It does not connect yet. It has no keep-alive, unless <paramref name="change"/> says so: when a test moves the time by an hour, no answer
    /// to a ping could come in time.
    /// </summary>
    /// <param name="clientId">The client identifier. Default: a generated one.</param>
    /// <param name="change">Changes its other options. Default: as they are.</param>
    /// <exception cref="ArgumentException">An option has a value that cannot be; the message names it.</exception>
    public MqttClient CreateClient(string? clientId = null, Func<MqttClientOptions, MqttClientOptions>? change = null)
    {
        var options = new MqttClientOptions { ClientId = clientId, ConnectChannel = ConnectChannelAsync, TimeProvider = time, KeepAlive = TimeSpan.Zero };
        var client = new MqttClient(change is null ? options : change(options));
        lock (gate)
            clients.Add(client);
        return client;
    }

    /// <summary>Makes a client of this broker, and connects it.</summary>
    /// <inheritdoc cref="CreateClient"/>
    public async ValueTask<MqttClient> ConnectClientAsync(string? clientId = null, Func<MqttClientOptions, MqttClientOptions>? change = null)
    {
        var client = CreateClient(clientId, change);
        await client.ConnectAsync().ConfigureAwait(false);
        return client;
    }

    /// <summary>Opens a connection: what <see cref="MqttClientOptions.ConnectChannel"/> takes, and a <see cref="ScriptedPeer"/> as well.</summary>
    /// <exception cref="MqttConnectionException">The broker is not reachable, as the test asked for, or its server has stopped.</exception>
    public ValueTask<MqttChannel> ConnectChannelAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (gate)
        {
            if (!isReachable)
                throw new MqttConnectionException("The test broker is not reachable, as the test asked for.");
            var channel = new FaultChannel(listener.Connect(), time);
            connections.Add(channel);
            return new(channel);
        }
    }

    /// <summary>Breaks every connection, as when a network goes: without a word to either side.</summary>
    public void BreakConnections()
    {
        foreach (var connection in Connections)
            connection.Abort();
    }

    /// <summary>Ends the clients that were made here, the server and the broker.</summary>
    public async ValueTask DisposeAsync()
    {
        MqttClient[] all;
        lock (gate)
            all = [.. clients];
        foreach (var client in all)
            await client.DisposeAsync().ConfigureAwait(false);
        BreakConnections();
        await Server.DisposeAsync().ConfigureAwait(false);
        await Broker.DisposeAsync().ConfigureAwait(false);
    }
}
