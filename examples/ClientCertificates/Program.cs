using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mqtt.Client;
using Mqtt.Protocol;
using Mqtt.Server;

// An authority of one's own vouches for both ends: the client shows who it is, and trusts nobody else's servers.
var authority = Issue("authority", issuer: null);
var (forServer, forMeter) = (Issue("localhost", authority), Issue("meter-7", authority));
using var listener = new TcpListener(IPAddress.Loopback, 0);
listener.Start();
await using var broker = new MqttBroker();
await using var server = new MqttServer(broker, "mqtt://127.0.0.1:0");
await server.StartAsync();

await ConnectAsync("meter-7", new MqttClientTls { TrustedCertificates = [authority], Certificate = forMeter }); // or CertificateFile and KeyFile
await ConnectAsync("a stranger", new MqttClientTls { TrustedCertificates = [authority] });
await ConnectAsync("a doubter", new MqttClientTls { Certificate = forMeter });

async Task ConnectAsync(string name, MqttClientTls tls)
{
    var serving = ServeAsync();
    await using var client = new MqttClient(new MqttClientOptions { Server = new Uri($"mqtts://localhost:{((IPEndPoint)listener.LocalEndpoint).Port}"), Tls = tls });
    try
    {
        await client.ConnectAsync();
        Console.WriteLine($"{name} is in");
    }
    catch (MqttConnectionException)
    {
        Console.WriteLine($"{name} stays outside");
    }
    await ((Task)serving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // the handshake may have failed
}

// A stream from anywhere can be served; this one asks for a certificate.
async Task ServeAsync()
{
    var tls = new SslStream(new NetworkStream(await listener.AcceptSocketAsync(), ownsSocket: true));
    var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { authority }, RevocationMode = X509RevocationMode.NoCheck };
    await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = forServer, ClientCertificateRequired = true, CertificateChainPolicy = trust });
    server.Serve(tls);
}

static X509Certificate2 Issue(string name, X509Certificate2? issuer)
{
    var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
    var names = new SubjectAlternativeNameBuilder();
    names.AddDnsName(name);
    request.CertificateExtensions.Add(names.Build());
    request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: issuer is null, false, 0, critical: true));
    return issuer is null
        ? request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1))
        : request.Create(issuer, issuer.NotBefore, issuer.NotAfter, RandomNumberGenerator.GetBytes(8)).CopyWithPrivateKey(key);
}
