using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mqtt.Server.Tests;

/// <summary>How a server gets its certificate, and what it says if it cannot.</summary>
public sealed class CertificateTests : IDisposable
{
    private const string Password = "secret";

    private static readonly (X509Certificate2 Root, X509Certificate2 Between, X509Certificate2 Server) Chain = TestCertificate.Chain();
    private static readonly string Certificates = Chain.Server.ExportCertificatePem() + "\n" + Chain.Between.ExportCertificatePem() + "\n";
    private static readonly string Key = Chain.Server.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem();
    private static readonly string EncryptedKey = Chain.Server.GetECDsaPrivateKey()!
        .ExportEncryptedPkcs8PrivateKeyPem(Password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000));

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mqtt-tls-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public Task Certificate_and_key_in_two_files() => MustServe(new MqttServerTls { CertificateFile = Write("server.pem", Certificates), KeyFile = Write("server.key", Key) });

    [Fact]
    public Task Certificate_and_key_in_one_file() => MustServe(new MqttServerTls { CertificateFile = Write("server.pem", Certificates + Key) });

    [Fact]
    public Task The_key_may_come_first() => MustServe(new MqttServerTls { CertificateFile = Write("server.pem", Key + "\n" + Certificates) });

    [Fact]
    public Task An_encrypted_key_in_a_file_of_its_own() =>
        MustServe(new MqttServerTls { CertificateFile = Write("server.pem", Certificates), KeyFile = Write("server.key", EncryptedKey), Password = Password });

    [Fact]
    public Task An_encrypted_key_in_the_same_file() => MustServe(new MqttServerTls { CertificateFile = Write("server.pem", Certificates + EncryptedKey), Password = Password });

    [Theory]
    [InlineData(null)]
    [InlineData(Password)]
    public Task A_pfx_file(string? password) => MustServe(new MqttServerTls { CertificateFile = Pfx(password, Chain.Server, WithoutKey(Chain.Between)), Password = password });

    [Fact]
    public Task In_a_pfx_file_the_servers_certificate_is_the_one_with_the_key() =>
        MustServe(new MqttServerTls { CertificateFile = Pfx(null, WithoutKey(Chain.Between), Chain.Server) });

    [Fact]
    public async Task A_certificate_that_the_program_has_loaded()
    {
        var own = TestCertificate.SelfSigned();
        await MustServe(new MqttServerTls { Certificate = own }, root: own);
    }

    [Fact]
    public void Without_a_certificate_there_is_no_server() => Refusal(new MqttServerTls()).Should().Contain("Tls.Certificate");

    [Fact]
    public void Without_options_there_is_no_server() =>
        FluentActions.Invoking(() => new MqttServer("mqtts://127.0.0.1:0")).Should().Throw<ArgumentException>().WithMessage("*mqtts*certificate*");

    [Fact]
    public void A_missing_file_is_named() => Refusal(new MqttServerTls { CertificateFile = Name("missing.pem") }).Should().Contain("missing.pem");

    [Fact]
    public void A_missing_key_file_is_named() =>
        Refusal(new MqttServerTls { CertificateFile = Write("server.pem", Certificates), KeyFile = Name("missing.key") }).Should().Contain("missing.key");

    [Theory]
    [InlineData("")]
    [InlineData("not a certificate")]
    [InlineData("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")]
    public void A_file_that_is_no_certificate_is_named(string content) =>
        Refusal(new MqttServerTls { CertificateFile = Write("garbage.pem", content) }).Should().Contain("garbage.pem");

    [Fact]
    public void A_file_of_random_bytes_is_named()
    {
        File.WriteAllBytes(Name("garbage.pfx"), RandomNumberGenerator.GetBytes(1000));
        Refusal(new MqttServerTls { CertificateFile = Name("garbage.pfx") }).Should().Contain("garbage.pfx");
    }

    [Fact]
    public void A_folder_is_named() => Refusal(new MqttServerTls { CertificateFile = folder.FullName }).Should().Contain(folder.FullName);

    [Fact]
    public void A_key_file_that_is_no_key_is_named() =>
        Refusal(new MqttServerTls { CertificateFile = Write("server.pem", Certificates), KeyFile = Write("garbage.key", "not a key") }).Should().Contain("garbage.key");

    [Fact]
    public void A_key_of_another_certificate_is_named()
    {
        using var other = ECDsa.Create();
        Refusal(new MqttServerTls { CertificateFile = Write("server.pem", Certificates), KeyFile = Write("other.key", other.ExportPkcs8PrivateKeyPem()) }).Should().Contain("other.key");
    }

    [Fact]
    public void A_certificate_without_its_key_is_named()
    {
        Refusal(new MqttServerTls { CertificateFile = Write("server.pem", Certificates) }).Should().Contain("server.pem");
        File.WriteAllBytes(Name("server.cer"), Chain.Server.RawData);
        Refusal(new MqttServerTls { CertificateFile = Name("server.cer") }).Should().Contain("server.cer");
        Refusal(new MqttServerTls { CertificateFile = Pfx(null, WithoutKey(Chain.Server)) }).Should().Contain("server.pfx").And.Contain("no private key");
        Refusal(new MqttServerTls { Certificate = WithoutKey(Chain.Server) }).Should().Contain("no private key");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("wrong")]
    public void A_file_that_the_password_does_not_open_is_named(string? password)
    {
        Refusal(new MqttServerTls { CertificateFile = Pfx(Password, Chain.Server), Password = password }).Should().Contain("server.pfx");
        Refusal(new MqttServerTls { CertificateFile = Write("server.pem", Certificates + EncryptedKey), Password = password }).Should().Contain("server.pem");
    }

    private static async Task MustServe(MqttServerTls tls, X509Certificate2? root = null)
    {
        await using var server = new MqttServer(new MqttDelegateHandler(Handlers.Basic), new MqttServerOptions { Addresses = ["mqtts://127.0.0.1:0"], Tls = tls });
        await server.StartAsync();

        await TlsClient.MustGreetAsync(server.Endpoints[0], root ?? Chain.Root);
    }

    private static string Refusal(MqttServerTls tls) =>
        FluentActions.Invoking(() => new MqttServer(new MqttServerOptions { Addresses = ["mqtts://127.0.0.1:0"], Tls = tls })).Should().Throw<ArgumentException>().Which.Message;

    private static X509Certificate2 WithoutKey(X509Certificate2 certificate) => X509CertificateLoader.LoadCertificate(certificate.RawData);

    private string Pfx(string? password, params X509Certificate2[] certificates)
    {
        File.WriteAllBytes(Name("server.pfx"), new X509Certificate2Collection(certificates).Export(X509ContentType.Pfx, password)!);
        return Name("server.pfx");
    }

    private string Write(string name, string content)
    {
        File.WriteAllText(Name(name), content);
        return Name(name);
    }

    private string Name(string name) => Path.Combine(folder.FullName, name);
}
