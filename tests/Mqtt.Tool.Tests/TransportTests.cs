using System.Net;
using System.Net.Sockets;
using System.Text;
using Mqtt.Server;

namespace Mqtt.Tool.Tests;

/// <summary>The ways of <c>mqtt pub</c> and <c>mqtt sub</c> to the server.</summary>
public sealed class TransportTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mqtt-tool-");

    // Bound, so that nobody else gets the port, and not listening: who dials it is refused, and tells what it has dialled.
    private readonly Socket nobody = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public TransportTests() => nobody.Bind(new IPEndPoint(IPAddress.Loopback, 0));

    private string CaFile => Write("ca.pem", TestCertificate.ForLocalhost.ExportCertificatePem());

    public void Dispose()
    {
        nobody.Dispose();
        folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("-p PORT", "mqtt://127.0.0.1:PORT")]
    [InlineData("-p PORT --tls-use-os-certs", "mqtts://127.0.0.1:PORT")]
    [InlineData("-p PORT --cafile CA", "mqtts://127.0.0.1:PORT")]
    [InlineData("-p PORT --insecure", "mqtts://127.0.0.1:PORT")]
    [InlineData("-p PORT --tls-alpn mqtt", "mqtts://127.0.0.1:PORT")]
    [InlineData("-p PORT --tls-version tlsv1.3", "mqtts://127.0.0.1:PORT")]
    [InlineData("-p PORT --ws", "ws://127.0.0.1:PORT")]
    [InlineData("-p PORT --ws --ws-path /a/b", "ws://127.0.0.1:PORT/a/b")]
    [InlineData("-p PORT --ws --cafile CA", "wss://127.0.0.1:PORT")]
    [InlineData("-L mqtt://127.0.0.1:PORT/t", "mqtt://127.0.0.1:PORT")]
    [InlineData("-L mqtts://u:p@127.0.0.1:PORT/t", "mqtts://127.0.0.1:PORT")]
    [InlineData("-L ws://127.0.0.1:PORT/t", "ws://127.0.0.1:PORT")]
    [InlineData("-L wss://127.0.0.1:PORT/t --ws-path x", "wss://127.0.0.1:PORT/x")]
    [InlineData("--proxy socks5h://me:secret@127.0.0.1:PORT", "mqtt://127.0.0.1")]
    [InlineData("--proxy http://127.0.0.1:PORT --ws", "ws://127.0.0.1")]
    public async Task Flags_lead_to_an_address(string flags, string address)
    {
        await using var shell = await RunAsync($"pub -h 127.0.0.1 -t a -m x {flags}");

        (await shell.ExitCodeAsync()).Should().Be(1);
        shell.Error.Should().Match($"mqtt pub: No connection to {Fill(address)}: *refused\n");
    }

    [Theory]
    [InlineData("--unix /tmp/x --ws", "*--unix goes together with no other way*")]
    [InlineData("--unix /tmp/x --cafile CA", "*--unix goes together with no other way*")]
    [InlineData("--ws-path /x", "*--ws-path needs --ws*")]
    [InlineData("--proxy nonsense", "*--proxy*socks5h*")]
    [InlineData("--proxy ftp://plant", "*Proxy*'ftp'*")]
    [InlineData("--cafile /no/such/file", "*/no/such/file*")]
    [InlineData("--key KEY", "*Tls.CertificateFile*")]
    [InlineData("--tls-version 9", "*tlsv1.2 or tlsv1.3*")]
    [InlineData("-L ftp://plant/t", "*mqtt://host:port/topic*")]
    public async Task Flags_that_do_not_go_together_end_with_2(string flags, string complaint)
    {
        await using var shell = await RunAsync($"pub -t a -m x {flags}");

        (await shell.ExitCodeAsync()).Should().Be(2);
        shell.Error.Should().Match(complaint);
    }

    [Fact]
    public async Task A_server_with_a_private_authority_is_reached_over_tls()
    {
        await using var server = await TlsServerAsync("127.0.0.1");
        var port = ((IPEndPoint)server.Endpoints[0]).Port;

        await using var trusting = await RunAsync($"pub -t a -m x -q 1 -h localhost -p {port} --cafile CA --tls-alpn mqtt");
        await using var doubting = await RunAsync($"pub -t a -m x -q 1 -h localhost -p {port} --tls-use-os-certs");

        (await trusting.ExitCodeAsync()).Should().Be(0, trusting.Error);
        (await doubting.ExitCodeAsync()).Should().Be(1);
        doubting.Error.Should().Match("mqtt pub: *TLS handshake failed*\n");
    }

    [Fact]
    public async Task Insecure_accepts_another_name_and_no_other_authority()
    {
        await using var server = await TlsServerAsync("127.0.0.2");
        var port = ((IPEndPoint)server.Endpoints[0]).Port;

        await using var strict = await RunAsync($"pub -t a -m x -q 1 -h 127.0.0.2 -p {port} --cafile CA");
        await using var insecure = await RunAsync($"pub -t a -m x -q 1 -h 127.0.0.2 -p {port} --cafile CA --insecure");
        await using var untrusted = await RunAsync($"pub -t a -m x -q 1 -h 127.0.0.2 -p {port} --insecure");

        (await strict.ExitCodeAsync()).Should().Be(1);
        (await insecure.ExitCodeAsync()).Should().Be(0, insecure.Error);
        (await untrusted.ExitCodeAsync()).Should().Be(1);
    }

    [Fact]
    public async Task A_socket_file_is_dialled()
    {
        var path = Path.Combine(folder.FullName, "a socket");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        await using var broker = new MqttBroker();
        await using var server = new MqttServer(broker, "mqtt://127.0.0.1:0");
        await server.StartAsync();
        var accepting = listener.AcceptAsync(TestContext.Current.CancellationToken);
        await using var shell = Shell.Start("pub", "-t", "a", "-m", "x", "-q", "1", "--unix", path);
        server.Serve(new NetworkStream(await accepting, ownsSocket: true));

        (await shell.ExitCodeAsync()).Should().Be(0, shell.Error);
    }

    private static async Task<MqttServer> TlsServerAsync(string host)
    {
        var server = new MqttServer(new MqttBroker(), new MqttServerOptions
        {
            Addresses = [$"mqtts://{host}:0"],
            Tls = new MqttServerTls { Certificate = TestCertificate.ForLocalhost },
        });
        await server.StartAsync();
        return server;
    }

    private Task<Shell> RunAsync(string line) => Shell.RunAsync([.. line.Split(' ').Select(Fill)]);

    private string Fill(string word) => word
        .Replace("PORT", $"{((IPEndPoint)nobody.LocalEndPoint!).Port}", StringComparison.Ordinal)
        .Replace("CA", word == "CA" ? CaFile : "CA", StringComparison.Ordinal)
        .Replace("KEY", word == "KEY" ? CaFile : "KEY", StringComparison.Ordinal);

    private string Write(string name, string content)
    {
        var path = Path.Combine(folder.FullName, name);
        File.WriteAllText(path, content, Encoding.ASCII);
        return path;
    }
}
