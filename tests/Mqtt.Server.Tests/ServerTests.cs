using System.Net;
using System.Net.Sockets;

namespace Mqtt.Server.Tests;

/// <summary>Starting, stopping, addresses and connections, over TCP both ways.</summary>
public abstract class ServerTests(int eventLoops)
{
    private static readonly MqttDelegateHandler Basic = new(Handlers.Basic);

    public sealed class OnEventLoops() : ServerTests(2);

    public sealed class OnRuntimeSockets() : ServerTests(0);

    private MqttServerOptions Options(params string[] addresses) => new() { Addresses = addresses, EventLoops = eventLoops };

    [Fact]
    public async Task Port_0_takes_a_free_port_and_Endpoints_tells_which()
    {
        await using var server = new MqttServer(Basic, Options("mqtt://127.0.0.1:0"));
        server.Endpoints.Should().BeEmpty();

        await server.StartAsync();

        var endPoint = (IPEndPoint)server.Endpoints.Single();
        endPoint.Address.Should().Be(IPAddress.Loopback);
        endPoint.Port.Should().BePositive();
        await using var peer = await DialAsync(endPoint);
        await peer.ConnectAsync();
    }

    [Fact]
    public async Task Localhost_is_IPv4_and_IPv6_on_one_port()
    {
        await using var server = new MqttServer(Basic, Options("mqtt://localhost:0"));

        await server.StartAsync();

        var endPoints = server.Endpoints.Cast<IPEndPoint>().ToList();
        endPoints.Select(endPoint => endPoint.Port).Distinct().Should().ContainSingle();
        foreach (var endPoint in endPoints)
        {
            await using var peer = await DialAsync(endPoint);
            await peer.ConnectAsync();
        }
    }

    [Fact]
    public async Task A_server_that_could_not_start_writes_to_no_descriptor_of_others_when_it_is_disposed()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        var server = new MqttServer(Basic, Options($"mqtt://{taken.LocalEndPoint}"));
        await server.Invoking(one => one.StartAsync()).Should().ThrowAsync<IOException>();

        // Whatever the server had opened and closed again, these files get the numbers of.
        var files = Enumerable.Range(0, 64).Select(_ => File.OpenHandle(Path.GetTempFileName(), FileMode.Open, FileAccess.ReadWrite, options: FileOptions.DeleteOnClose)).ToList();
        await server.DisposeAsync();

        files.Sum(RandomAccess.GetLength).Should().Be(0);
        files.ForEach(file => file.Dispose());
    }

    [Fact]
    public async Task Serving_ends_normally_when_it_is_cancelled_and_leaves_the_port()
    {
        using var stop = new CancellationTokenSource();
        var server = new MqttServer(Options("mqtt://127.0.0.1:0"));
        var serving = server.ListenAndServeAsync(Basic, stop.Token);
        var endPoint = (IPEndPoint)server.Endpoints.Single();
        await using var peer = await DialAsync(endPoint);
        await peer.ConnectAsync();

        await stop.CancelAsync();
        (await peer.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.ServerShuttingDown);
        await peer.ExpectEndAsync();
        await peer.DisposeAsync();
        await serving;

        await using var next = new MqttServer(Basic, Options($"mqtt://127.0.0.1:{endPoint.Port}"));
        await next.StartAsync();
    }

    [Fact]
    public async Task A_server_is_started_once()
    {
        await using var server = new MqttServer(Basic, Options("mqtt://127.0.0.1:0"));
        await server.StartAsync();

        await server.Invoking(started => started.StartAsync()).Should().ThrowAsync<InvalidOperationException>();
        await server.StopAsync();
        await server.Invoking(stopped => stopped.StartAsync()).Should().ThrowAsync<InvalidOperationException>();
    }

    [Fact]
    public async Task A_server_without_a_handler_does_not_start()
    {
        await using var server = new MqttServer(Options("mqtt://127.0.0.1:0"));

        await server.Invoking(one => one.StartAsync()).Should().ThrowAsync<InvalidOperationException>();
    }

    [Fact]
    public async Task If_one_address_cannot_be_had_none_is_kept()
    {
        await using var other = new MqttServer(Basic, Options("mqtt://127.0.0.1:0"));
        await other.StartAsync();
        var taken = ((IPEndPoint)other.Endpoints[0]).Port;
        var free = FreePort();
        await using var server = new MqttServer(Basic, Options($"mqtt://127.0.0.1:{free}", $"mqtt://127.0.0.1:{taken}"));

        (await server.Invoking(one => one.StartAsync()).Should().ThrowAsync<IOException>()).WithMessage($"*127.0.0.1:{taken}*");

        server.Endpoints.Should().BeEmpty();
        await using var next = new MqttServer(Basic, Options($"mqtt://127.0.0.1:{free}"));
        await next.StartAsync();
    }

    [Fact]
    public async Task Stopping_may_be_repeated_and_needs_no_start()
    {
        var never = new MqttServer(Basic, Options("mqtt://127.0.0.1:0"));
        await never.StopAsync();

        var server = new MqttServer(Basic, Options("mqtt://127.0.0.1:0"));
        await server.StartAsync();
        await Task.WhenAll(server.StopAsync(), server.StopAsync());
        await server.StopAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task A_stop_that_is_cancelled_cuts_at_once_what_is_open()
    {
        await using var server = new MqttServer(Basic, Options("mqtt://127.0.0.1:0") with { StopTimeout = TimeSpan.FromHours(1), Limits = new() { LingerTimeout = TimeSpan.FromHours(1) } });
        await server.StartAsync();
        await using var peer = await DialAsync(server.Endpoints[0]);
        await peer.ConnectAsync();

        await server.StopAsync(new CancellationToken(canceled: true));

        server.Connections.Should().BeEmpty();
    }

    [Fact]
    public async Task More_connections_than_allowed_are_closed_as_they_come()
    {
        var closed = new SemaphoreSlim(0);
        var handler = new MqttDelegateHandler(Handlers.Basic, (_, _) =>
        {
            closed.Release();
            return default;
        });
        await using var server = new MqttServer(handler, Options("mqtt://127.0.0.1:0") with { MaximumConnections = 2 });
        await server.StartAsync();
        await using var first = await DialAsync(server.Endpoints[0]);
        await using var second = await DialAsync(server.Endpoints[0]);
        await first.ConnectAsync();
        await second.ConnectAsync();

        await using (var third = await DialAsync(server.Endpoints[0]))
            await third.ExpectEndAsync();

        await first.DisposeAsync();
        await closed.WaitAsync();
        await WaitUntilAsync(() => server.Connections.Count() == 1);
        await using var fourth = await DialAsync(server.Endpoints[0]);
        await fourth.ConnectAsync();
        await second.ExpectNothingBeforePingAsync();
    }

    [Fact]
    public async Task The_states_of_a_connection_can_be_watched()
    {
        var states = new List<MqttConnectionState>();
        var closed = new TaskCompletionSource();
        await using var server = new MqttServer(Basic, Options("mqtt://127.0.0.1:0") with
        {
            StateChanged = (connection, state) =>
            {
                connection.ConnectionState.Should().Be(state);
                lock (states)
                    states.Add(state);
                if (state == MqttConnectionState.Closed)
                    closed.SetResult();
            },
        });
        await server.StartAsync();
        await using (var peer = await DialAsync(server.Endpoints[0]))
        {
            await peer.ConnectAsync();
            await WaitUntilAsync(() => server.Connections.Single().ConnectionState == MqttConnectionState.Idle);
            await peer.ExpectNothingBeforePingAsync();
            await WaitUntilAsync(() => server.Connections.Single().ConnectionState == MqttConnectionState.Idle);
        }

        await closed.Task;

        states.Should().Equal(
            MqttConnectionState.New,
            MqttConnectionState.Active,
            MqttConnectionState.Idle,
            MqttConnectionState.Active,
            MqttConnectionState.Idle,
            MqttConnectionState.Closed);
    }

    [Fact]
    public async Task Whoever_watches_states_and_fails_harms_no_connection()
    {
        var log = new ErrorLog();
        await using var server = new MqttServer(Basic, Options("mqtt://127.0.0.1:0") with { Logger = log, StateChanged = (_, _) => throw new InvalidOperationException("watcher") });
        await server.StartAsync();
        await using var peer = await DialAsync(server.Endpoints[0]);

        await peer.ConnectAsync();

        log.Errors.Should().NotBeEmpty().And.OnlyContain(error => error.Contains("watcher"));
    }

    [Fact]
    public async Task A_connection_knows_both_ends()
    {
        await using var server = new MqttServer(Basic, Options("mqtt://127.0.0.1:0"));
        await server.StartAsync();
        await using var peer = await DialAsync(server.Endpoints[0]);
        await peer.ConnectAsync();

        var connection = server.Connections.Single();
        connection.LocalEndPoint.Should().Be(server.Endpoints[0]);
        ((IPEndPoint)connection.RemoteEndPoint!).Address.Should().Be(IPAddress.Loopback);
        connection.RemoteEndPoint.Should().NotBe(server.Endpoints[0]);
        connection.Version.Should().Be(MqttProtocolVersion.V500);
    }

    [Theory]
    [InlineData("")]
    [InlineData("localhost:1883")]
    [InlineData("http://localhost")]
    [InlineData("mqtt://")]
    public void What_is_no_address_is_refused_when_the_server_is_made(string address) =>
        FluentActions.Invoking(() => new MqttServer(Basic, Options(address))).Should().Throw<ArgumentException>();

    [Fact]
    public void A_server_needs_an_address_or_a_listener() =>
        FluentActions.Invoking(() => new MqttServer(Basic, Options())).Should().Throw<ArgumentException>();

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private static async Task<ScriptedPeer> DialAsync(EndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(endPoint);
        var channel = new StreamChannel(new NetworkStream(socket, ownsSocket: true), () => socket.Shutdown(SocketShutdown.Send));
        return new ScriptedPeer(channel) { Patience = TimeSpan.FromSeconds(30) };
    }

    // For what no signal tells: the last step of a connection's end comes after its handler was told.
    private static async Task WaitUntilAsync(Func<bool> condition)
    {
        while (!condition())
            await Task.Yield();
    }
}
