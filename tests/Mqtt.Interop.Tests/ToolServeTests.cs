using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mqtt.Interop.Tests;

/// <summary><c>mqtt serve</c> as a process.</summary>
public class ToolServeTests
{
    [Theory, InlineData("TERM"), InlineData("INT")]
    public async Task A_signal_stops_it_in_good_order(string signal)
    {
        await using var server = await ToolServer.StartAsync();
        await using var subscriber = await Tool.SubscribeAsync(server, "5", "sub", "-t", "a");

        await server.Program.SignalAsync(signal);

        (await server.Program.EndAsync()).ExitCode.Should().Be(0);
        await subscriber.ErrorLineAsync("ServerShuttingDown");
        await subscriber.SignalAsync(signal);
        (await subscriber.EndAsync()).ExitCode.Should().Be(0);
    }

    [Fact]
    public async Task It_listens_on_loopback_over_IPv4_and_IPv6_by_default()
    {
        await using var server = await ToolServer.StartAsync("-p", "0");

        (await server.Program.NextLineAsync()).Should().Be($"listening on [::1]:{server.Port}");
        await Mosquitto.PublishAsync(server, "mqttv311", "-h", "::1", "-t", "a", "-m", "x", "-q", "1");
        await Mosquitto.PublishAsync(server, "mqttv311", "-h", "127.0.0.1", "-t", "a", "-m", "x", "-q", "1");
    }

    [Fact]
    public async Task A_port_that_is_taken_ends_it_with_1_and_one_line()
    {
        await using var server = await ToolServer.StartAsync();
        await using var second = Tool.Start("serve", "--host", "127.0.0.1", "-p", $"{server.Port}");

        var result = await second.EndAsync();

        result.ExitCode.Should().Be(1);
        result.Text.Should().BeEmpty();
        result.Error.Should().Be($"mqtt serve: Cannot listen on 127.0.0.1:{server.Port}: Address already in use\n");
    }

    [Fact]
    public async Task It_raises_the_number_of_files_it_may_open_to_what_the_system_allows()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The limits of a process are read from /proc.");
        await using var shell = RunningProgram.Start("sh", ["-c", $"ulimit -S -n 128; ulimit -H -n; exec '{Tool.Path}' serve --host 127.0.0.1 -p 0"], "a shell is needed");
        var hard = await shell.NextLineAsync();
        await shell.NextLineAsync();

        var limits = await File.ReadAllLinesAsync($"/proc/{shell.Id}/limits", TestContext.Current.CancellationToken);

        limits.Single(line => line.StartsWith("Max open files", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[3].Should().Be(hard);
    }

    [Fact]
    public async Task Clients_come_over_TLS()
    {
        var folder = Directory.CreateTempSubdirectory("mqtt-tls-").FullName;
        try
        {
            var (certificate, key) = WriteCertificate(folder);
            await using var server = await ToolServer.StartAsync("--listen", "mqtts://127.0.0.1:0", "--cert", certificate, "--key", key);
            await using var subscriber = await Mosquitto.SubscribeAsync(server, "mqttv5", "sub", "-t", "a", "-q", "2", "-C", "1", "--cafile", certificate);

            await Mosquitto.PublishAsync(server, "mqttv5", new byte[100_000], "-t", "a", "-q", "2", "-s", "--cafile", certificate);

            (await subscriber.SucceedAsync()).Output.Should().HaveCount(100_001);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static (string Certificate, string Key) WriteCertificate(string folder)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(System.Net.IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var (certificateFile, keyFile) = (Path.Combine(folder, "server.pem"), Path.Combine(folder, "server.key"));
        File.WriteAllText(certificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
        return (certificateFile, keyFile);
    }
}
