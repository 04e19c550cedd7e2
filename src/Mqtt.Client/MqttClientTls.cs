using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Mqtt.Client;

/// <summary>
/// TLS, as a client of <c>mqtts://</c> and <c>wss://</c> addresses wants it. The defaults are those of <c>HttpClient</c>: the system's
/// authorities, the host of the address, no certificate of one's own. Files are read anew for each connection, so that a certificate that was
/// renewed is used from the next one on.
/// </summary>
public sealed record MqttClientTls
{
    /// <summary>
    /// A file with the client's certificate, and those between it and the root: PEM, or PFX with the key. Default: none. One of this,
    /// <see cref="Certificate"/> and <see cref="SelectCertificate"/> at most.
    /// </summary>
    public string? CertificateFile { get; init; }

    /// <summary>A PEM file with the private key. Default: the key is in <see cref="CertificateFile"/>.</summary>
    public string? KeyFile { get; init; }

    /// <summary>The password of the PFX file or of the encrypted key. Default: none.</summary>
    public string? Password { get; init; }

    /// <summary>The client's certificate with its private key, instead of a file. Default: none.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>Selects the client's certificate when the server asks for one. Default: none.</summary>
    public LocalCertificateSelectionCallback? SelectCertificate { get; init; }

    /// <summary>A PEM file with the only authorities to trust, such as a private one. Default: none, and the system's authorities are trusted.</summary>
    public string? TrustedFile { get; init; }

    /// <summary>
    /// The only authorities to trust, together with those of <see cref="TrustedFile"/>; a server's own certificate if it stands for itself. Default:
    /// none, and the system's authorities are trusted.
    /// </summary>
    public X509Certificate2Collection? TrustedCertificates { get; init; }

    /// <summary>The name that the server's certificate must bear, and that is told to it (SNI). Default: the host of the address.</summary>
    public string? TargetHost { get; init; }

    /// <summary>
    /// What to offer as application protocols (ALPN), in the order of preference, such as <c>mqtt</c> where a port serves several; not for
    /// <c>wss://</c>, whose application is HTTP. Default: none.
    /// </summary>
    public IReadOnlyList<string> ApplicationProtocols { get; init; } = [];

    /// <summary>The versions of TLS. Default: <see cref="SslProtocols.None"/>, which leaves them to the system.</summary>
    public SslProtocols EnabledProtocols { get; init; }

    /// <summary>Whether it is asked if the server's certificate was revoked. Default: no, as with <c>HttpClient</c>.</summary>
    public X509RevocationMode RevocationMode { get; init; } = X509RevocationMode.NoCheck;

    /// <summary>Has the last word about the server's certificate; it is told what is wrong with it. Default: nothing may be wrong.</summary>
    public RemoteCertificateValidationCallback? ValidateCertificate { get; init; }

    /// <summary>
    /// Accepts whatever certificate the server shows: anybody on the way can read and change everything. For a try on one's own desk; name a
    /// private authority by <see cref="TrustedFile"/> instead. Default: false.
    /// </summary>
    public bool DangerousAcceptAnyCertificate { get; init; }

    /// <summary>Shows the files and names, no secret.</summary>
    public override string ToString() =>
        $"{nameof(MqttClientTls)} {{ {nameof(CertificateFile)} = {CertificateFile}, {nameof(TrustedFile)} = {TrustedFile}, {nameof(TargetHost)} = {TargetHost} }}";
}
