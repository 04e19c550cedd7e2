using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mqtt.Tests;

/// <summary>Certificates for <c>localhost</c> and <c>127.0.0.1</c>, made on the spot.</summary>
public static class TestCertificate
{
    // One look at the clock: what is signed must not outlive its issuer, not even by the second in between.
    private static readonly DateTimeOffset From = DateTimeOffset.UtcNow.AddDays(-1);
    private static readonly DateTimeOffset Until = From.AddDays(3);

    /// <summary>A certificate with its key that stands for itself.</summary>
    public static X509Certificate2 ForLocalhost { get; } = SelfSigned();

    /// <summary>Makes one that stands for itself.</summary>
    public static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Request("localhost", key, isAuthority: false).CreateSelfSigned(From, Until);
    }

    /// <summary>A root, what it signed, and what that signed: the first certificate is the root, the last the server's; all with their keys.</summary>
    public static (X509Certificate2 Root, X509Certificate2 Between, X509Certificate2 Server) Chain()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var root = Request("test root", key, isAuthority: true).CreateSelfSigned(From, Until);
        var between = SignedBy(root, "test authority", isAuthority: true);
        return (root, between, SignedBy(between, "localhost", isAuthority: false));
    }

    /// <summary>Trusts one certificate, and no other.</summary>
    public static RemoteCertificateValidationCallback Trust(X509Certificate2 certificate) =>
        (_, shown, _, _) => shown!.GetRawCertData().AsSpan().SequenceEqual(certificate.RawDataMemory.Span);

    private static X509Certificate2 SignedBy(X509Certificate2 issuer, string name, bool isAuthority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = Request(name, key, isAuthority).Create(issuer, From, Until, RandomNumberGenerator.GetBytes(8));
        return certificate.CopyWithPrivateKey(key);
    }

    private static CertificateRequest Request(string name, ECDsa key, bool isAuthority)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        if (isAuthority)
            return request;
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(System.Net.IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        return request;
    }
}
