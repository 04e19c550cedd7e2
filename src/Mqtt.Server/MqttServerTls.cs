using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mqtt.Server;

/// <summary>The certificate with which a server shows who it is on <c>mqtts://</c> and <c>wss://</c> addresses.</summary>
public sealed record MqttServerTls
{
    /// <summary>A file with the certificate, and those between it and the root: PEM, or PFX with the key. Default: none; give this or <see cref="Certificate"/>.</summary>
    public string? CertificateFile { get; init; }

    /// <summary>A PEM file with the private key. Default: the key is in <see cref="CertificateFile"/>.</summary>
    public string? KeyFile { get; init; }

    /// <summary>The password of the PFX file or of the encrypted key. Default: none.</summary>
    public string? Password { get; init; }

    /// <summary>A certificate with its private key, instead of a file. Default: none.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>Reads the certificate.</summary>
    /// <exception cref="ArgumentException">There is none, or it cannot be read; the message names the file.</exception>
    internal SslServerAuthenticationOptions Load()
    {
        if (Certificate is null && CertificateFile is null)
            throw new ArgumentException("An mqtts:// or wss:// address needs a certificate: Tls.Certificate or Tls.CertificateFile.");
        var certificates = new X509Certificate2Collection();
        var own = Certificate ?? Read(CertificateFile!, certificates);
        if (!own.HasPrivateKey)
            throw new ArgumentException($"{CertificateFile ?? "Tls.Certificate"} has no private key.");
        return new SslServerAuthenticationOptions { ServerCertificateContext = SslStreamCertificateContext.Create(own, certificates, offline: true) };
    }

    private X509Certificate2 Read(string file, X509Certificate2Collection others)
    {
        try
        {
            if (X509Certificate2.GetCertContentType(file) == X509ContentType.Pfx)
                return ReadPfx(file, others);
            others.ImportFromPemFile(file);
            return Password is null
                ? X509Certificate2.CreateFromPemFile(file, KeyFile)
                : X509Certificate2.CreateFromEncryptedPemFile(file, Password, KeyFile);
        }
        catch (Exception unreadable) when (unreadable is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            var names = KeyFile is null ? file : $"{file} with the key {KeyFile}";
            throw new ArgumentException($"The certificate {names} cannot be read: {unreadable.Message}", unreadable);
        }
    }

    private X509Certificate2 ReadPfx(string file, X509Certificate2Collection others)
    {
        others.AddRange(X509CertificateLoader.LoadPkcs12CollectionFromFile(file, Password));
        return others.FirstOrDefault(certificate => certificate.HasPrivateKey) ?? throw new CryptographicException("It has no private key.");
    }
}
