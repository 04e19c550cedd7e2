using System.Security.Cryptography.X509Certificates;
using Mqtt.Server;

namespace Mqtt.Interop.Tests;

/// <summary>mosquitto's clients come to our broker over TLS, with OpenSSL at their end.</summary>
public sealed class MosquittoTlsTests : IDisposable
{
    private static readonly (X509Certificate2 Root, X509Certificate2 Between, X509Certificate2 Server) Chain = TestCertificate.Chain();

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mqtt-tls-");
    private readonly string root;
    private readonly MqttServerTls tls;

    public MosquittoTlsTests()
    {
        root = Write("root.pem", Chain.Root.ExportCertificatePem());
        tls = new MqttServerTls
        {
            CertificateFile = Write("server.pem", Chain.Server.ExportCertificatePem() + "\n" + Chain.Between.ExportCertificatePem()),
            KeyFile = Write("server.key", Chain.Server.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem()),
        };
    }

    /// <summary>Every version over the runtime's sockets and over event loops.</summary>
    public static MatrixTheoryData<string, int> VersionsAndLoops => new(Mosquitto.Versions, [0, 2]);

    public void Dispose() => folder.Delete(recursive: true);

    [Theory, MemberData(nameof(VersionsAndLoops))]
    public async Task Large_messages_arrive_whole(string version, int loopCount)
    {
        var payload = new byte[300_000];
        new Random(1).NextBytes(payload);
        await using var server = await OurBroker.StartTlsAsync(tls, loopCount);
        await using var subscriber = await Mosquitto.SubscribeAsync(server, version, "sub", "-t", "a", "-q", "2", "-C", "1", "-N", "--cafile", root);

        await Mosquitto.PublishAsync(server, version, payload, "-t", "a", "-q", "2", "-s", "--cafile", root);

        (await subscriber.SucceedAsync()).Output.AsSpan().SequenceEqual(payload).Should().BeTrue();
    }

    [Theory, MemberData(nameof(VersionsAndLoops))]
    public async Task A_thousand_messages_arrive_in_order(string version, int loopCount)
    {
        var lines = Enumerable.Range(1, 1000).Select(number => $"message {number}").ToArray();
        await using var server = await OurBroker.StartTlsAsync(tls, loopCount);
        await using var subscriber = await Mosquitto.SubscribeAsync(server, version, "sub", "-t", "a", "-q", "1", "-C", "1000", "--cafile", root);

        await Mosquitto.PublishAsync(server, version, System.Text.Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n"), "-t", "a", "-q", "1", "-l", "--cafile", root);

        (await subscriber.SucceedAsync()).Lines.Should().Equal(lines);
    }

    [Fact]
    public async Task A_client_that_does_not_trust_the_server_and_a_client_without_tls_stay_outside_and_disturb_nobody()
    {
        var stranger = Write("stranger.pem", TestCertificate.SelfSigned().ExportCertificatePem());
        await using var server = await OurBroker.StartTlsAsync(tls, loopCount: 1);
        await using var subscriber = await Mosquitto.SubscribeAsync(server, "mqttv5", "sub", "-t", "a", "-q", "1", "-C", "1", "--cafile", root);

        await using var distrustful = Mosquitto.Publish(server, "mqttv5", ["-t", "a", "-m", "distrust", "-q", "1", "--cafile", stranger]);
        await using var plain = Mosquitto.Publish(server, "mqttv5", ["-t", "a", "-m", "plain", "-q", "1"]);
        (await distrustful.EndAsync()).ExitCode.Should().NotBe(0);
        (await plain.EndAsync()).ExitCode.Should().NotBe(0);

        await Mosquitto.PublishAsync(server, "mqttv5", "-t", "a", "-m", "trust", "-q", "1", "--cafile", root);
        (await subscriber.SucceedAsync()).Text.Should().Be("trust\n");
    }

    private string Write(string name, string content)
    {
        var path = Path.Combine(folder.FullName, name);
        File.WriteAllText(path, content);
        return path;
    }
}
