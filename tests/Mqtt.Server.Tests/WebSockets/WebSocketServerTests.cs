using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;

namespace Mqtt.Server.Tests;

/// <summary>A server on a WebSocket port and those who come to it, over the runtime's sockets and over an event loop.</summary>
public abstract class WebSocketServerTests(int loopCount) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly byte[] Ping = [0xC0, 0];

    private readonly BufferLeakCheck buffers = new();
    private readonly ErrorLog log = new();

    public sealed class OnEventLoops() : WebSocketServerTests(1);

    public sealed class OnRuntimeSockets() : WebSocketServerTests(0);

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        log.Errors.Should().BeEmpty();
        SpinWait.SpinUntil(() => buffers.UnreturnedCount == 0, Patience);
        buffers.Verify();
    }

    [Fact]
    public async Task Each_address_has_its_path_and_its_connections_are_those_of_the_peers_below()
    {
        await using var server = await StartAsync(new MqttDelegateHandler(Handlers.Basic), "ws://127.0.0.1:0", "ws://127.0.0.1:0/plant/mqtt", "mqtt://127.0.0.1:0");

        using var first = await DialAsync(server, 0);
        using var second = await DialAsync(server, 1);
        using var wrong = await DialAsync(server, 1);
        using var plain = await DialAsync(server, 2);
        await (await OpenAsync(first)).ConnectAsync();
        await (await OpenAsync(second, WebSocketClient.Request(path: "/plant/mqtt"))).ConnectAsync();
        await new ScriptedPeer(new StreamChannel(new NetworkStream(plain))).ConnectAsync();
        var asking = () => OpenAsync(wrong, WebSocketClient.Request(path: "/mqtt"));

        await asking.Should().ThrowAsync<IOException>().WithMessage("HTTP/1.1 404 *");
        server.Connections.Select(connection => connection.RemoteEndPoint).Should().Contain([first.LocalEndPoint, second.LocalEndPoint, plain.LocalEndPoint]);
    }

    [Fact]
    public async Task Localhost_is_IPv4_and_IPv6_on_one_port()
    {
        await using var server = await StartAsync(new MqttDelegateHandler(Handlers.Basic), "ws://localhost:0/mqtt");

        for (var i = 0; i < server.Endpoints.Count; i++)
        {
            await using var peer = await OpenAsync(await DialAsync(server, i));
            await peer.ConnectAsync();
        }

        server.Endpoints.Should().HaveCount(Socket.OSSupportsIPv6 ? 2 : 1);
    }

    [Fact]
    public async Task Over_TLS_it_is_the_same()
    {
        await using var server = await StartAsync(
            new MqttDelegateHandler(Handlers.Basic), options => options with { Tls = new() { Certificate = TestCertificate.ForLocalhost } }, "wss://127.0.0.1:0");
        using var socket = await DialAsync(server);
        var tls = new SslStream(new NetworkStream(socket, ownsSocket: true), leaveInnerStreamOpen: false, TestCertificate.Trust(TestCertificate.ForLocalhost));
        await tls.AuthenticateAsClientAsync("localhost");
        await using var peer = Over((await WebSocketClient.OpenAsync(tls)).Socket);

        (await peer.ConnectAsync()).ReasonCode.Should().Be(ReasonCode.Success);
        await peer.SendAsync(new PingReqPacket());
        await peer.ExpectAsync<PingRespPacket>();

        server.Connections.Single().RemoteEndPoint.Should().Be(socket.LocalEndPoint);
        using var plain = await DialAsync(server);
        await plain.SendAsync(Encoding.ASCII.GetBytes(WebSocketClient.Request()));
        await TlsClient.MustBeClosedAsync(plain);
    }

    [Theory]
    [InlineData("")]
    [InlineData("GET /mqtt HTTP/1.1\r\nHost: ")]
    [InlineData("refused")]
    [InlineData("open")]
    public async Task Who_does_not_come_to_CONNECT_is_cut_when_the_time_for_it_is_over(string said)
    {
        var time = new VirtualTime();
        var begun = new SemaphoreSlim(0);
        await using var server = await StartAsync(
            new MqttDelegateHandler(Handlers.Basic), options => options with { TimeProvider = time, StateChanged = (_, _) => begun.Release() }, "ws://127.0.0.1:0");
        using var slow = await DialAsync(server);
        (await begun.WaitAsync(Patience)).Should().BeTrue();
        var request = said switch { "refused" => WebSocketClient.Request(path: "/"), "open" => WebSocketClient.Request(), _ => said };
        await slow.SendAsync(Encoding.ASCII.GetBytes(request));
        if (said is "refused" or "open")
            (await WebSocketClient.ReadHeadAsync(new NetworkStream(slow))).Should().StartWith("HTTP/1.1 ");
        if (said == "open")
            await slow.SendAsync(WebSocketClient.Frame(0x89));
        time.Advance(TimeSpan.FromSeconds(9.8));
        server.Connections.Should().ContainSingle();

        time.Advance(TimeSpan.FromSeconds(0.4));

        await TlsClient.MustBeClosedAsync(slow);
    }

    [Fact]
    public async Task Who_speaks_MQTT_without_a_WebSocket_is_told_so_at_once()
    {
        await using var server = await StartAsync(new MqttDelegateHandler(Handlers.Basic), "ws://127.0.0.1:0");
        using var plain = await DialAsync(server);

        await plain.SendAsync(Convert.FromHexString("100C00044D5154540402000000000000"));

        (await WebSocketClient.ReadHeadAsync(new NetworkStream(plain))).Should().StartWith("HTTP/1.1 400 Bad Request\r\n");
        await TlsClient.MustBeClosedAsync(plain);
    }

    [Fact, Spec(V5, "6.0.0-2"), Spec(V311, "6.0.0-2")]
    public async Task Packets_may_span_frames_and_share_them()
    {
        var received = new List<string>();
        await using var server = await StartAsync(
            new InlineHandler((connection, packet) =>
            {
                if (packet is PublishPacket publish)
                    received.Add(Encoding.ASCII.GetString(publish.Payload.Span));
                return Handlers.Basic(connection, packet);
            }),
            "ws://127.0.0.1:0");
        var (socket, stream) = await OpenRawAsync(server);
        await using var peer = Over(socket);

        foreach (var part in Bytes(new ConnectPacket { ClientId = "c", KeepAliveSeconds = 0 }))
            await stream.WriteAsync(WebSocketClient.Frame(0x82, part));
        await peer.ExpectAsync<ConnAckPacket>();
        byte[] third = Bytes(Message("3"));
        await stream.WriteAsync(WebSocketClient.Frame(0x82));
        await stream.WriteAsync(WebSocketClient.Frame(0x82, [.. Bytes(Message("1")), .. Bytes(Message("2")), .. third[..5]]));
        await stream.WriteAsync(WebSocketClient.Frame(0x02, third[5]));
        await stream.WriteAsync(WebSocketClient.Frame(0x89, 7)); // a ping between the frames of one message
        await stream.WriteAsync(WebSocketClient.Frame(0x00));
        await stream.WriteAsync(WebSocketClient.Frame(0x80, [.. third[6..], .. Ping]));
        await peer.ExpectAsync<PingRespPacket>();

        received.Should().Equal("1", "2", "3");
    }

    [Fact]
    public async Task The_first_packets_may_come_with_the_request()
    {
        await using var server = await StartAsync(new MqttDelegateHandler(Handlers.Basic), "ws://127.0.0.1:0");
        using var client = await DialAsync(server);
        var stream = new NetworkStream(client);
        await stream.WriteAsync((byte[])[
            .. Encoding.ASCII.GetBytes(WebSocketClient.Request()), .. WebSocketClient.Frame(0x82, Bytes(new ConnectPacket { ClientId = "c", KeepAliveSeconds = 0 })), .. WebSocketClient.Frame(0x82, Ping)]);

        await WebSocketClient.ReadHeadAsync(stream);
        await using var peer = Over(WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { KeepAliveInterval = TimeSpan.Zero }));
        await peer.ExpectAsync<ConnAckPacket>();
        await peer.ExpectAsync<PingRespPacket>();
    }

    [Fact, Spec(V5, "6.0.0-1"), Spec(V311, "6.0.0-1")]
    public async Task What_the_server_sends_comes_in_binary_frames_and_its_end_is_a_close_frame()
    {
        await using var server = await StartAsync(new MqttDelegateHandler(Handlers.Basic), "ws://127.0.0.1:0");
        var (socket, stream) = await OpenRawAsync(server);
        var buffer = new byte[1000];
        await stream.WriteAsync(WebSocketClient.Frame(0x82, Bytes(new ConnectPacket { ClientId = "c", KeepAliveSeconds = 0 })));

        var received = await socket.ReceiveAsync(buffer, default).WaitAsync(Patience);
        (received.MessageType, buffer[0]).Should().Be((WebSocketMessageType.Binary, (byte)0x20));
        var stopping = server.StopAsync();
        received = await socket.ReceiveAsync(buffer, default).WaitAsync(Patience);
        (received.MessageType, buffer[0], buffer[2]).Should().Be((WebSocketMessageType.Binary, (byte)0xE0, (byte)ReasonCode.ServerShuttingDown));
        received = await socket.ReceiveAsync(buffer, default).WaitAsync(Patience);
        (received.MessageType, received.CloseStatus).Should().Be((WebSocketMessageType.Close, WebSocketCloseStatus.NormalClosure));
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, default);
        await stopping.WaitAsync(Patience);
    }

    [Theory, Spec(V5, "6.0.0-1"), Spec(V311, "6.0.0-1")]
    [InlineData(MqttProtocolVersion.V311, "")]
    [InlineData(MqttProtocolVersion.V311, "C000")]
    [InlineData(MqttProtocolVersion.V500, "")]
    [InlineData(MqttProtocolVersion.V500, "C000")]
    public async Task A_text_frame_closes_the_connection_whatever_is_in_it(MqttProtocolVersion version, string hex)
    {
        var handled = new List<MqttPacketType>();
        var closed = new TaskCompletionSource<MqttCloseCause>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await StartAsync(
            new InlineHandler(
                (connection, packet) =>
                {
                    handled.Add(packet.Type);
                    return Handlers.Basic(connection, packet);
                },
                Telling(closed)),
            "ws://127.0.0.1:0");
        var (socket, stream) = await OpenRawAsync(server);
        await using var peer = Over(socket, version);
        await peer.ConnectAsync(new ConnectPacket { Version = version, ClientId = "c", KeepAliveSeconds = 0 });

        // What comes behind it must not be taken for packets either, nor keep the client from the answer.
        await stream.WriteAsync((byte[])[.. WebSocketClient.Frame(0x81, Convert.FromHexString(hex)), .. WebSocketClient.Frame(0x81, Ping), .. WebSocketClient.Frame(0x82, Ping)]);

        if (version == MqttProtocolVersion.V500)
            (await peer.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.ProtocolError);
        await peer.ExpectEndAsync();
        socket.CloseStatus.Should().Be(WebSocketCloseStatus.InvalidMessageType);
        (await closed.Task.WaitAsync(Patience)).Kind.Should().Be(MqttCloseKind.ProtocolError);
        handled.Should().Equal(MqttPacketType.Connect);
    }

    [Fact]
    public async Task Who_has_sent_text_and_much_behind_it_gets_the_reason_and_is_not_reset()
    {
        await using var server = await StartAsync(new InlineHandler(Handlers.Basic), "ws://127.0.0.1:0");
        using var client = await DialAsync(server);
        var stream = new NetworkStream(client);
        var (socket, _) = await WebSocketClient.OpenAsync(stream);
        var peer = Over(socket);
        await peer.ConnectAsync();

        await stream.WriteAsync((byte[])[.. WebSocketClient.Frame(0x81, Ping), .. new byte[100_000]]);

        (await peer.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.ProtocolError);
        await peer.ExpectEndAsync();
        client.Shutdown(SocketShutdown.Send);
        (await client.ReceiveAsync(new byte[10].AsMemory()).AsTask().WaitAsync(Patience)).Should().Be(0);
    }

    [Fact, Spec(V5, "6.0.0-1"), Spec(V311, "6.0.0-1")]
    public async Task A_CONNECT_in_a_text_frame_is_none()
    {
        var handled = 0;
        await using var server = await StartAsync(
            new InlineHandler((_, _) =>
            {
                handled++;
                return default;
            }),
            "ws://127.0.0.1:0");
        using var client = await DialAsync(server);
        await OpenAsync(client);

        await client.SendAsync(WebSocketClient.Frame(0x81, Bytes(new ConnectPacket { ClientId = "c" })));

        await TlsClient.MustBeClosedAsync(client);
        handled.Should().Be(0);
    }

    [Fact]
    public async Task A_ping_frame_is_answered_with_what_it_holds()
    {
        await using var server = await StartAsync(new MqttDelegateHandler(Handlers.Basic), "ws://127.0.0.1:0");
        var (_, stream) = await OpenRawAsync(server);
        await using var raw = stream;

        await stream.WriteAsync(WebSocketClient.Frame(0x89, 1, 2, 3));

        var pong = new byte[5];
        await stream.ReadExactlyAsync(pong).AsTask().WaitAsync(Patience);
        pong.Should().Equal(0x8A, 3, 1, 2, 3);
    }

    [Theory]
    [InlineData("88 82 00000000 03E8", true)] // the close frame, answered by one
    [InlineData("82 06 C000C000C000", false)] // a frame without a mask
    [InlineData("C2 82 00000000 C000", false)] // a frame that is compressed, which was not agreed
    [InlineData("83 80 00000000", false)] // a frame of a kind that there is not
    [InlineData("80 80 00000000", false)] // the continuation of nothing
    [InlineData("", false)] // the end of the connection
    public async Task A_close_frame_or_what_is_no_frame_is_a_loss_of_the_network_and_the_will_is_published(string hex, bool isAnswered)
    {
        await using var broker = new MqttBroker(new MqttBrokerOptions { Logger = log });
        await using var server = await StartAsync(broker, "ws://127.0.0.1:0", "mqtt://127.0.0.1:0");
        using var watching = await DialAsync(server, 1);
        await using var watcher = new ScriptedPeer(new StreamChannel(new NetworkStream(watching))) { Patience = Patience };
        await watcher.ConnectAsync(new ConnectPacket { ClientId = "watcher", KeepAliveSeconds = 0 });
        await watcher.SendAsync(new SubscribePacket { PacketId = 1, Subscriptions = [new("will", QualityOfService.AtMostOnce)] });
        await watcher.ExpectAsync<SubAckPacket>();
        using var dying = await DialAsync(server);
        await using var stream = new NetworkStream(dying);
        var (socket, _) = await WebSocketClient.OpenAsync(stream);
        var peer = Over(socket);
        await peer.ConnectAsync(new ConnectPacket { ClientId = "dying", KeepAliveSeconds = 0, Will = new() { Topic = "will", Payload = "gone"u8.ToArray() } });

        await stream.WriteAsync(Convert.FromHexString(hex.Replace(" ", "")));
        if (hex.Length == 0)
            dying.Shutdown(SocketShutdown.Send);

        Encoding.ASCII.GetString((await watcher.ExpectAsync<PublishPacket>()).Payload.Span).Should().Be("gone");
        if (isAnswered)
        {
            var answer = new byte[4];
            await stream.ReadExactlyAsync(answer).AsTask().WaitAsync(Patience);
            answer.Should().Equal(0x88, 2, 0x03, 0xE8);
        }

        await TlsClient.MustBeClosedAsync(dying);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whatever_is_said_before_or_after_the_upgrade_only_ends_that_connection(bool isOpen)
    {
        var random = new Random(6455);
        await using var server = await StartAsync(new MqttDelegateHandler(Handlers.Basic), "ws://127.0.0.1:0");
        for (var i = 0; i < 300; i++)
        {
            using var hostile = await DialAsync(server);
            if (isOpen)
                await WebSocketClient.OpenAsync(new NetworkStream(hostile));
            var bytes = new byte[random.Next(1, 300)];
            random.NextBytes(bytes);

            // Half of them get as far as they can: into a header field, or into a masked frame of a kind that there is.
            if (i % 2 == 0)
                bytes = [.. isOpen ? [(byte)((bytes[0] & 0x80) | (i / 2 % 11)), (byte)(bytes[^1] | 0x80)] : Encoding.ASCII.GetBytes("GET /mqtt HTTP/1.1\r\nHost: "), .. bytes];
            await hostile.SendAsync(bytes);
            hostile.Shutdown(SocketShutdown.Send);
            await TlsClient.MustBeClosedAsync(hostile);
        }

        using var client = await DialAsync(server);
        await using var peer = await OpenAsync(client);
        (await peer.ConnectAsync()).ReasonCode.Should().Be(ReasonCode.Success);
    }

    [Fact]
    public async Task Who_says_goodbye_in_both_protocols_leaves_no_will()
    {
        var closed = new TaskCompletionSource<MqttCloseCause>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await StartAsync(
            new InlineHandler(
                (connection, packet) =>
                {
                    if (packet is DisconnectPacket)
                        connection.Close();
                    return Handlers.Basic(connection, packet);
                },
                Telling(closed)),
            "ws://127.0.0.1:0");
        var (socket, _) = await OpenRawAsync(server);
        await using var peer = Over(socket);
        await peer.ConnectAsync();

        await peer.SendAsync(new DisconnectPacket());
        peer.CompleteWriting();

        await peer.ExpectEndAsync();
        (await closed.Task.WaitAsync(Patience)).Kind.Should().NotBe(MqttCloseKind.Network);
        socket.CloseStatus.Should().Be(WebSocketCloseStatus.NormalClosure);
    }

    [Fact]
    public async Task A_goodbye_that_was_read_ahead_counts_though_the_network_ends_while_the_handler_waits()
    {
        var time = new VirtualTime();
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var closed = new TaskCompletionSource<MqttCloseCause>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await StartAsync(
            new InlineHandler(
                (connection, packet) =>
                {
                    if (packet is PublishPacket)
                    {
                        asked.SetResult();
                        return new ValueTask(answer.Task);
                    }

                    if (packet is DisconnectPacket)
                        connection.Close();
                    return Handlers.Basic(connection, packet);
                },
                Telling(closed)),
            options => options with { TimeProvider = time },
            "ws://127.0.0.1:0");
        var (socket, stream) = await OpenRawAsync(server);
        await using var peer = Over(socket);
        await peer.ConnectAsync();

        await stream.WriteAsync((byte[])[.. WebSocketClient.Frame(0x82, Bytes(Message("m"))), .. WebSocketClient.Frame(0x82, Bytes(new DisconnectPacket()))]);
        await asked.Task.WaitAsync(Patience);
        ((NetworkStream)stream).Socket.Shutdown(SocketShutdown.Send);
        time.Advance(TimeSpan.FromSeconds(30));
        answer.SetResult();

        (await closed.Task.WaitAsync(Patience)).Kind.Should().NotBe(MqttCloseKind.Network);
    }

    [Fact]
    public async Task An_idle_connection_holds_no_buffer()
    {
        await using var server = await StartAsync(new InlineHandler(Handlers.Basic), "ws://127.0.0.1:0");
        using var client = await DialAsync(server);
        await using var peer = await OpenAsync(client);
        await peer.ConnectAsync();
        await peer.SendAsync(new PingReqPacket());
        await peer.ExpectAsync<PingRespPacket>();

        SpinWait.SpinUntil(() => buffers.UnreturnedCount == 0, Patience).Should().BeTrue();
        server.Connections.Should().ContainSingle();
    }

    [Theory]
    [InlineData("")]
    [InlineData("GET /mqtt HTTP/1.1\r\n")]
    [InlineData("open")]
    public async Task A_server_that_stops_before_CONNECT_stops(string said)
    {
        var begun = new SemaphoreSlim(0);
        await using var server = await StartAsync(
            new MqttDelegateHandler(Handlers.Basic), options => options with { StopTimeout = TimeSpan.FromMilliseconds(50), StateChanged = (_, _) => begun.Release() }, "ws://127.0.0.1:0");
        using var slow = await DialAsync(server);
        if (said == "open")
            await OpenAsync(slow);
        else
            await slow.SendAsync(Encoding.ASCII.GetBytes(said));
        (await begun.WaitAsync(Patience)).Should().BeTrue();

        await server.StopAsync().WaitAsync(Patience);

        await TlsClient.MustBeClosedAsync(slow);
        server.Connections.Should().BeEmpty();
    }

    [Theory]
    [InlineData("ws://127.0.0.1:0/mqtt?x=1")]
    [InlineData("ws://127.0.0.1:0/mqtt#x")]
    [InlineData("http://127.0.0.1:0/mqtt")]
    [InlineData("wss://127.0.0.1:0/mqtt")] // without a certificate
    public void An_address_that_cannot_be_served_is_refused_at_once(string address) =>
        FluentActions.Invoking(() => new MqttServer(address)).Should().Throw<ArgumentException>().Which.Message.Should().ContainAny(address, "certificate");

    private Task<MqttServer> StartAsync(IMqttHandler handler, params string[] addresses) => StartAsync(handler, static options => options, addresses);

    private async Task<MqttServer> StartAsync(IMqttHandler handler, Func<MqttServerOptions, MqttServerOptions> with, params string[] addresses)
    {
        var server = new MqttServer(handler, with(new MqttServerOptions { Addresses = addresses, EventLoops = loopCount, Logger = log }));
        await server.StartAsync();
        return server;
    }

    private static Func<MqttConnection, MqttCloseCause, ValueTask> Telling(TaskCompletionSource<MqttCloseCause> closed) => (_, cause) =>
    {
        closed.SetResult(cause);
        return default;
    };

    private static async Task<Socket> DialAsync(MqttServer server, int address = 0)
    {
        var endPoint = (IPEndPoint)server.Endpoints[address];
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(endPoint);
        return socket;
    }

    private static async Task<ScriptedPeer> OpenAsync(Socket client, string? request = null) =>
        Over((await WebSocketClient.OpenAsync(new NetworkStream(client, ownsSocket: true), request)).Socket);

    // What the test writes to the stream are frames of its own; what comes it reads as it likes.
    private static async Task<(WebSocket Socket, Stream Stream)> OpenRawAsync(MqttServer server)
    {
        var stream = new NetworkStream(await DialAsync(server), ownsSocket: true);
        return ((await WebSocketClient.OpenAsync(stream)).Socket, stream);
    }

    private static ScriptedPeer Over(WebSocket socket, MqttProtocolVersion version = MqttProtocolVersion.V500) => new(new WebSocketChannel(socket), version: version) { Patience = Patience };

    private static PublishPacket Message(string text) => new() { Topic = "a", Payload = Encoding.ASCII.GetBytes(text) };

    private static byte[] Bytes(MqttPacket packet)
    {
        var writer = new System.Buffers.ArrayBufferWriter<byte>();
        MqttPacketWriter.Write(writer, packet, MqttProtocolVersion.V500);
        return writer.WrittenSpan.ToArray();
    }
}
