using Mqtt.Server;

namespace Mqtt.Interop.Tests;

/// <summary>MQTT.js comes to our broker as browsers do: over a WebSocket, plain and over TLS.</summary>
public class MqttJsWebSocketTests
{
    private const string Path = "/mqtt";

    public static MatrixTheoryData<int, bool> Ways => new(MqttJs.Versions, [false, true]);

    public static MatrixTheoryData<int, bool, int> WaysAndQuality => new(MqttJs.Versions, [false, true], [0, 1, 2]);

    [Theory, MemberData(nameof(WaysAndQuality))]
    public async Task Messages_arrive_in_order(int version, bool isTls, int quality)
    {
        await using var server = await StartAsync(isTls);
        await using var subscriber = await ConnectAsync(server, version, isTls);
        await using var publisher = await ConnectAsync(server, version, isTls);
        await subscriber.SubscribeAsync("plant/+/t", new { qos = quality });

        for (var number = 1; number <= 20; number++)
            await publisher.PublishAsync("plant/7/t", $"{number}", new { qos = quality });

        for (var number = 1; number <= 20; number++)
            (await subscriber.MessageAsync()).Line.Should().Be($"plant/7/t {number} {quality} live");
    }

    [Theory, MemberData(nameof(Ways))]
    public async Task A_large_binary_payload_arrives_byte_for_byte(int version, bool isTls)
    {
        var payload = new byte[1024 * 1024];
        new Random(11).NextBytes(payload);
        await using var server = await StartAsync(isTls);
        await using var client = await ConnectAsync(server, version, isTls);
        await client.SubscribeAsync("a", new { qos = 1 });

        await client.PublishAsync("a", payload, new { qos = 1 });

        (await client.MessageAsync()).Payload.AsSpan().SequenceEqual(payload).Should().BeTrue();
    }

    [Theory, MemberData(nameof(Ways))]
    public async Task A_will_is_published_when_the_connection_is_cut_and_the_session_is_there_afterwards(int version, bool isTls)
    {
        await using var server = await StartAsync(isTls);
        await using var watcher = await ConnectAsync(server, version, isTls);
        await watcher.SubscribeAsync("will", new { qos = 1 });
        var properties = version == 5 ? new { sessionExpiryInterval = 300 } : null;
        await using var keeper = await MqttJs.ConnectAsync(server, version, new
        {
            protocol = isTls ? "wss" : "ws",
            path = Path,
            ca = CertificateOfServer,
            clientId = "keeper",
            clean = false,
            resubscribe = false,
            will = new { topic = "will", payload = "gone", qos = 1 },
            properties,
        });
        await keeper.SubscribeAsync("a", new { qos = 1 });

        await keeper.CutAsync();
        (await watcher.MessageAsync()).Line.Should().Be("will gone 1 live");
        await watcher.PublishAsync("a", "meanwhile", new { qos = 1 });

        await keeper.ReconnectAsync();
        (await keeper.MessageAsync()).Text.Should().Be("meanwhile");
    }

    [Theory, MemberData(nameof(Ways))]
    public async Task A_client_that_says_goodbye_leaves_no_will(int version, bool isTls)
    {
        await using var server = await StartAsync(isTls);
        await using var watcher = await ConnectAsync(server, version, isTls);
        await watcher.SubscribeAsync("#", new { qos = 1 });
        await using var polite = await MqttJs.ConnectAsync(
            server, version, new { protocol = isTls ? "wss" : "ws", path = Path, ca = CertificateOfServer, clientId = "polite", will = new { topic = "will", payload = "gone", qos = 1 } });

        await polite.DisconnectAsync();
        await server.ClosedAsync("polite");
        await watcher.PublishAsync("end", "nobody died", new { qos = 1 });

        (await watcher.MessageAsync()).Text.Should().Be("nobody died");
    }

    [Theory, MemberData(nameof(Ways))]
    public async Task A_server_that_stops_closes_the_connection(int version, bool isTls)
    {
        await using var server = await StartAsync(isTls);
        await using var client = await ConnectAsync(server, version, isTls);

        await server.StopAsync();

        if (version == 5)
            (await client.EventAsync("disconnect")).GetProperty("code").GetInt32().Should().Be(0x8B);
        await client.EventAsync("closed");
    }

    private static string CertificateOfServer => TestCertificate.ForLocalhost.ExportCertificatePem();

    private static Task<OurBroker> StartAsync(bool isTls) =>
        OurBroker.StartWebSocketAsync(isTls ? new MqttServerTls { Certificate = TestCertificate.ForLocalhost } : null);

    private static Task<MqttJs> ConnectAsync(OurBroker server, int version, bool isTls) =>
        MqttJs.ConnectAsync(server, version, new { protocol = isTls ? "wss" : "ws", path = Path, ca = CertificateOfServer });
}
