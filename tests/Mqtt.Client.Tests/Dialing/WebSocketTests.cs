using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;

namespace Mqtt.Client.Tests.Dialing;

public sealed class WebSocketTests : IDisposable
{
    private readonly Listener listener = new();
    private readonly VirtualTime time = new();

    public void Dispose() => listener.Dispose();

    [Theory, Spec(V5, "6.0.0-3"), Spec(V311, "6.0.0-3")]
    [InlineData(MqttProtocolVersion.V310, "mqttv3.1")]
    [InlineData(MqttProtocolVersion.V311, "mqtt")]
    [InlineData(MqttProtocolVersion.V500, "mqtt")]
    public async Task The_request_offers_the_subprotocol_of_the_version(MqttProtocolVersion version, string protocol)
    {
        await using var client = Client("ws", options => options with { ProtocolVersion = version });
        var connecting = client.ConnectAsync();
        await using var stream = await listener.AcceptAsync();
        var (request, socket) = await WebSocketServer.AcceptAsync(stream, protocol);
        await using var server = Serve(socket);
        await server.AcceptAsync();
        await connecting.Soon();

        request.Should().Contain($"\r\nSec-WebSocket-Protocol: {protocol}\r\n");
    }

    [Theory]
    [InlineData("", "/mqtt")]
    [InlineData("/", "/mqtt")]
    [InlineData("/a/b%20c?token=x%26y", "/a/b%20c?token=x%26y")]
    public async Task The_request_asks_for_the_path_and_tells_host_and_headers(string path, string asked)
    {
        await using var client = Client(
            "ws", options => options with { WebSocket = new() { RequestHeaders = new Dictionary<string, string> { ["Authorization"] = "Bearer x", ["X-Plant"] = "7" } } }, path);
        var connecting = client.ConnectAsync();
        await using var stream = await listener.AcceptAsync();
        var (request, socket) = await WebSocketServer.AcceptAsync(stream);
        await using var server = Serve(socket);
        (await server.AcceptAsync()).UserName.ToString().Should().Be("me");
        await connecting.Soon();

        request.Should().StartWith($"GET {asked} HTTP/1.1\r\n").And.Contain($"\r\nHost: localhost:{listener.Port}\r\n")
            .And.Contain("\r\nAuthorization: Bearer x\r\n").And.Contain("\r\nX-Plant: 7\r\n").And.NotContain("secret");
    }

    [Fact, Spec(V5, "6.0.0-2"), Spec(V311, "6.0.0-2")]
    public async Task Packets_may_span_frames_and_share_them()
    {
        await using var client = Client("ws");
        var messages = client.Subscribe("#").GetAsyncEnumerator();
        var connecting = client.ConnectAsync();
        var socket = await AcceptAsync();
        await using var server = Serve(socket);
        await server.ExpectAsync<ConnectPacket>();
        foreach (var part in Bytes(new ConnAckPacket()))
            await SendAsync(socket, [part]);
        await connecting.Soon();
        await server.ExpectAsync<SubscribePacket>();

        await SendAsync(socket, []);
        await SendAsync(socket, [.. Bytes(Message("1")), .. Bytes(Message("2")), .. Bytes(Message("3"))[..5]]);
        await socket.SendAsync(Bytes(Message("3")).AsMemory(5, 1), WebSocketMessageType.Binary, endOfMessage: false, default);
        await SendAsync(socket, Bytes(Message("3"))[6..]); // a continuation

        foreach (var text in new[] { "1", "2", "3" })
            (await messages.NextAsync()).GetText().Should().Be(text);
    }

    [Fact, Spec(V5, "6.0.0-1"), Spec(V311, "6.0.0-1")]
    public async Task What_the_client_sends_comes_in_binary_frames()
    {
        await using var client = Client("ws");
        var connecting = client.ConnectAsync().AsTask();
        var socket = await AcceptAsync();
        var buffer = new byte[1000];

        var received = await socket.ReceiveAsync(buffer, default).Soon();

        received.MessageType.Should().Be(WebSocketMessageType.Binary);
        buffer[0].Should().Be(0x10, "it is the CONNECT");
        socket.Abort();
        await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttConnectionException>();
    }

    [Theory, Spec(V5, "6.0.0-1"), Spec(V311, "6.0.0-1")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_text_frame_closes_the_connection_whatever_is_in_it(bool isEmpty)
    {
        await using var client = Client("ws");
        var ended = EndOf(client);
        var connecting = client.ConnectAsync();
        var socket = await AcceptAsync();
        await using var server = Serve(socket);
        await server.AcceptAsync();
        await connecting.Soon();

        await socket.SendAsync(isEmpty ? default : new ReadOnlyMemory<byte>(Bytes(new PingRespPacket())), WebSocketMessageType.Text, endOfMessage: true, default);

        (await ended.Soon()).Origin.Should().Be(MqttDisconnectOrigin.ProtocolError);
        (await server.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.ProtocolError);
        await server.ExpectEndAsync();
    }

    [Theory, Spec(V5, "6.0.0-4"), Spec(V311, "6.0.0-4")]
    [InlineData("")]
    [InlineData("Sec-WebSocket-Protocol: chat\r\n")]
    [InlineData("Sec-WebSocket-Protocol: mqttv3.1\r\n")]
    public async Task A_server_that_does_not_select_the_subprotocol_is_left(string header)
    {
        await using var client = Client("ws");
        var connecting = client.ConnectAsync().AsTask();
        await using var stream = await listener.AcceptAsync();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(WebSocketServer.Answer(await WebSocketServer.ReadHeadAsync(stream), header)));

        await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttConnectionException>().WithMessage("*protocol*");
        (await ReadToEndAsync(stream)).Should().NotContain("MQTT", "nothing is sent to it");
    }

    [Theory]
    [InlineData("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "*401*")]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: ws://elsewhere/\r\nContent-Length: 0\r\n\r\n", "*302*")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "*200*")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n", "*Sec-WebSocket-Accept*")]
    [InlineData("\x20\x02\x00\x00", "*")]
    [InlineData("", "*")]
    [InlineData("HTTP/1.1 101 Swi", "*")]
    [InlineData("endless", "*")]
    public async Task A_server_that_does_not_open_a_web_socket_is_a_failed_connection_with_the_reason(string answer, string reason)
    {
        await using var client = Client("ws");
        var connecting = client.ConnectAsync().AsTask();
        await using var stream = await listener.AcceptAsync();
        await WebSocketServer.ReadHeadAsync(stream);
        await AnswerAsync(stream, answer == "endless" ? "HTTP/1.1 101 OK\r\n" + string.Concat(Enumerable.Repeat($"X: {new string('y', 1000)}\r\n", 1000)) : answer);

        var failed = await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttConnectionException>();
        failed.Which.Message.Should().Match($"No connection to ws://localhost:*: The WebSocket was refused: {reason}").And.NotContain("secret");
    }

    [Fact]
    public async Task A_server_that_is_silent_in_the_handshake_is_left_when_the_time_is_over()
    {
        await using var client = Client("ws", options => options with { TimeProvider = time });
        var connecting = client.ConnectAsync().AsTask();
        await using var stream = await listener.AcceptAsync();
        await WebSocketServer.ReadHeadAsync(stream);
        time.Advance(TimeSpan.FromSeconds(30));

        await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttConnectionException>().WithMessage("*did not answer within*");
        (await ReadToEndAsync(stream)).Should().BeEmpty();
    }

    [Fact]
    public async Task A_client_that_leaves_says_goodbye_in_both_protocols()
    {
        await using var client = Client("ws");
        var connecting = client.ConnectAsync();
        var socket = await AcceptAsync();
        await using var server = Serve(socket);
        await server.AcceptAsync();
        await connecting.Soon();

        var leaving = client.DisconnectAsync();
        await server.ExpectAsync<DisconnectPacket>();
        await server.ExpectEndAsync();
        socket.CloseStatus.Should().Be(WebSocketCloseStatus.NormalClosure);
        await server.DisposeAsync();
        await leaving.Soon();
    }

    [Fact]
    public async Task A_close_frame_of_the_server_ends_the_connection()
    {
        await using var client = Client("ws");
        var ended = EndOf(client);
        var connecting = client.ConnectAsync();
        var socket = await AcceptAsync();
        await using var server = Serve(socket);
        await server.AcceptAsync();
        await connecting.Soon();

        await socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, "bye", default);

        (await ended.Soon()).Origin.Should().Be(MqttDisconnectOrigin.Network);
    }

    [Fact]
    public async Task Wss_is_tls_below_and_the_host_is_told_without_the_usual_port()
    {
        await using var client = new MqttClient(new MqttClientOptions
        {
            Server = new Uri("wss://localhost"),
            Tls = new() { TrustedCertificates = [TestCertificate.ForLocalhost] },
            ConnectCallback = async (endPoint, cancellationToken) =>
            {
                endPoint.Should().Be(new DnsEndPoint("localhost", 443));
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, listener.Port, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        var connecting = client.ConnectAsync();
        var tls = new SslStream(await listener.AcceptAsync());
        await tls.AuthenticateAsServerAsync(TestCertificate.ForLocalhost).Soon();
        var (request, socket) = await WebSocketServer.AcceptAsync(tls);
        await using var server = Serve(socket);
        await server.AcceptAsync();
        await connecting.Soon();

        request.Should().StartWith("GET /mqtt HTTP/1.1\r\n").And.Contain("\r\nHost: localhost\r\n");
    }

    [Fact]
    public async Task A_server_that_is_not_trusted_gets_no_request()
    {
        await using var client = Client("wss");
        var connecting = client.ConnectAsync().AsTask();
        await using var tls = new SslStream(await listener.AcceptAsync());
        await ((Task)tls.AuthenticateAsServerAsync(TestCertificate.ForLocalhost)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);

        await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttConnectionException>().WithMessage("*The TLS handshake failed: *");
    }

    [Fact]
    public async Task A_web_socket_goes_through_a_proxy()
    {
        await using var client = new MqttClient(new MqttClientOptions { Server = new Uri("ws://plant"), Proxy = new WebProxy($"http://127.0.0.1:{listener.Port}") });
        var connecting = client.ConnectAsync();
        await using var stream = await listener.AcceptAsync();
        (await WebSocketServer.ReadHeadAsync(stream)).Should().StartWith("CONNECT plant:80 ");
        await stream.WriteAsync("HTTP/1.1 200 OK\r\n\r\n"u8.ToArray());
        var (request, socket) = await WebSocketServer.AcceptAsync(stream);
        await using var server = Serve(socket);
        await server.AcceptAsync();
        await connecting.Soon();

        request.Should().Contain("\r\nHost: plant\r\n");
    }

    [Fact]
    public async Task An_invoker_makes_the_connection_by_its_own_means_and_is_left_alone()
    {
        using var invoker = new HttpMessageInvoker(new SocketsHttpHandler { UseProxy = false });
        await using var client = Client("ws", options => options with { WebSocket = new() { Invoker = invoker }, ConnectCallback = (_, _) => throw new IOException("not this way") });
        for (var i = 0; i < 2; i++)
        {
            var connecting = client.ConnectAsync();
            var socket = await AcceptAsync();
            await using var server = Serve(socket);
            await server.AcceptAsync();
            await connecting.Soon();
            var leaving = client.DisconnectAsync();
            await server.ExpectAsync<DisconnectPacket>();
            await server.DisposeAsync();
            await leaving.Soon();
        }
    }

    [Theory]
    [InlineData("X-Plant", "7\r\nX-Evil: 1")]
    [InlineData("X Plant", "7")]
    public void A_header_that_cannot_be_sent_is_refused_at_once(string name, string value)
    {
        FluentActions.Invoking(() => Client("ws", options => options with { WebSocket = new() { RequestHeaders = new Dictionary<string, string> { [name] = value } } }))
            .Should().Throw<ArgumentException>().Which.ParamName.Should().Be("WebSocket.RequestHeaders");
    }

    private MqttClient Client(string scheme, Func<MqttClientOptions, MqttClientOptions>? change = null, string path = "")
    {
        var options = new MqttClientOptions { Server = new Uri($"{scheme}://me:secret@localhost:{listener.Port}{path}") };
        return new MqttClient(change?.Invoke(options) ?? options);
    }

    private async Task<WebSocket> AcceptAsync() => (await WebSocketServer.AcceptAsync(await listener.AcceptAsync())).Socket;

    private static Task<MqttDisconnectCause> EndOf(MqttClient client)
    {
        var ended = new TaskCompletionSource<MqttDisconnectCause>(TaskCreationOptions.RunContinuationsAsynchronously);
        client.Happened += (_, what) =>
        {
            if (what is MqttDisconnectedEvent end)
                ended.TrySetResult(end.Cause);
        };
        return ended.Task;
    }

    private static ScriptedPeer Serve(WebSocket socket) => new(new WebSocketChannel(socket), MqttSender.Server);

    private static PublishPacket Message(string text) => new() { Topic = "a", Payload = Encoding.ASCII.GetBytes(text) };

    private static byte[] Bytes(MqttPacket packet)
    {
        var writer = new System.Buffers.ArrayBufferWriter<byte>();
        MqttPacketWriter.Write(writer, packet, MqttProtocolVersion.V500);
        return writer.WrittenSpan.ToArray();
    }

    private static ValueTask SendAsync(WebSocket socket, byte[] bytes) => socket.SendAsync(bytes.AsMemory(), WebSocketMessageType.Binary, endOfMessage: true, default);

    // The client may leave in the middle of what it is told.
    private static async Task AnswerAsync(NetworkStream stream, string answer)
    {
        try
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes(answer));
            stream.Socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception gone) when (gone is IOException or SocketException)
        {
            // That is what it was to do.
        }
    }

    private static async Task<string> ReadToEndAsync(Stream stream)
    {
        var all = new MemoryStream();
        try
        {
            await stream.CopyToAsync(all).Soon();
        }
        catch (IOException)
        {
            // A reset is an end as well.
        }

        return Encoding.Latin1.GetString(all.ToArray());
    }
}
