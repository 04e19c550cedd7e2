using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mqtt.Client.Tests.Dialing;

public sealed class TlsTests : IDisposable
{
    private static readonly (X509Certificate2 Root, X509Certificate2 Between, X509Certificate2 Server) Chain = TestCertificate.Chain();
    private static readonly X509Certificate2 Own = TestCertificate.SelfSigned();

    private readonly Listener listener = new();
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mqtt-");

    private SslServerAuthenticationOptions Server { get; } = new()
    {
        ServerCertificateContext = SslStreamCertificateContext.Create(Chain.Server, [Chain.Between], offline: true),
    };

    public void Dispose()
    {
        listener.Dispose();
        folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("mqtts", false)]
    [InlineData("tls", true)]
    [InlineData("ssl", true)]
    public async Task A_private_authority_is_trusted_by_its_file_or_its_certificate(string scheme, bool byFile)
    {
        await using var client = Client(
            byFile ? new() { TrustedFile = Write("ca.pem", Chain.Root.ExportCertificatePem()) } : new() { TrustedCertificates = [Chain.Root] }, scheme);
        var connecting = client.ConnectAsync();
        await using var server = Listener.Serve(await AcceptAsync());
        await server.AcceptAsync();
        await connecting.Soon();

        // DISCONNECT, the goodbye of TLS and the end of what is sent: the server has all of it, though it still may say something itself.
        var leaving = client.DisconnectAsync();
        await server.ExpectAsync<DisconnectPacket>();
        await server.ExpectEndAsync();
        await server.SendAsync(new PingRespPacket());
        await server.DisposeAsync();
        await leaving.Soon();
    }

    [Fact]
    public async Task A_server_for_which_no_authority_vouches_is_refused_with_the_reason()
    {
        (await FailureAsync(new())).Should().Match("No connection to mqtts://localhost:*: The TLS handshake failed: *");
    }

    [Fact]
    public async Task A_private_authority_is_the_only_one_that_is_trusted()
    {
        (await FailureAsync(new() { TrustedCertificates = [TestCertificate.Chain().Root] })).Should().Match("*The TLS handshake failed: *chain*");
    }

    [Fact]
    public async Task A_server_that_stands_for_itself_can_be_trusted()
    {
        Server.ServerCertificateContext = SslStreamCertificateContext.Create(Own, null, offline: true);

        await ConnectAsync(new() { TrustedCertificates = [Own] });
    }

    [Fact]
    public async Task The_certificate_must_bear_the_name_that_is_asked_for()
    {
        (await FailureAsync(Trusting with { TargetHost = "elsewhere" })).Should().Match("*The TLS handshake failed: *RemoteCertificateNameMismatch*");
    }

    [Fact]
    public async Task The_server_is_told_the_target_host()
    {
        string? asked = null;
        Server.ServerCertificateSelectionCallback = (_, name) =>
        {
            asked = name;
            return Chain.Server;
        };
        Server.ServerCertificateContext = null;

        await ConnectAsync(new() { TargetHost = "elsewhere", DangerousAcceptAnyCertificate = true });

        asked.Should().Be("elsewhere");
    }

    [Fact]
    public async Task Application_protocols_are_offered_in_their_order()
    {
        Server.ApplicationProtocols = [new("other"), new("mqtt")];

        var seen = await ConnectAsync(Trusting with { ApplicationProtocols = ["x-amzn-mqtt-ca", "mqtt"] });

        seen.Protocol.Should().Be(new SslApplicationProtocol("mqtt"));
    }

    [Fact]
    public async Task A_version_of_tls_that_the_server_does_not_speak_is_refused_with_the_reason()
    {
        Server.EnabledSslProtocols = SslProtocols.Tls12;

        (await FailureAsync(Trusting with { EnabledProtocols = SslProtocols.Tls13 })).Should().Match("*The TLS handshake failed: *");
    }

    [Theory]
    [InlineData("pem")]
    [InlineData("one pem")]
    [InlineData("encrypted pem")]
    [InlineData("pfx")]
    [InlineData("object")]
    [InlineData("callback")]
    public async Task A_client_certificate_is_shown_to_a_server_that_asks_for_one(string kind)
    {
        AskForCertificate();
        var key = Own.GetECDsaPrivateKey()!;
        var pem = Own.ExportCertificatePem();
        var tls = kind switch
        {
            "pem" => Trusting with { CertificateFile = Write("own.pem", pem), KeyFile = Write("own.key", key.ExportPkcs8PrivateKeyPem()) },
            "one pem" => Trusting with { CertificateFile = Write("own.pem", $"{pem}\n{key.ExportPkcs8PrivateKeyPem()}") },
            "encrypted pem" => Trusting with
            {
                CertificateFile = Write("own.pem", pem),
                KeyFile = Write("own.key", key.ExportEncryptedPkcs8PrivateKeyPem("secret", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000))),
                Password = "secret",
            },
            "pfx" => Trusting with { CertificateFile = Write("own.pfx", Own.Export(X509ContentType.Pfx, "secret")), Password = "secret" },
            "object" => Trusting with { Certificate = Own },
            _ => Trusting with { SelectCertificate = (_, _, _, _, _) => Own },
        };

        (await ConnectAsync(tls)).Certificate.Should().Equal(Own.RawData);
    }

    [Fact]
    public async Task The_certificates_between_the_clients_and_the_root_are_sent_along()
    {
        var sent = new List<string>();
        Server.ClientCertificateRequired = true;
        Server.RemoteCertificateValidationCallback = (_, _, chain, _) =>
        {
            sent.AddRange(chain!.ChainPolicy.ExtraStore.Select(certificate => certificate.Thumbprint));
            return sent.Count > 0;
        };
        var file = Write("own.pem", Chain.Server.ExportCertificatePem() + "\n" + Chain.Between.ExportCertificatePem());

        await ConnectAsync(Trusting with { CertificateFile = file, KeyFile = Write("own.key", Chain.Server.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem()) });

        sent.Should().Contain(Chain.Between.Thumbprint);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)] // the server says no only after the client's handshake
    public async Task A_server_that_does_not_get_the_certificate_that_it_wants_is_told_as_a_failed_connection(SslProtocols version)
    {
        Server.ClientCertificateRequired = true;
        Server.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null;
        Server.EnabledSslProtocols = version;

        await FailureAsync(Trusting);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_callback_has_the_last_word_and_knows_what_is_wrong(bool verdict)
    {
        SslPolicyErrors? known = null;
        var tls = new MqttClientTls
        {
            ValidateCertificate = (_, _, _, errors) =>
            {
                known = errors;
                return verdict;
            },
        };
        if (verdict)
            await ConnectAsync(tls);
        else
            await FailureAsync(tls);

        known.Should().Be(SslPolicyErrors.RemoteCertificateChainErrors);
    }

    [Fact]
    public async Task Whoever_wants_to_accepts_any_certificate()
    {
        await ConnectAsync(new() { TargetHost = "elsewhere", DangerousAcceptAnyCertificate = true });
    }

    [Fact]
    public async Task A_renewed_file_is_used_for_the_next_connection()
    {
        AskForCertificate();
        var file = Write("own.pfx", Own.Export(X509ContentType.Pfx));
        await using var client = Client(Trusting with { CertificateFile = file });
        (await ConnectWithAsync(client)).Certificate.Should().Equal(Own.RawData);

        var renewed = TestCertificate.SelfSigned();
        File.WriteAllBytes(file, renewed.Export(X509ContentType.Pfx));
        (await ConnectWithAsync(client)).Certificate.Should().Equal(renewed.RawData);

        File.Delete(file);
        await FluentActions.Awaiting(() => client.ConnectAsync().Soon()).Should().ThrowAsync<MqttConnectionException>().WithMessage($"*{file}*");
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n")]
    [InlineData("\x20\x02\x00\x00")] // a CONNACK
    [InlineData("\x16\x03\x03\xFF\xFF\x02")]
    [InlineData("\x15\x03\x03\x00\x02\x02\x28")] // an alert: handshake failure
    [InlineData("")]
    public async Task A_server_that_does_not_shake_hands_is_a_failed_connection(string answer)
    {
        await using var client = Client(Trusting);
        var connecting = client.ConnectAsync().AsTask();
        await using var stream = await listener.AcceptAsync();
        await stream.ReadExactlyAsync(new byte[1]);
        await stream.WriteAsync(System.Text.Encoding.Latin1.GetBytes(answer));
        stream.Socket.Shutdown(SocketShutdown.Send);

        await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttConnectionException>().WithMessage("*The TLS handshake failed: *");
    }

    [Fact]
    public async Task A_server_that_is_silent_in_the_handshake_is_left_when_the_time_is_over()
    {
        var time = new VirtualTime();
        await using var client = new MqttClient(new MqttClientOptions { Server = new Uri($"mqtts://localhost:{listener.Port}"), TimeProvider = time });
        var connecting = client.ConnectAsync().AsTask();
        await using var stream = await listener.AcceptAsync();
        await stream.ReadExactlyAsync(new byte[1]);
        time.Advance(TimeSpan.FromSeconds(30));

        await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttConnectionException>().WithMessage("*did not answer within*");
        await ToEndAsync(stream);
    }

    [Theory]
    [InlineData("Tls.Certificate", "two certificates")]
    [InlineData("Tls.Certificate", "no key")]
    [InlineData("Tls.CertificateFile", "a key alone")]
    [InlineData("Tls.DangerousAcceptAnyCertificate", "any and an authority")]
    [InlineData("Tls.ApplicationProtocols", "an empty protocol")]
    [InlineData("Tls", "no file")]
    [InlineData("Tls", "no certificate in the file")]
    [InlineData("Tls", "no authority in the file")]
    public void An_option_that_cannot_be_used_is_named(string name, string what)
    {
        var tls = what switch
        {
            "two certificates" => new MqttClientTls { Certificate = Own, SelectCertificate = (_, _, _, _, _) => Own },
            "no key" => new() { Certificate = X509CertificateLoader.LoadCertificate(Own.RawData) },
            "a key alone" => new() { KeyFile = "own.key" },
            "any and an authority" => new() { DangerousAcceptAnyCertificate = true, TrustedCertificates = [Own] },
            "an empty protocol" => new() { ApplicationProtocols = ["mqtt", ""] },
            "no file" => new() { CertificateFile = Path.Combine(folder.FullName, "missing.pem") },
            "no certificate in the file" => new() { CertificateFile = Write("own.pem", "nothing") },
            _ => new() { TrustedFile = Write("ca.pem", "nothing") },
        };

        FluentActions.Invoking(() => Client(tls)).Should().Throw<ArgumentException>().Which.ParamName.Should().Be(name);
    }

    [Fact]
    public void The_password_is_not_shown()
    {
        new MqttClientOptions { Tls = new() { CertificateFile = "own.pem", Password = "secret" } }.ToString().Should().Contain("own.pem").And.NotContain("secret");
    }

    private static MqttClientTls Trusting => new() { TrustedCertificates = [Chain.Root] };

    private MqttClient Client(MqttClientTls tls, string scheme = "mqtts") => new(new MqttClientOptions { Server = new Uri($"{scheme}://localhost:{listener.Port}"), Tls = tls });

    private void AskForCertificate()
    {
        Server.ClientCertificateRequired = true;
        Server.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null;
    }

    private async Task<SslStream> AcceptAsync()
    {
        var tls = new SslStream(await listener.AcceptAsync());
        await tls.AuthenticateAsServerAsync(Server).Soon();
        return tls;
    }

    /// <summary>A client connects and leaves; what the server has seen of it.</summary>
    private async Task<(byte[]? Certificate, SslApplicationProtocol Protocol)> ConnectAsync(MqttClientTls tls)
    {
        await using var client = Client(tls);
        return await ConnectWithAsync(client);
    }

    private async Task<(byte[]? Certificate, SslApplicationProtocol Protocol)> ConnectWithAsync(MqttClient client)
    {
        var connecting = client.ConnectAsync();
        var tls = await AcceptAsync();
        var seen = (tls.RemoteCertificate?.GetRawCertData(), tls.NegotiatedApplicationProtocol);
        var server = Listener.Serve(tls);
        await server.AcceptAsync();
        await connecting.Soon();
        var leaving = client.DisconnectAsync();
        await server.ExpectAsync<DisconnectPacket>();
        await server.DisposeAsync();
        await leaving.Soon();
        return seen;
    }

    /// <summary>A client fails to connect; the reason.</summary>
    private async Task<string> FailureAsync(MqttClientTls tls)
    {
        await using var client = Client(tls);
        var connecting = client.ConnectAsync().AsTask();
        await using var stream = await listener.AcceptAsync();
        await using var server = new SslStream(stream);
        var shaking = ((Task)server.AuthenticateAsServerAsync(Server)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        var failed = await FluentActions.Awaiting(async () =>
        {
            await shaking;
            await server.DisposeAsync();
            await connecting.Soon();
        }).Should().ThrowAsync<MqttConnectionException>();
        return failed.Which.Message;
    }

    // A reset is an end as well.
    private static async Task ToEndAsync(Stream stream)
    {
        try
        {
            var buffer = new byte[4096];
            while (await stream.ReadAsync(buffer).Soon() > 0)
            {
                // What the client said before.
            }
        }
        catch (IOException)
        {
            // Gone.
        }
    }

    private string Write(string name, string content) => Write(name, System.Text.Encoding.ASCII.GetBytes(content));

    private string Write(string name, byte[] content)
    {
        var path = Path.Combine(folder.FullName, name);
        File.WriteAllBytes(path, content);
        return path;
    }
}
