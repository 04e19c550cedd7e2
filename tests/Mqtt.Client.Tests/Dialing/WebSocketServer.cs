using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;

namespace Mqtt.Client.Tests.Dialing;

/// <summary>The server's half of the handshake of RFC 6455, by hand, so that a test can get it wrong.</summary>
internal static class WebSocketServer
{
    /// <summary>Answers the request that opens a WebSocket.</summary>
    public static async Task<(string Request, WebSocket Socket)> AcceptAsync(Stream stream, string protocol = "mqtt")
    {
        var request = await ReadHeadAsync(stream);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(Answer(request, $"Sec-WebSocket-Protocol: {protocol}\r\n")));
        return (request, WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true, SubProtocol = protocol, KeepAliveInterval = TimeSpan.Zero }));
    }

    /// <summary>The answer that accepts a request.</summary>
    public static string Answer(string request, string headers)
    {
        var key = request.Split("Sec-WebSocket-Key: ")[1].Split("\r\n")[0];
#pragma warning disable CA5350 // RFC 6455 wants this hash.
        var accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
        return $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{headers}\r\n";
    }

    /// <summary>Reads an HTTP request to its empty line, and no further.</summary>
    public static async Task<string> ReadHeadAsync(Stream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        do
        {
            await stream.ReadExactlyAsync(one).Soon();
            head.Append((char)one[0]);
        }
        while (head.Length < 4 || head.ToString(head.Length - 4, 4) != "\r\n\r\n");
        return head.ToString();
    }
}
