using System.Net;
using System.Text;

namespace Mqtt.Client;

/// <summary>Asks an HTTP proxy for a tunnel: CONNECT (RFC 9110, section 9.3.6).</summary>
internal static class HttpTunnel
{
    private const int AnswerBytes = 8 * 1024;

    /// <summary>Opens the tunnel; the stream then leads to the target.</summary>
    /// <exception cref="IOException">The proxy refused, or is none.</exception>
    public static async Task OpenAsync(Stream proxy, DnsEndPoint target, NetworkCredential? credentials, CancellationToken cancellationToken)
    {
        await proxy.WriteAsync(Encoding.ASCII.GetBytes(Request(target, credentials)), cancellationToken).ConfigureAwait(false);
        var statusLine = await ReadAnswerAsync(proxy, cancellationToken).ConfigureAwait(false);
        if (!statusLine.StartsWith("HTTP/1.", StringComparison.Ordinal) || statusLine.Length < 12 || statusLine[8] != ' ')
            throw new IOException("The proxy does not speak HTTP/1.1.");
        if (statusLine[9] != '2')
            throw new IOException($"The proxy refused: {statusLine[9..]}.");
    }

    private static string Request(DnsEndPoint target, NetworkCredential? credentials)
    {
        var authority = target.Host.Contains(':', StringComparison.Ordinal) ? $"[{target.Host}]:{target.Port}" : $"{target.Host}:{target.Port}";
        var authorization = credentials is null
            ? ""
            : $"Proxy-Authorization: Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{credentials.UserName}:{credentials.Password}"))}\r\n";
        return $"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{authorization}\r\n";
    }

    /// <summary>Reads to the empty line, and returns the status line. The target says nothing before it is spoken to: what follows is a mistake.</summary>
    private static async ValueTask<string> ReadAnswerAsync(Stream proxy, CancellationToken cancellationToken)
    {
        var answer = new byte[AnswerBytes];
        var count = 0;
        while (true)
        {
            if (count == answer.Length)
                throw new IOException($"The proxy's answer is longer than {AnswerBytes} bytes.");
            var more = await proxy.ReadAsync(answer.AsMemory(count), cancellationToken).ConfigureAwait(false);
            if (more == 0)
                throw new IOException("The proxy closed the connection.");
            count += more;
            var end = answer.AsSpan(0, count).IndexOf("\r\n\r\n"u8);
            if (end < 0)
                continue;
            if (end + 4 < count && answer[9] == '2')
                throw new IOException("The proxy says more than its answer.");
            return TextOf(answer.AsSpan(0, answer.AsSpan(0, count).IndexOf("\r\n"u8)));
        }
    }

    // It is shown to people: nothing that moves a cursor.
    private static string TextOf(ReadOnlySpan<byte> line) => string.Create(Math.Min(line.Length, 100), line, static (text, bytes) =>
    {
        for (var i = 0; i < text.Length; i++)
            text[i] = bytes[i] is >= 0x20 and < 0x7F ? (char)bytes[i] : '?';
    });
}
