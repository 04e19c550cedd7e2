using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using Mqtt.Client;
using Mqtt.Tool.CommandLine;

namespace Mqtt.Tool.Clients;

/// <summary>How <c>mqtt pub</c> and <c>mqtt sub</c> get to the server. Names and meanings are those of mosquitto's programs where these have them.</summary>
internal sealed class TransportSettings
{
    // mosquitto's programs speak TLS to this port even if no flag asks for it.
    private const int TlsPort = 8883;

    private string host = "localhost";
    private int? port;
    private string? socketFile;
    private bool isTls;
    private bool isWebSocket;
    private string webSocketPath = "";
    private bool acceptsOtherNames;
    private MqttClientTls tls = new();
    private WebProxy? proxy;

    public void AddTo(FlagSet flags)
    {
        flags.Add("host", 'h', "HOST", "server (localhost)", value => host = value);
        flags.Add("port", 'p', "PORT", $"port of the server (1883, or {TlsPort} over TLS)", value => port = Values.Number(value, 1, ushort.MaxValue));
        flags.Add("unix", "PATH", "socket file of the server, in place of host and port", value => socketFile = value);
        flags.Add("ws", "use a WebSocket (port 80, or 443 over TLS)", () => isWebSocket = true);
        flags.Add("ws-path", "PATH", "path of the WebSocket (/mqtt)", value => webSocketPath = value);
        flags.Add("proxy", "URL", "proxy: socks5h://[user[:password]@]host[:port] or http://...", value => proxy = Proxy(value));
        flags.Add("cafile", "FILE", "use TLS and trust the authorities in this PEM file alone", value => UseTls(tls with { TrustedFile = value }));
        flags.Add("tls-use-os-certs", "use TLS and trust the authorities of the system", () => UseTls(tls));
        flags.Add("cert", "FILE", "use TLS with this client certificate: PEM, or PFX with the key", value => UseTls(tls with { CertificateFile = value }));
        flags.Add("key", "FILE", "the private key of --cert, PEM (in the same file)", value => UseTls(tls with { KeyFile = value }));
        flags.Add("insecure", "use TLS and do not check the name in the server's certificate", () => UseTls(tls, othersNames: true));
        flags.Add("tls-alpn", "PROTOCOL", "use TLS and offer this application protocol", value => UseTls(tls with { ApplicationProtocols = [value] }));
        flags.Add("tls-version", "VERSION", "use TLS of this version: tlsv1.2 or tlsv1.3", value => UseTls(tls with { EnabledProtocols = Version(value) }));
    }

    /// <summary>Takes scheme, host and port of a URL.</summary>
    /// <exception cref="FormatException">It is not the URL of a server.</exception>
    public void Read(Uri url)
    {
        if (url.Scheme is not ("mqtt" or "mqtts" or "ws" or "wss") || url.Host.Length == 0)
            throw new FormatException("mqtt://host:port/topic is expected, or mqtts, ws or wss");
        host = url.DnsSafeHost;
        port = url.IsDefaultPort || url.Port <= 0 ? null : url.Port;
        isTls |= url.Scheme is "mqtts" or "wss";
        isWebSocket |= url.Scheme is "ws" or "wss";
    }

    /// <summary>Adds what the flags say to a client's options.</summary>
    /// <exception cref="UsageException">The flags do not go together.</exception>
    public MqttClientOptions AddTo(MqttClientOptions options) => options with
    {
        Server = Server(),
        Proxy = proxy,
        Tls = acceptsOtherNames ? tls with { ValidateCertificate = IsTrustedUnderAnyName } : tls,
    };

    private static bool IsTrustedUnderAnyName(object sender, object? certificate, object? chain, SslPolicyErrors errors) =>
        (errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) == SslPolicyErrors.None;

    private static SslProtocols Version(string text) => text switch
    {
        "tlsv1.2" => SslProtocols.Tls12,
        "tlsv1.3" => SslProtocols.Tls13,
        _ => throw new FormatException("tlsv1.2 or tlsv1.3 is expected"),
    };

    private static WebProxy Proxy(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Host.Length > 0 ? new WebProxy(url) : throw new FormatException("socks5h://host:port or http://host:port is expected");

    private void UseTls(MqttClientTls changed, bool othersNames = false)
    {
        isTls = true;
        tls = changed;
        acceptsOtherNames |= othersNames;
    }

    private Uri Server()
    {
        if (socketFile is not null)
            return isTls || isWebSocket || proxy is not null
                ? throw new UsageException("--unix goes together with no other way to the server")
                : new Uri($"unix://{string.Join('/', Path.GetFullPath(socketFile).Split(Path.DirectorySeparatorChar).Select(Uri.EscapeDataString))}");
        if (webSocketPath.Length > 0 && !isWebSocket)
            throw new UsageException("--ws-path needs --ws");
        try
        {
            var scheme = (isWebSocket, isTls || port == TlsPort) switch
            {
                (false, false) => "mqtt",
                (false, true) => "mqtts",
                (true, false) => "ws",
                (true, true) => "wss",
            };
            return new UriBuilder(scheme, host, port ?? -1, webSocketPath).Uri;
        }
        catch (UriFormatException)
        {
            throw new UsageException($"'{host}' is no host");
        }
    }
}
