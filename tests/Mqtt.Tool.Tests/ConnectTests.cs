using System.Net;
using System.Text;
using Mqtt.Protocol;
using Mqtt.Server;

namespace Mqtt.Tool.Tests;

/// <summary>What the flags put into CONNECT, and what becomes of a refusal.</summary>
public class ConnectTests
{
    [Theory]
    [InlineData("", "V500 mqtt-*, clean, keep-alive 60, expiry , user , password , will ")]
    [InlineData("-V 31 -i me", "V310 me, clean, keep-alive 60, expiry , user , password , will ")]
    [InlineData("-V mqttv311 -i me -k 10 -u joe -P s3cret", "V311 me, clean, keep-alive 10, expiry , user joe, password s3cret, will ")]
    [InlineData("-V 5 -i me -c", "V500 me, kept, keep-alive 60, expiry 4294967295, user , password , will ")]
    [InlineData("-i me -c -x 30 -P s3cret", "V500 me, kept, keep-alive 60, expiry 30, user , password s3cret, will ")]
    [InlineData("-V 311 -i me -c", "V311 me, kept, keep-alive 60, expiry , user , password , will ")]
    [InlineData("-i me --will-topic w --will-payload gone --will-qos 2 --will-retain", "V500 me, clean, keep-alive 60, expiry , user , password , will w gone ExactlyOnce True")]
    [InlineData("-I test-", "V500 test-*, clean, keep-alive 60, expiry , user , password , will ")]
    public async Task Flags_reach_CONNECT(string flags, string expected)
    {
        string? connect = null;
        var handler = new MqttDelegateHandler((connection, packet) =>
        {
            if (packet is ConnectPacket come)
            {
                connect = Show(come);
                connection.Send(new ConnAckPacket());
            }

            return default;
        });
        await using var server = new MqttServer(handler, "mqtt://127.0.0.1:0");
        await server.StartAsync();

        await using var shell = await RunAsync(server, $"pub -t a -m x {flags}");

        (await shell.ExitCodeAsync()).Should().Be(0, shell.Error);
        connect.Should().Match(expected);
    }

    [Fact]
    public async Task A_url_gives_host_port_user_password_and_topic()
    {
        var seen = new List<string>();
        var handler = new MqttDelegateHandler((connection, packet) =>
        {
            if (packet is ConnectPacket come)
                connection.Send(new ConnAckPacket());
            seen.Add(packet is PublishPacket publish ? $"publish {publish.Topic}" : packet is ConnectPacket connect ? Show(connect) : "disconnect");
            return default;
        });
        await using var server = new MqttServer(handler, "mqtt://127.0.0.1:0");
        await server.StartAsync();

        await using var shell = await Shell.RunAsync("pub", "-L", $"mqtt://joe:s%403@{server.Endpoints[0]}/plant/7", "-m", "x", "-i", "me");

        (await shell.ExitCodeAsync()).Should().Be(0, shell.Error);
        seen[0].Should().Contain("user joe, password s@3");
        seen[1].Should().Be("publish plant/7");
    }

    [Theory]
    [InlineData("pub -t a -m x", "NotAuthorized (0x87), no entry")]
    [InlineData("sub -t a", "NotAuthorized (0x87), no entry")]
    [InlineData("pub -t a -m x -V 311", "NotAuthorized*")]
    public async Task A_refusal_ends_with_1_and_the_reason(string line, string reason)
    {
        var handler = new MqttDelegateHandler((connection, packet) =>
        {
            connection.Send(new ConnAckPacket { ReasonCode = ReasonCode.NotAuthorized, ReasonString = connection.Version == MqttProtocolVersion.V500 ? "no entry" : (MqttString?)null });
            return default;
        });
        await using var server = new MqttServer(handler, "mqtt://127.0.0.1:0");
        await server.StartAsync();

        await using var shell = await RunAsync(server, line);

        (await shell.ExitCodeAsync()).Should().Be(1);
        shell.Output.Should().BeEmpty();
        shell.Error.Should().Match($"mqtt *: *{reason}\n");
    }

    [Fact]
    public async Task A_message_that_the_server_refuses_ends_with_1_and_the_reason()
    {
        var handler = new MqttDelegateHandler((connection, packet) =>
        {
            if (packet is ConnectPacket)
                connection.Send(new ConnAckPacket());
            else if (packet is PublishPacket publish)
                connection.Send(new PubAckPacket { PacketId = publish.PacketId, ReasonCode = ReasonCode.QuotaExceeded });
            return default;
        });
        await using var server = new MqttServer(handler, "mqtt://127.0.0.1:0");
        await server.StartAsync();

        await using var shell = await RunAsync(server, "pub -t a -m x -q 1");

        (await shell.ExitCodeAsync()).Should().Be(1);
        shell.Error.Should().Match("mqtt pub: *QuotaExceeded (0x97)*\n");
    }

    [Theory]
    [InlineData("-t forbidden", 1)]
    [InlineData("-t a -t forbidden", 0)]
    public async Task A_refused_subscription_is_told_and_ends_with_1_if_there_is_no_other(string filters, int exitCode)
    {
        var handler = new MqttDelegateHandler((connection, packet) =>
        {
            if (packet is ConnectPacket)
                connection.Send(new ConnAckPacket());
            else if (packet is SubscribePacket subscribe)
                Answer(connection, subscribe);
            return default;
        });
        await using var server = new MqttServer(handler, "mqtt://127.0.0.1:0");
        await server.StartAsync();

        await using var shell = await RunAsync(server, $"sub -C 1 {filters}");

        (await shell.ExitCodeAsync()).Should().Be(exitCode, shell.Error);
        shell.Error.Should().Match("mqtt sub: *refused the subscription to forbidden: NotAuthorized (0x87)*\n");

        // The message comes last: until then the program cannot end.
        static void Answer(MqttConnection connection, SubscribePacket subscribe)
        {
            var isRefused = subscribe.Subscriptions[0].Filter == "forbidden";
            connection.Send(new SubAckPacket { PacketId = subscribe.PacketId, ReasonCodes = [isRefused ? ReasonCode.NotAuthorized : ReasonCode.Success] });
            if (isRefused)
                connection.Send(new PublishPacket { Topic = "a", Payload = "x"u8.ToArray() });
        }
    }

    private static Task<Shell> RunAsync(MqttServer server, string line) =>
        Shell.RunAsync([.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries), "-h", "127.0.0.1", "-p", $"{((IPEndPoint)server.Endpoints[0]).Port}"]);

    private static string Show(ConnectPacket connect)
    {
        var password = connect.Password is { } bytes ? Encoding.UTF8.GetString(bytes.Span) : "";
        var will = connect.Will is { } message ? $"{message.Topic} {Encoding.UTF8.GetString(message.Payload.Span)} {message.QualityOfService} {message.Retain}" : "";
        return $"{connect.Version} {connect.ClientId}, {(connect.CleanStart ? "clean" : "kept")}, keep-alive {connect.KeepAliveSeconds}, expiry {connect.SessionExpiryInterval}, "
            + $"user {connect.UserName}, password {password}, will {will}";
    }
}
