using System.Security.Cryptography.X509Certificates;
using Mqtt.Client;
using Mqtt.Protocol;

namespace Mqtt.Interop.Tests;

/// <summary>Our client at Debian's mosquitto, in every way in which one gets there.</summary>
public sealed class ClientAtMosquittoTests : IDisposable
{
    private static readonly (X509Certificate2 Root, X509Certificate2 Between, X509Certificate2 Server) Chain = TestCertificate.Chain();

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mqtt-mosquitto-");

    public enum Way
    {
        Tcp,
        Tls,
        ClientCertificate,
        WebSocket,
        WebSocketOverTls,
        SocketFile,
    }

    public static MatrixTheoryData<Way, MqttProtocolVersion, QualityOfService> WaysVersionsAndQuality => new(Enum.GetValues<Way>(), OurClient.Versions, OurClient.Qualities);

    public static MatrixTheoryData<Way, MqttProtocolVersion> WaysAndVersions => new(Enum.GetValues<Way>(), OurClient.Versions);

    public void Dispose() => folder.Delete(recursive: true);

    [Theory, MemberData(nameof(WaysVersionsAndQuality))]
    public async Task Messages_arrive_once_and_in_order(Way way, MqttProtocolVersion version, QualityOfService quality)
    {
        var texts = Enumerable.Range(1, 500).Select(number => $"message {number}").ToList();
        await using var server = await StartAsync(way);
        await using var subscriber = await ConnectAsync(server, way, version);
        await using var publisher = await ConnectAsync(server, way, version);
        await using var subscription = await subscriber.SubscribeAsync("plant/+", quality);

        // QoS 0 goes slowly enough for what mosquitto keeps for a client: it drops the rest.
        foreach (var chunk in texts.Chunk(quality == QualityOfService.AtMostOnce ? 50 : 500))
        {
            await Task.WhenAll(chunk.Select(text => publisher.PublishAsync("plant/7", text, quality).AsTask())).WaitAsync(RunningProgram.Patience);
            (await subscription.NextAsync(chunk.Length)).Should().Equal(chunk);
        }
    }

    [Theory, MemberData(nameof(WaysAndVersions))]
    public async Task A_large_message_arrives_unchanged(Way way, MqttProtocolVersion version)
    {
        // Over a WebSocket it never gets done with megabytes, not to MQTT.js either.
        var payload = new byte[way is Way.WebSocket or Way.WebSocketOverTls ? 300_000 : 3_000_000];
        new Random(1).NextBytes(payload);
        await using var server = await StartAsync(way);
        await using var client = await ConnectAsync(server, way, version);
        await using var subscription = await client.SubscribeAsync("a", QualityOfService.AtLeastOnce);

        (await client.PublishAsync("a", payload, QualityOfService.ExactlyOnce).AsTask().WaitAsync(RunningProgram.Patience)).EnsureSuccess();

        (await subscription.NextMessagesAsync(1))[0].Payload.Span.SequenceEqual(payload).Should().BeTrue();
    }

    [Fact]
    public async Task A_server_that_asks_for_a_certificate_lets_nobody_in_without_one()
    {
        await using var server = await StartAsync(Way.ClientCertificate);

        await FluentActions.Awaiting(() => OurClient.ConnectAsync($"mqtts://localhost:{server.Port}", MqttProtocolVersion.V500, Trusting)).Should().ThrowAsync<MqttConnectionException>();
        await using var welcome = await ConnectAsync(server, Way.ClientCertificate, MqttProtocolVersion.V500);
    }

    [Fact]
    public async Task The_name_in_the_certificate_is_the_users()
    {
        await using var server = await StartAsync(Way.ClientCertificate, "use_subject_as_username true", $"acl_file {Write("acl", "user CN=localhost\ntopic readwrite mine\n")}");
        await using var client = await ConnectAsync(server, Way.ClientCertificate, MqttProtocolVersion.V500);

        (await client.PublishAsync("mine", "x", QualityOfService.AtLeastOnce)).ReasonCode.Should().Be(ReasonCode.NoMatchingSubscribers);
        (await client.PublishAsync("others", "x", QualityOfService.AtLeastOnce)).ReasonCode.Should().Be(ReasonCode.NotAuthorized);
    }

    [Theory]
    [InlineData("mqtts")]
    [InlineData("wss")]
    public async Task A_server_that_is_not_trusted_is_left(string scheme)
    {
        await using var server = await StartAsync(scheme == "wss" ? Way.WebSocketOverTls : Way.Tls);

        await FluentActions.Awaiting(() => OurClient.ConnectAsync($"{scheme}://localhost:{(scheme == "wss" ? server.WebSocketPort : server.Port)}", MqttProtocolVersion.V500))
            .Should().ThrowAsync<MqttConnectionException>().WithMessage("*The TLS handshake failed: *");
    }

    private static MqttClientTls Trusting => new() { TrustedCertificates = [Chain.Root] };

    private string SocketFile => Path.Combine(folder.FullName, "mosquitto.sock");

    private Task<DebianMosquitto> StartAsync(Way way, params string[] more)
    {
        string[] tls =
        [
            $"certfile {Write("server.pem", Chain.Server.ExportCertificatePem() + "\n" + Chain.Between.ExportCertificatePem())}",
            $"keyfile {Write("server.key", Chain.Server.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem())}",
        ];
        string[] lines = way switch
        {
            Way.Tls or Way.WebSocketOverTls => tls,
            Way.ClientCertificate => [.. tls, $"cafile {Write("ca.pem", Chain.Root.ExportCertificatePem())}", "require_certificate true"],
            Way.SocketFile => [$"listener 0 {SocketFile}"],
            _ => [],
        };

        // It loses messages of QoS 2 of a 3.x client that has more under way, and also if mosquitto_sub is the one who waits for them.
        return DebianMosquitto.StartAsync(way is Way.WebSocket or Way.WebSocketOverTls, [.. lines, "max_inflight_messages 1000", .. more]);
    }

    private Task<MqttClient> ConnectAsync(DebianMosquitto server, Way way, MqttProtocolVersion version)
    {
        var address = way switch
        {
            Way.Tls or Way.ClientCertificate => $"mqtts://localhost:{server.Port}",
            Way.WebSocket => $"ws://127.0.0.1:{server.WebSocketPort}",
            Way.WebSocketOverTls => $"wss://localhost:{server.WebSocketPort}",
            Way.SocketFile => $"unix://{SocketFile}",
            _ => $"mqtt://127.0.0.1:{server.Port}",
        };
        var tls = way == Way.ClientCertificate
            ? Trusting with
            {
                CertificateFile = Write("own.pem", Chain.Server.ExportCertificatePem() + "\n" + Chain.Between.ExportCertificatePem()),
                KeyFile = Write("own.key", Chain.Server.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem()),
            }
            : Trusting;
        return OurClient.ConnectAsync(address, version, tls);
    }

    private string Write(string name, string content)
    {
        var path = Path.Combine(folder.FullName, name);
        File.WriteAllText(path, content);
        return path;
    }
}
