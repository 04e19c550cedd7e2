using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Mqtt.Client;

/// <summary>Puts TLS on a stream.</summary>
internal static class TlsDialer
{
    /// <summary>Shakes hands. The new stream owns the one below.</summary>
    /// <exception cref="IOException">The server is not trusted, does not trust, or does not speak TLS; the message says which.</exception>
    public static async Task<SslStream> ShakeHandsAsync(Stream below, string host, MqttClientTls tls, CancellationToken cancellationToken)
    {
        var options = TlsOptions.Load(tls, host);
        var stream = new SslStream(below, leaveInnerStreamOpen: false);
        try
        {
            await stream.AuthenticateAsClientAsync(options, cancellationToken).ConfigureAwait(false);
            return stream;
        }
        catch (Exception failed) when (failed is AuthenticationException or IOException)
        {
            throw new IOException($"The TLS handshake failed: {ReasonOf(failed)}", failed);
        }
    }

    /// <summary>
    /// Says goodbye in TLS, then below it. Never throws. A peer that takes nothing keeps it waiting, until the connection is aborted.
    /// </summary>
    public static async Task CompleteWritingAsync(SslStream stream, Socket? socket)
    {
        try
        {
            await stream.ShutdownAsync().ConfigureAwait(false);
            socket?.Shutdown(SocketShutdown.Send);
        }
        catch (Exception gone) when (gone is IOException or SocketException or InvalidOperationException)
        {
            // Whoever reads finds out as well.
        }
    }

    // What OpenSSL says stands innermost.
    private static string ReasonOf(Exception failed) => failed.InnerException is null ? failed.Message : $"{failed.Message} ({failed.GetBaseException().Message})";
}
