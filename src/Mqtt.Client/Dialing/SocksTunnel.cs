using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Mqtt.Client;

/// <summary>Asks a SOCKS5 proxy for a tunnel (RFC 1928), with user name and password if there are any (RFC 1929). The proxy resolves the name.</summary>
internal static class SocksTunnel
{
    private const byte Version = 5;
    private const byte NoAuthentication = 0;
    private const byte UserNameAndPassword = 2;
    private const byte NoneAcceptable = 0xFF;
    private const byte Connect = 1;
    private const byte IPv4 = 1;
    private const byte Name = 3;
    private const byte IPv6 = 4;

    /// <summary>Opens the tunnel; the stream then leads to the target.</summary>
    /// <exception cref="IOException">The proxy refused, or is none.</exception>
    public static async Task OpenAsync(Stream proxy, DnsEndPoint target, NetworkCredential? credentials, CancellationToken cancellationToken)
    {
        byte[] greeting = credentials is null ? [Version, 1, NoAuthentication] : [Version, 2, NoAuthentication, UserNameAndPassword];
        await proxy.WriteAsync(greeting, cancellationToken).ConfigureAwait(false);
        var method = await ReadAsync(proxy, 2, cancellationToken).ConfigureAwait(false);
        RequireVersion(method[0]);
        if (method[1] == UserNameAndPassword && credentials is not null)
            await AuthenticateAsync(proxy, credentials, cancellationToken).ConfigureAwait(false);
        else if (method[1] == NoneAcceptable)
            throw new IOException(credentials is null ? "The proxy asks for a user name and password." : "The proxy accepts no user name and password.");
        else if (method[1] != NoAuthentication)
            throw new IOException("The proxy chose what was not offered.");

        await proxy.WriteAsync(Request(target), cancellationToken).ConfigureAwait(false);
        await ReadAnswerAsync(proxy, cancellationToken).ConfigureAwait(false);
    }

    // Version of this negotiation, length and user name, length and password; the answer is a version and a status.
    private static async ValueTask AuthenticateAsync(Stream proxy, NetworkCredential credentials, CancellationToken cancellationToken)
    {
        byte[] request = [1, .. Text(credentials.UserName, "user name"), .. Text(credentials.Password, "password")];
        await proxy.WriteAsync(request, cancellationToken).ConfigureAwait(false);
        var answer = await ReadAsync(proxy, 2, cancellationToken).ConfigureAwait(false);
        if (answer[1] != 0)
            throw new IOException("The proxy refused the user name and password.");
    }

    // Version, command, reserved, address type, address, port.
    private static byte[] Request(DnsEndPoint target)
    {
        byte[] address = !IPAddress.TryParse(target.Host, out var literal) ? [Name, .. Text(target.Host, "host")]
            : [literal.AddressFamily == AddressFamily.InterNetwork ? IPv4 : IPv6, .. literal.GetAddressBytes()];
        return [Version, Connect, 0, .. address, (byte)(target.Port >> 8), (byte)target.Port];
    }

    // Version, reply, reserved, address type, address, port: where the proxy has connected from, which is of no interest.
    private static async ValueTask ReadAnswerAsync(Stream proxy, CancellationToken cancellationToken)
    {
        var answer = await ReadAsync(proxy, 2, cancellationToken).ConfigureAwait(false);
        RequireVersion(answer[0]);
        if (answer[1] != 0)
            throw new IOException($"The proxy refused: {ReasonOf(answer[1])}.");
        var head = await ReadAsync(proxy, 3, cancellationToken).ConfigureAwait(false);
        var rest = head[1] switch
        {
            IPv4 => 3 + 2,
            IPv6 => 15 + 2,
            Name => head[2] + 2,
            _ => throw new IOException("The proxy's answer is not well formed."),
        };
        await ReadAsync(proxy, rest, cancellationToken).ConfigureAwait(false);
    }

    private static byte[] Text(string text, string what)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return bytes.Length <= byte.MaxValue ? [(byte)bytes.Length, .. bytes] : throw new IOException($"The {what} is longer than SOCKS allows.");
    }

    private static async ValueTask<byte[]> ReadAsync(Stream proxy, int count, CancellationToken cancellationToken)
    {
        var bytes = new byte[count];
        if (await proxy.ReadAtLeastAsync(bytes, count, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false) < count)
            throw new IOException("The proxy closed the connection.");
        return bytes;
    }

    private static void RequireVersion(byte version)
    {
        if (version != Version)
            throw new IOException("The proxy does not speak SOCKS5.");
    }

    private static string ReasonOf(byte reply) => reply switch
    {
        1 => "general failure",
        2 => "not allowed by its rules",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "time to live expired",
        7 => "command not supported",
        8 => "address type not supported",
        _ => $"code {reply}",
    };
}
