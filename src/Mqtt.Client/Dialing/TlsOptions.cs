using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Mqtt.Client;

/// <summary>Makes of <see cref="MqttClientTls"/> what the base class library wants, and reads the files for it.</summary>
internal static class TlsOptions
{
    /// <summary>Reads the files, and makes the options for one connection.</summary>
    /// <param name="tls">What the user wants.</param>
    /// <param name="host">The host of the address.</param>
    /// <exception cref="IOException">A file cannot be read; the message names it.</exception>
    public static SslClientAuthenticationOptions Load(MqttClientTls tls, string host) => new()
    {
        TargetHost = tls.TargetHost ?? host,
        EnabledSslProtocols = tls.EnabledProtocols,
        ApplicationProtocols = tls.ApplicationProtocols.Count == 0 ? null : [.. tls.ApplicationProtocols.Select(name => new SslApplicationProtocol(name))],
        CertificateRevocationCheckMode = tls.RevocationMode,
        CertificateChainPolicy = PolicyOf(tls),
#pragma warning disable CA5359 // It is what the option with the warning name asks for.
        RemoteCertificateValidationCallback = tls.DangerousAcceptAnyCertificate ? static (_, _, _, _) => true : tls.ValidateCertificate,
#pragma warning restore CA5359
        LocalCertificateSelectionCallback = tls.SelectCertificate,
        ClientCertificateContext = OwnCertificateOf(tls),
    };

    /// <summary>Checks what the user wants, and that the files can be read.</summary>
    /// <param name="tls">What the user wants.</param>
    /// <param name="require">Is told what must hold, the name of the option, and the reason.</param>
    public static void Check(MqttClientTls tls, Action<bool, string, string> require)
    {
        object?[] own = [tls.CertificateFile, tls.Certificate, tls.SelectCertificate];
        require(own.Count(one => one is not null) <= 1, "Tls.Certificate", "there can be one of CertificateFile, Certificate and SelectCertificate");
        require(tls.CertificateFile is not null || (tls.KeyFile is null && tls.Password is null), "Tls.CertificateFile", "it is missing, though there is a KeyFile or Password");
        require(tls.Certificate is not { HasPrivateKey: false }, "Tls.Certificate", "it has no private key");
        require(!tls.DangerousAcceptAnyCertificate || (tls.ValidateCertificate ?? (object?)tls.TrustedFile ?? tls.TrustedCertificates) is null,
            "Tls.DangerousAcceptAnyCertificate", "it leaves nothing to TrustedFile, TrustedCertificates and ValidateCertificate");
        require(tls.ApplicationProtocols is not null && tls.ApplicationProtocols.All(name => Encoding.UTF8.GetByteCount(name) is >= 1 and <= byte.MaxValue),
            "Tls.ApplicationProtocols", "a name has 1 to 255 bytes");
        try
        {
            Load(tls, "");
        }
        catch (IOException unreadable)
        {
            require(false, "Tls", unreadable.Message);
        }
    }

    // With a policy the reasons of a refusal stay known, which a callback in its place would have to tell itself.
    private static X509ChainPolicy? PolicyOf(MqttClientTls tls)
    {
        if (tls.TrustedFile is null && tls.TrustedCertificates is null)
            return null;
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = tls.RevocationMode };
        if (tls.TrustedFile is { } file)
            policy.CustomTrustStore.AddRange(Read(file, null, () => ReadTrusted(file)));
        if (tls.TrustedCertificates is { } trusted)
            policy.CustomTrustStore.AddRange(trusted);
        return policy;
    }

    private static SslStreamCertificateContext? OwnCertificateOf(MqttClientTls tls)
    {
        var between = new X509Certificate2Collection();
        var own = tls.CertificateFile is { } file ? Read(file, tls.KeyFile, () => ReadOwn(file, tls, between)) : tls.Certificate;
        return own is null ? null : SslStreamCertificateContext.Create(own, between, offline: true);
    }

    private static X509Certificate2Collection ReadTrusted(string file)
    {
        var trusted = new X509Certificate2Collection();
        trusted.ImportFromPemFile(file);
        return trusted.Count > 0 ? trusted : throw new CryptographicException("there is no PEM certificate in it");
    }

    private static X509Certificate2 ReadOwn(string file, MqttClientTls tls, X509Certificate2Collection between)
    {
        if (X509Certificate2.GetCertContentType(file) == X509ContentType.Pfx)
        {
            between.AddRange(X509CertificateLoader.LoadPkcs12CollectionFromFile(file, tls.Password));
            return between.FirstOrDefault(certificate => certificate.HasPrivateKey) ?? throw new CryptographicException("it has no private key");
        }

        between.ImportFromPemFile(file);
        var own = tls.Password is null
            ? X509Certificate2.CreateFromPemFile(file, tls.KeyFile)
            : X509Certificate2.CreateFromEncryptedPemFile(file, tls.Password, tls.KeyFile);
        // Windows does TLS in another process, which does not see a key that lives in this one's memory alone.
        return OperatingSystem.IsWindows() ? X509CertificateLoader.LoadPkcs12(own.Export(X509ContentType.Pfx), null) : own;
    }

    private static T Read<T>(string file, string? keyFile, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception unreadable) when (unreadable is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new IOException($"the certificate {file}{(keyFile is null ? "" : $" with the key {keyFile}")} cannot be read: {unreadable.Message}", unreadable);
        }
    }
}
