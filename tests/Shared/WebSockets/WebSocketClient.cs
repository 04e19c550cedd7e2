using System.Net.WebSockets;
using System.Text;

namespace Mqtt.Tests;

/// <summary>The client's half of the handshake of RFC 6455, by hand, so that a test can get it wrong.</summary>
internal static class WebSocketClient
{
    /// <summary>The key of the standard's example, to which <see cref="Accept"/> is the answer (RFC 6455, section 1.3).</summary>
    public const string Key = "dGhlIHNhbXBsZSBub25jZQ==";

    /// <inheritdoc cref="Key"/>
    public const string Accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>The request that opens a WebSocket.</summary>
    /// <param name="fields">Lines of its head beside those that are always there, each with its end.</param>
    /// <param name="path">What it asks for.</param>
    public static string Request(string fields = "Sec-WebSocket-Protocol: mqtt\r\n", string path = "/mqtt") =>
        $"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {Key}\r\n{fields}\r\n";

    /// <summary>Opens a WebSocket; the head of the server's answer comes with it.</summary>
    public static async Task<(WebSocket Socket, string Answer)> OpenAsync(Stream stream, string? request = null)
    {
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request ?? Request()));
        var answer = await ReadHeadAsync(stream);
        if (!answer.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal))
            throw new IOException(answer);
        return (WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { KeepAliveInterval = TimeSpan.Zero }), answer);
    }

    /// <summary>Reads the head of an answer to its empty line, and no further; what there is, if the stream ends before.</summary>
    public static async Task<string> ReadHeadAsync(Stream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (await stream.ReadAsync(one).AsTask().WaitAsync(Patience) > 0)
        {
            head.Append((char)one[0]);
            if (head.Length >= 4 && head.ToString(head.Length - 4, 4) == "\r\n\r\n")
                break;
        }

        return head.ToString();
    }

    /// <summary>A frame as clients send it, masked with zeros, so that its payload is seen as it is (section 5.2).</summary>
    /// <param name="first">FIN and opcode: 0x82 is a whole binary message, 0x81 text, 0x89 a ping, 0x88 the close.</param>
    /// <param name="payload">Fewer than 126 bytes.</param>
    public static byte[] Frame(byte first, params ReadOnlySpan<byte> payload) => [first, (byte)(0x80 | payload.Length), 0, 0, 0, 0, .. payload];
}
