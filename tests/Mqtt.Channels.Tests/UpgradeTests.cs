using System.IO.Pipelines;
using System.Text;
using Microsoft.Extensions.Logging;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server;
using Mqtt.Server.Listeners;
using Mqtt.Testing;

namespace Mqtt.Channels.Tests;

/// <summary>The opening handshake of a WebSocket at the server: bytes in, status out, however the bytes are cut.</summary>
[Collection(Alone.Name)]
public sealed class UpgradeTests : ILogger
{
    private const string Path = "/mqtt";
    private const string Offer = "Sec-WebSocket-Protocol: mqtt\r\n";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly string Request = WebSocketClient.Request();

    private static readonly Dictionary<string, (string Request, int Status)> Table = new()
    {
        ["the example of the standard"] = (Request, 101),
        ["names in small letters, a value in large ones"] = (Request.Replace("Upgrade: websocket", "upgrade: WebSocket"), 101),
        ["Connection is a list"] = (Request.Replace("Connection: Upgrade", "connection: keep-alive,upgrade"), 101),
        ["Connection is several fields"] = (Request.Replace("Connection: Upgrade", "Connection: keep-alive\r\nConnection: Upgrade"), 101),
        ["Upgrade is a list"] = (Request.Replace("Upgrade: websocket", "Upgrade: h2c, websocket"), 101),
        ["white space around values"] = (Request.Replace("Version: 13", "Version: \t 13 \t"), 101),
        ["no white space before values"] = (Request.Replace(": ", ":"), 101),
        ["a query"] = (Request.Replace("/mqtt ", "/mqtt?token=a/b ", StringComparison.Ordinal), 101),
        ["a whole address as the target"] = (Request.Replace("/mqtt ", "http://localhost/mqtt?x=1 ", StringComparison.Ordinal), 101),
        ["an origin"] = (WebSocketClient.Request(Offer + "Origin: https://elsewhere.example\r\n"), 101),
        ["no body, as it says"] = (WebSocketClient.Request(Offer + "Content-Length: 0\r\n"), 101),
        ["extensions"] = (WebSocketClient.Request(Offer + "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"), 101),
        ["bytes of other alphabets in a field that does not matter"] = (WebSocketClient.Request(Offer + "Cookie: ä=é\r\n"), 101),
        ["no subprotocol"] = (WebSocketClient.Request(""), 101),
        ["an empty list of subprotocols"] = (WebSocketClient.Request("Sec-WebSocket-Protocol: \r\n"), 101),

        ["a CONNECT without a WebSocket"] = ("\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00", 400),
        ["an empty line"] = ("\r\n\r\n", 400),
        ["no words"] = ("GET\r\n\r\n", 400),
        ["no version"] = ("GET /mqtt\r\n\r\n", 400),
        ["a word too many"] = (Request.Replace("/mqtt ", "/mqtt  ", StringComparison.Ordinal), 400),
        ["another protocol"] = (Request.Replace("HTTP/1.1", "RTSP/1.0"), 400),
        ["a field without a colon"] = (WebSocketClient.Request(Offer + "Nonsense\r\n"), 400),
        ["a field without a name"] = (WebSocketClient.Request(Offer + ": x\r\n"), 400),
        ["white space before a colon"] = (Request.Replace("Host:", "Host :"), 400),
        ["a value in two lines"] = (WebSocketClient.Request(Offer + "X: a\r\n b\r\n"), 400),
        ["a line feed alone"] = (WebSocketClient.Request(Offer + "X: a\nY: b\r\n"), 400),
        ["a zero in a value"] = (WebSocketClient.Request(Offer + "X: a\0b\r\n"), 400),
        ["a control character in the target"] = (Request.Replace("/mqtt ", "/mqtt\x1b ", StringComparison.Ordinal), 400),
        ["no host"] = (Request.Replace("Host: localhost\r\n", ""), 400),
        ["two hosts"] = (Request.Replace("Host: localhost\r\n", "Host: localhost\r\nHost: elsewhere\r\n"), 400),
        ["a body"] = (WebSocketClient.Request(Offer + "Content-Length: 5\r\n"), 400),
        ["two lengths of a body"] = (WebSocketClient.Request(Offer + "Content-Length: 0\r\nContent-Length: 5\r\n"), 400),
        ["a body in chunks"] = (WebSocketClient.Request(Offer + "Transfer-Encoding: chunked\r\n"), 400),
        ["no key"] = (Request.Replace($"Sec-WebSocket-Key: {WebSocketClient.Key}\r\n", ""), 400),
        ["two keys"] = (WebSocketClient.Request(Offer + $"Sec-WebSocket-Key: {WebSocketClient.Key}\r\n"), 400),
        ["a key of 15 bytes"] = (Request.Replace(WebSocketClient.Key, Convert.ToBase64String(new byte[15])), 400),
        ["a key of 17 bytes"] = (Request.Replace(WebSocketClient.Key, Convert.ToBase64String(new byte[17])), 400),
        ["a key that is no base64"] = (Request.Replace(WebSocketClient.Key, new string('!', 24)), 400),
        ["a key with white space within"] = (Request.Replace(WebSocketClient.Key, "dGhlIHNhbXBsZSB vbmNlZQ=="), 400),
        ["other subprotocols alone"] = (WebSocketClient.Request("Sec-WebSocket-Protocol: chat, MQTT, mqttv5\r\n"), 400),
        ["another path"] = (WebSocketClient.Request(path: "/"), 404),
        ["a longer path"] = (WebSocketClient.Request(path: "/mqtt/"), 404),
        ["a path in other letters"] = (WebSocketClient.Request(path: "/MQTT"), 404),
        ["no path but an asterisk"] = (WebSocketClient.Request(path: "*"), 404),
        ["POST"] = (Request.Replace("GET ", "POST "), 405),
        ["a method in small letters"] = (Request.Replace("GET ", "get "), 405),
        ["a browser that looks at the address"] = ("GET /mqtt HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n", 426),
        ["another Upgrade"] = (Request.Replace("Upgrade: websocket", "Upgrade: h2c"), 426),
        ["a Connection that is kept"] = (Request.Replace("Connection: Upgrade", "Connection: keep-alive"), 426),
        ["an older version of WebSockets"] = (Request.Replace("Version: 13", "Version: 8"), 426),
        ["no version of WebSockets"] = (Request.Replace("Sec-WebSocket-Version: 13\r\n", ""), 426),
        ["two versions of WebSockets"] = (WebSocketClient.Request(Offer + "Sec-WebSocket-Version: 8\r\n"), 426),
        ["HTTP/1.0"] = (Request.Replace("HTTP/1.1", "HTTP/1.0"), 505),
        ["HTTP/2"] = ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    };

    private readonly List<string> lines = [];

    public static TheoryData<string> Cases => [.. Table.Keys];

    [Theory, MemberData(nameof(Cases))]
    public Task A_request_gets_its_status_wherever_it_is_cut(string name) => Soon(async () =>
    {
        var (request, status) = Table[name];
        for (var cut = 1; cut < request.Length; cut++)
        {
            var answer = await AskAsync(new(), request[..cut], request[cut..]);

            answer.Should().StartWith($"HTTP/1.1 {status} ", "it was cut at {0}", cut);
            if (status != 101)
                answer.Should().Contain("\r\nConnection: close\r\n");
        }

        (await AskAsync(new(), [.. request.Select(one => $"{one}")])).Should().StartWith($"HTTP/1.1 {status} ");
    });

    [Fact]
    public Task The_answer_is_that_of_the_standards_example_and_agrees_to_no_extension() => Soon(async () =>
    {
        var answer = await AskAsync(new(), Table["extensions"].Request);

        answer.Should().Be($"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {WebSocketClient.Accept}\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n");
        lines.Should().BeEmpty("there is nothing to tell");
    });

    [Theory, Spec(V5, "6.0.0-4"), Spec(V311, "6.0.0-4")]
    [InlineData("Sec-WebSocket-Protocol: mqtt\r\n", "mqtt")]
    [InlineData("Sec-WebSocket-Protocol: mqttv3.1, mqtt\r\n", "mqtt")]
    [InlineData("Sec-WebSocket-Protocol: mqttv3.1\r\nSec-WebSocket-Protocol: chat,mqtt\r\n", "mqtt")]
    [InlineData("Sec-WebSocket-Protocol: chat, mqttv3.1\r\n", "mqttv3.1")]
    [InlineData("Sec-WebSocket-Protocol: MQTT, mqttv3.1\r\n", "mqttv3.1")]
    public Task The_subprotocol_is_mqtt_if_it_is_offered_and_else_that_of_3_1(string offer, string selected) => Soon(async () =>
        (await AskAsync(new() { RequireSubprotocol = true }, WebSocketClient.Request(offer))).Should().Contain($"\r\nSec-WebSocket-Protocol: {selected}\r\n"));

    [Fact]
    public Task Who_offers_no_subprotocol_is_let_in_without_one_and_that_is_logged_once() => Soon(async () =>
    {
        var answer = await AskAsync(new(), WebSocketClient.Request(""));

        answer.Should().StartWith("HTTP/1.1 101 ").And.NotContain("Sec-WebSocket-Protocol");
        lines.Should().ContainSingle().Which.Should().StartWith("Warning 111 ").And.Contain("no subprotocol");
    });

    [Fact]
    public Task Who_offers_no_subprotocol_can_be_refused() => Soon(async () =>
        (await AskAsync(new() { RequireSubprotocol = true }, WebSocketClient.Request(""))).Should().StartWith("HTTP/1.1 400 ").And.EndWith("Sec-WebSocket-Protocol must offer mqtt.\n"));

    [Fact]
    public Task A_refusal_is_logged_with_its_status_and_reason_and_breaks_the_connection() => Soon(async () =>
    {
        var (client, server) = Connect(new());
        var waiting = server.WaitReadableAsync().AsTask();
        await client.WriteAsync(Encoding.ASCII.GetBytes(WebSocketClient.Request(path: "/elsewhere")));
        (await ReadAsync(client)).Should().StartWith("HTTP/1.1 404 Not Found\r\n").And.EndWith("\r\n\r\nThere is nothing at this path.\n");
        client.CompleteWriting();

        await waiting.Awaiting(task => task).Should().ThrowAsync<MqttConnectionException>().WithMessage("*404*There is nothing at this path.");
        await server.Awaiting(one => one.ReadAsync(new byte[1]).AsTask()).Should().ThrowAsync<MqttConnectionException>();
        await server.Awaiting(one => one.WriteAsync(new byte[1]).AsTask()).Should().ThrowAsync<MqttConnectionException>();
        lines.Should().ContainSingle().Which.Should().StartWith("Information 110 ").And.Contain("404: There is nothing at this path.");
        await server.DisposeAsync();
    });

    [Theory]
    [InlineData("405 Method Not Allowed", "POST", "Allow: GET")]
    [InlineData("426 Upgrade Required", "an older version of WebSockets", "Sec-WebSocket-Version: 13")]
    [InlineData("426 Upgrade Required", "a browser that looks at the address", "Upgrade: websocket")]
    public Task A_refusal_tells_what_would_be_right(string status, string request, string field) => Soon(async () =>
        (await AskAsync(new(), Table[request].Request)).Should().StartWith($"HTTP/1.1 {status}\r\n").And.Contain($"\r\n{field}\r\n"));

    [Theory]
    [InlineData("Origin: https://plant.example\r\n", 101)]
    [InlineData("Origin: HTTPS://Plant.Example\r\n", 101)]
    [InlineData("Origin: http://127.0.0.1:8080\r\n", 101)]
    [InlineData("", 101)]
    [InlineData("Origin: https://elsewhere.example\r\n", 403)]
    [InlineData("Origin: http://plant.example\r\n", 403)]
    [InlineData("Origin: https://plant.example:8443\r\n", 403)]
    [InlineData("Origin: https://plant.example.evil.example\r\n", 403)]
    [InlineData("Origin: null\r\n", 403)]
    [InlineData("Origin: \r\n", 403)]
    [InlineData("Origin: https://plant.example\r\nOrigin: https://elsewhere.example\r\n", 403)]
    public Task Pages_of_other_origins_than_those_that_are_named_are_refused(string origin, int status) => Soon(async () =>
    {
        var options = new MqttServerWebSocket { AllowedOrigins = ["https://plant.example", "http://127.0.0.1:8080"] };

        (await AskAsync(options, WebSocketClient.Request(Offer + origin))).Should().StartWith($"HTTP/1.1 {status} ");
    });

    [Theory]
    [InlineData(0, 101)]
    [InlineData(1, 431)]
    public Task A_head_may_have_as_many_bytes_as_the_option_says(int more, int status) => Soon(async () =>
    {
        var options = new MqttServerWebSocket { MaximumRequestBytes = 1000 };
        var padding = new string('x', options.MaximumRequestBytes - WebSocketClient.Request(Offer + "Cookie: \r\n").Length + more);

        (await AskAsync(options, WebSocketClient.Request($"{Offer}Cookie: {padding}\r\n"))).Should().StartWith($"HTTP/1.1 {status} ");
    });

    [Fact]
    public Task An_endless_head_is_refused_and_its_sender_gets_the_answer() => Soon(async () =>
    {
        var (client, server) = Connect(new());
        var waiting = server.WaitReadableAsync().AsTask();
        await client.WriteAsync("GET /mqtt HTTP/1.1\r\n"u8.ToArray());
        for (var i = 0; i < 1000; i++)
            await client.WriteAsync(Encoding.ASCII.GetBytes($"X-{i}: {new string('y', 1000)}\r\n"));

        (await ReadAsync(client)).Should().StartWith("HTTP/1.1 431 Request Header Fields Too Large\r\n");
        client.CompleteWriting();
        await waiting.Awaiting(task => task).Should().ThrowAsync<MqttConnectionException>();
        await server.DisposeAsync();
    });

    [Theory]
    [InlineData("")]
    [InlineData("GET /mqtt HTTP/1.1\r\nHost")]
    public Task A_client_that_leaves_within_its_request_breaks_the_connection(string beginning) =>
        MustEndAsync(beginning, static (client, _) => client.CompleteWriting());

    [Theory]
    [InlineData("")]
    [InlineData("GET /mqtt HTTP/1.1\r\nHost")]
    public Task An_abort_ends_the_wait_for_a_request(string beginning) =>
        MustEndAsync(beginning, static (_, server) => server.Abort());

    [Fact]
    public Task What_comes_behind_the_request_without_waiting_for_the_answer_is_the_first_frames() => Soon(async () =>
    {
        byte[] all = [.. Encoding.ASCII.GetBytes(Request), .. WebSocketClient.Frame(0x82, 1, 2, 3), .. WebSocketClient.Frame(0x82, 4), .. WebSocketClient.Frame(0x82, new byte[100])];
        for (var cut = 1; cut < all.Length; cut++)
        {
            var (client, server) = Connect(new());
            var waiting = server.WaitReadableAsync().AsTask();
            await client.WriteAsync(all.AsMemory(0, cut));
            await client.WriteAsync(all.AsMemory(cut));
            await waiting;
            var received = new List<byte>();
            var buffer = new byte[7];
            while (received.Count < 104)
                received.AddRange(buffer[..await server.ReadAsync(buffer)]);

            received.Should().Equal([1, 2, 3, 4, .. new byte[100]], "it was cut at {0}", cut);
            await server.DisposeAsync();
        }
    });

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        lines.Add($"{logLevel} {eventId.Id} {formatter(state, exception)}");

    // Whoever waits for a request learns that the connection has ended.
    private Task MustEndAsync(string beginning, Action<MqttChannel, UpgradeChannel> end) => Soon(async () =>
    {
        var (client, server) = Connect(new());
        var waiting = server.WaitReadableAsync().AsTask();
        await client.WriteAsync(Encoding.ASCII.GetBytes(beginning));
        end(client, server);

        await waiting.Awaiting(task => task).Should().ThrowAsync<MqttConnectionException>();
        await server.DisposeAsync();
    });

    // Whatever comes of it, no buffer stays out.
    private static async Task Soon(Func<Task> body)
    {
        var buffers = new BufferLeakCheck();
        await Task.Run(body).WaitAsync(Patience);
        buffers.Verify();
    }

    private (MqttChannel Client, UpgradeChannel Server) Connect(MqttServerWebSocket options)
    {
        var (client, inner) = MemoryChannel.CreatePair(PipeScheduler.Inline);
        return (client, new UpgradeChannel(inner, new WebSocketUpgrade(Path, options), this));
    }

    // The whole answer to a request that comes in pieces.
    private async Task<string> AskAsync(MqttServerWebSocket options, params string[] pieces)
    {
        var (client, server) = Connect(options);
        var waiting = server.WaitReadableAsync().AsTask();
        foreach (var piece in pieces)
            await client.WriteAsync(Encoding.Latin1.GetBytes(piece));
        var answer = await ReadAsync(client);
        client.CompleteWriting();
        await ((Task)waiting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await server.DisposeAsync();
        return answer;
    }

    // To the empty line of an answer that accepts, or to the end.
    private static async Task<string> ReadAsync(MqttChannel client)
    {
        var answer = "";
        var buffer = new byte[4096];
        while (!answer.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal) || !answer.EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            var count = await client.ReadAsync(buffer);
            if (count == 0)
                break;
            answer += Encoding.ASCII.GetString(buffer, 0, count);
        }

        return answer;
    }
}
