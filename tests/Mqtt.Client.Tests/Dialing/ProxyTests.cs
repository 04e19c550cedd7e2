using System.Net;
using System.Net.Security;
using System.Text;

namespace Mqtt.Client.Tests.Dialing;

/// <summary>Proxies, of which the test plays each: what it is asked, and what becomes of its answers. Behind it stands the server.</summary>
public sealed class ProxyTests : IDisposable
{
    private const string Opened = "HTTP/1.1 200 Connection established\r\n\r\n";

    private readonly Listener listener = new();
    private readonly VirtualTime time = new();

    public void Dispose() => listener.Dispose();

    [Theory]
    [InlineData("mqtt://plant", "plant:1883")]
    [InlineData("mqtt://[::1]:7", "[::1]:7")]
    [InlineData("mqtt://127.0.0.9:7", "127.0.0.9:7")]
    public async Task An_http_proxy_is_asked_for_a_tunnel_to_the_server(string server, string target)
    {
        await using var client = Client("http", server: server);
        var connecting = client.ConnectAsync();
        await using var stream = await listener.AcceptAsync();

        (await WebSocketServer.ReadHeadAsync(stream)).Should().Be($"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");

        await AnswerAsync(stream, Opened);
        await BehindAsync(stream, connecting);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_http_proxy_is_told_user_name_and_password(bool inAddress)
    {
        await using var client = Client("http", "me", "s:cret", inAddress);
        var connecting = client.ConnectAsync();
        await using var stream = await listener.AcceptAsync();

        (await WebSocketServer.ReadHeadAsync(stream)).Should().Contain($"\r\nProxy-Authorization: Basic {Convert.ToBase64String("me:s:cret"u8)}\r\n");

        await AnswerAsync(stream, Opened);
        await BehindAsync(stream, connecting);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n")]
    [InlineData("HTTP/1.0 200 \r\n\r\n")]
    [InlineData("HTTP/1.1 200\r\nVia: somewhere\r\nContent-Length: 10\r\n\r\n")]
    [InlineData("HTTP/1.1 204 fine\r\n\r\n")]
    public async Task An_answer_that_says_yes_opens_the_tunnel_in_whatever_pieces_it_comes(string answer)
    {
        await using var client = Client("http");
        var connecting = client.ConnectAsync();
        await using var stream = await listener.AcceptAsync();
        await WebSocketServer.ReadHeadAsync(stream);
        foreach (var part in answer)
            await AnswerAsync(stream, part.ToString());

        await BehindAsync(stream, connecting);
    }

    [Theory]
    [InlineData("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n<html>", "407 Proxy Authentication Required")]
    [InlineData("HTTP/1.1 403 Forbidden\r\n\r\n", "403 Forbidden")]
    [InlineData("HTTP/1.1 502 \u001b[31m\r\n\r\n", "502 ?[31m")]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\n", "100 Continue")]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n\x20\x02\x00\x00", "more than its answer")]
    [InlineData("HTTP/2 200 OK\r\n\r\n", "does not speak HTTP")]
    [InlineData("\r\n\r\n", "does not speak HTTP")]
    [InlineData("220 mail.plant ESMTP\r\n\r\n", "does not speak HTTP")]
    [InlineData("\x05\x00", "closed the connection")]
    [InlineData("HTTP/1.1 200 OK\r\nVia: ", "closed the connection")]
    [InlineData("", "closed the connection")]
    [InlineData("endless", "longer than 8192 bytes")]
    public async Task An_http_proxy_that_does_not_open_the_tunnel_is_a_failed_connection_with_its_reason(string answer, string reason)
    {
        await using var client = Client("http", "me", "secret");
        var connecting = client.ConnectAsync().AsTask();
        await using var stream = await listener.AcceptAsync();
        await WebSocketServer.ReadHeadAsync(stream);
        await AnswerAsync(stream, answer == "endless" ? "HTTP/1.1 200 OK\r\n" + string.Concat(Enumerable.Repeat("X: y\r\n", 2000)) : answer);
        stream.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);

        var failed = await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttConnectionException>();
        failed.Which.Message.Should().StartWith("No connection to mqtt://plant: ").And.Contain(reason).And.Contain($"127.0.0.1:{listener.Port}").And.NotContain("secret");
    }

    [Theory]
    [InlineData("mqtt://plant:7", "03 05 706c616e74 0007")]
    [InlineData("mqtt://127.0.0.9:1883", "01 7f000009 075b")]
    [InlineData("mqtt://[::1]:1883", "04 00000000000000000000000000000001 075b")]
    public async Task A_socks_proxy_is_asked_for_the_server_by_name_or_address(string server, string target)
    {
        await using var client = Client("socks5", server: server);
        var connecting = client.ConnectAsync();
        await using var stream = await listener.AcceptAsync();
        await ExpectAsync(stream, "05 01 00");
        await AnswerAsync(stream, Hex("05 00"));

        await ExpectAsync(stream, $"05 01 00 {target}");

        await AnswerAsync(stream, Hex("05 00 00 01 00000000 0000"));
        await BehindAsync(stream, connecting);
    }

    [Theory]
    [InlineData("socks5", false)]
    [InlineData("socks5h", true)]
    public async Task A_socks_proxy_that_asks_is_told_user_name_and_password(string scheme, bool inAddress)
    {
        await using var client = Client(scheme, "me", "s:cret", inAddress);
        var connecting = client.ConnectAsync();
        await using var stream = await listener.AcceptAsync();
        await ExpectAsync(stream, "05 02 00 02");
        await AnswerAsync(stream, Hex("05 02"));

        await ExpectAsync(stream, "01 02 6d65 06 733a63726574");

        await AnswerAsync(stream, Hex("01 00"));
        await ExpectAsync(stream, "05 01 00 03 05 706c616e74 075b");
        await AnswerAsync(stream, Hex("05 00 00 01 00000000 0000"));
        await BehindAsync(stream, connecting);
    }

    [Theory]
    [InlineData("05 00 00 01 7f000001 0050")]
    [InlineData("05 00 00 04 00000000000000000000000000000001 0050")]
    [InlineData("05 00 00 03 05 706c616e74 0050")]
    [InlineData("05 00 00 03 00 0050")]
    public async Task The_address_in_a_socks_answer_is_skipped_whatever_its_kind_and_pieces(string answer)
    {
        await using var client = Client("socks5");
        var connecting = client.ConnectAsync();
        await using var stream = await listener.AcceptAsync();
        await ExpectAsync(stream, "05 01 00");
        await AnswerAsync(stream, Hex("05 00"));
        await ExpectAsync(stream, "05 01 00 03 05 706c616e74 075b");
        foreach (var part in Hex(answer))
            await stream.WriteAsync(new[] { part });

        await BehindAsync(stream, connecting);
    }

    [Theory]
    [InlineData("05 ff", "asks for a user name")]
    [InlineData("05 02", "not offered")]
    [InlineData("05 01", "not offered")]
    [InlineData("04 00", "does not speak SOCKS5")]
    [InlineData("48 54 54 50", "does not speak SOCKS5")]
    [InlineData("05", "closed the connection")]
    [InlineData("", "closed the connection")]
    [InlineData("05 00 05 01", "general failure")]
    [InlineData("05 00 05 02", "not allowed by its rules")]
    [InlineData("05 00 05 03", "network unreachable")]
    [InlineData("05 00 05 04", "host unreachable")]
    [InlineData("05 00 05 05 00 01 00000000 0000", "connection refused")]
    [InlineData("05 00 05 06", "time to live expired")]
    [InlineData("05 00 05 07", "command not supported")]
    [InlineData("05 00 05 08", "address type not supported")]
    [InlineData("05 00 05 63", "code 99")]
    [InlineData("05 00 04 00", "does not speak SOCKS5")]
    [InlineData("05 00 05 00 00 02", "closed the connection")]
    [InlineData("05 00 05 00 00 02 00", "not well formed")]
    [InlineData("05 00 05 00 00 03 ff 00", "closed the connection")]
    public async Task A_socks_proxy_that_does_not_open_the_tunnel_is_a_failed_connection_with_its_reason(string answer, string reason)
    {
        await using var client = Client("socks5");
        var connecting = client.ConnectAsync().AsTask();
        await using var stream = await listener.AcceptAsync();
        await ExpectAsync(stream, "05 01 00");
        await AnswerAsync(stream, Hex(answer));
        stream.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);

        var failed = await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttConnectionException>();
        failed.Which.Message.Should().Contain(reason).And.Contain($"127.0.0.1:{listener.Port}");
    }

    [Theory]
    [InlineData("05 ff", "accepts no user name and password")]
    [InlineData("05 02 01 01", "refused the user name and password")]
    [InlineData("05 02 01", "closed the connection")]
    public async Task A_socks_proxy_that_refuses_a_user_is_a_failed_connection_with_its_reason(string answer, string reason)
    {
        await using var client = Client("socks5", "me", "secret");
        var connecting = client.ConnectAsync().AsTask();
        await using var stream = await listener.AcceptAsync();
        await ExpectAsync(stream, "05 02 00 02");
        await AnswerAsync(stream, Hex(answer));
        stream.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);

        await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttConnectionException>().WithMessage($"*{reason}*");
    }

    [Theory]
    [InlineData("me", 256)]
    [InlineData("long", 3)]
    public async Task A_name_or_password_that_socks_cannot_carry_is_a_failed_connection(string userName, int passwordLength)
    {
        await using var client = Client("socks5", userName == "long" ? new string('u', 256) : userName, new string('p', passwordLength));
        var connecting = client.ConnectAsync().AsTask();
        await using var stream = await listener.AcceptAsync();
        await ExpectAsync(stream, "05 02 00 02");
        await AnswerAsync(stream, Hex("05 02"));

        await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttConnectionException>().WithMessage("*longer than SOCKS allows*");
    }

    [Theory]
    [InlineData("http", "")]
    [InlineData("http", "HTTP/1.1 200 OK\r\n")]
    [InlineData("socks5", "")]
    [InlineData("socks5", "\x05")]
    public async Task A_proxy_that_falls_silent_is_left_when_the_time_is_over(string scheme, string answer)
    {
        await using var client = Client(scheme);
        var connecting = client.ConnectAsync().AsTask();
        await using var stream = await listener.AcceptAsync();
        await stream.ReadExactlyAsync(new byte[3]);
        await AnswerAsync(stream, answer);
        time.Advance(TimeSpan.FromSeconds(30));

        await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttConnectionException>().WithMessage("*did not answer within*");
    }

    [Fact]
    public async Task Tls_goes_through_the_tunnel_with_the_name_of_the_server()
    {
        await using var client = Client("http", server: "mqtts://localhost", tls: new() { TrustedCertificates = [TestCertificate.ForLocalhost] });
        var connecting = client.ConnectAsync();
        await using var stream = await listener.AcceptAsync();
        (await WebSocketServer.ReadHeadAsync(stream)).Should().StartWith("CONNECT localhost:8883 ");
        await AnswerAsync(stream, Opened);
        var tls = new SslStream(stream);
        await tls.AuthenticateAsServerAsync(TestCertificate.ForLocalhost).Soon();

        await BehindAsync(tls, connecting);
    }

    [Fact]
    public async Task A_server_that_the_proxy_leaves_out_is_dialled_directly()
    {
        await using var client = new MqttClient(new MqttClientOptions
        {
            Server = new Uri($"mqtt://127.0.0.1:{listener.Port}"),
            Proxy = new WebProxy("http://nowhere.invalid", BypassOnLocal: false, BypassList: [@"127\.0\.0\.1"]),
        });
        var connecting = client.ConnectAsync();

        await BehindAsync(await listener.AcceptAsync(), connecting);
    }

    [Theory]
    [InlineData("http://plant", 80)]
    [InlineData("socks5://plant", 1080)]
    public async Task The_callback_connects_to_the_proxy(string proxy, int port)
    {
        EndPoint? dialled = null;
        await using var client = new MqttClient(new MqttClientOptions
        {
            Proxy = new WebProxy(proxy),
            ConnectCallback = (endPoint, _) =>
            {
                dialled = endPoint;
                throw new IOException("no way");
            },
        });

        await FluentActions.Awaiting(() => client.ConnectAsync().Soon()).Should().ThrowAsync<MqttConnectionException>();
        dialled.Should().Be(new DnsEndPoint("plant", port));
    }

    [Theory]
    [InlineData("https://plant")]
    [InlineData("ftp://plant")]
    [InlineData("http://plant:0")]
    public void A_proxy_that_cannot_be_used_is_refused_at_once(string proxy)
    {
        FluentActions.Invoking(() => new MqttClient(new MqttClientOptions { Proxy = new WebProxy(proxy) })).Should().Throw<ArgumentException>().Which.ParamName.Should().Be("Proxy");
    }

    private MqttClient Client(string scheme, string? userName = null, string? password = null, bool inAddress = false, string server = "mqtt://plant", MqttClientTls? tls = null)
    {
        var user = inAddress ? $"{Uri.EscapeDataString(userName!)}:{Uri.EscapeDataString(password!)}@" : "";
        return new MqttClient(new MqttClientOptions
        {
            Server = new Uri(server),
            Tls = tls ?? new(),
            TimeProvider = time,
            Proxy = new WebProxy(new Uri($"{scheme}://{user}127.0.0.1:{listener.Port}")) { Credentials = userName is null || inAddress ? null : new NetworkCredential(userName, password) },
        });
    }

    // The server behind the proxy.
    private static async Task BehindAsync(Stream stream, ValueTask<MqttConnectResult> connecting)
    {
        await using var server = Listener.Serve(stream);
        await server.AcceptAsync();
        (await connecting.Soon()).SessionPresent.Should().BeFalse();
    }

    private static async Task ExpectAsync(Stream stream, string hex)
    {
        var bytes = Hex(hex);
        var read = new byte[bytes.Length];
        await stream.ReadExactlyAsync(read).Soon();
        read.Should().Equal(bytes);
    }

    private static ValueTask AnswerAsync(Stream stream, string text) => AnswerAsync(stream, Encoding.Latin1.GetBytes(text));

    private static ValueTask AnswerAsync(Stream stream, byte[] bytes) => stream.WriteAsync(bytes);

    private static byte[] Hex(string text) => Convert.FromHexString(text.Replace(" ", "", StringComparison.Ordinal));
}
