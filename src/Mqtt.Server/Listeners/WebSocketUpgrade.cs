using System.Security.Cryptography;
using System.Text;

namespace Mqtt.Server.Listeners;

/// <summary>
/// The server's half of the opening handshake (RFC 6455, section 4.2): judges the head of a request. One for each address; it keeps nothing.
/// </summary>
internal sealed class WebSocketUpgrade(string path, MqttServerWebSocket options)
{
    private const string DefaultPath = "/mqtt";

    // What is hashed with the client's key, to show that the request was understood (section 1.3).
    private const string KeySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    // In the order of preference; the second is that of 3.1.
    private static readonly string[] Subprotocols = ["mqtt", "mqttv3.1"];

    public static UpgradeAnswer TooLarge { get; } = new(431, "The head of the request is too large.");

    public static UpgradeAnswer NoRequest { get; } = new(400, "This is no HTTP request.");

    public int MaximumRequestBytes => options.MaximumRequestBytes;

    /// <summary>The path that an address serves.</summary>
    public static string PathOf(Uri address) => address.AbsolutePath.Length > 1 ? address.AbsolutePath : DefaultPath;

    /// <summary>Judges a request.</summary>
    /// <param name="bytes">Its head without the empty line.</param>
    public UpgradeAnswer Judge(ReadOnlySpan<byte> bytes)
    {
        if (!HttpRequestHead.TryParse(bytes, out var head))
            return NoRequest;
        return WhatIsWrongWithRequest(head) ?? WhatIsWrongWithUpgrade(head) ?? Accept(head);
    }

    // As far as it is a matter of HTTP and of this server's own. A body would be taken for frames.
    private UpgradeAnswer? WhatIsWrongWithRequest(HttpRequestHead head)
    {
        if (head.Version != "HTTP/1.1")
            return new(505, "The version must be HTTP/1.1.");
        if (head.Method != "GET")
            return new(405, "The method must be GET.", "Allow: GET\r\n");
        if (head.Single("Host") is null)
            return new(400, "There must be one Host.");
        if (head.Has("Transfer-Encoding") || (head.Has("Content-Length") && head.Single("Content-Length") != "0"))
            return new(400, "The request must have no body.");
        if (PathOf(head.Target) != path)
            return new(404, "There is nothing at this path.");
        return IsForeign(head) ? new(403, "Pages of this origin are not let in.") : null;
    }

    private static UpgradeAnswer? WhatIsWrongWithUpgrade(HttpRequestHead head)
    {
        if (!head.List("Upgrade").Contains("websocket", StringComparer.OrdinalIgnoreCase))
            return Required("Upgrade must be websocket.");
        if (!head.List("Connection").Contains("upgrade", StringComparer.OrdinalIgnoreCase))
            return Required("Connection must have upgrade.");
        if (head.Single("Sec-WebSocket-Version") != "13")
            return Required("Sec-WebSocket-Version must be 13.");
        return IsKey(head.Single("Sec-WebSocket-Key")) ? null : new(400, "There must be one Sec-WebSocket-Key, of 16 bytes in base64.");
    }

    private UpgradeAnswer Accept(HttpRequestHead head)
    {
        // [MQTT-6.0.0-4]
        var offered = head.List("Sec-WebSocket-Protocol").ToList();
        var selected = Array.Find(Subprotocols, offered.Contains);
        if (selected is null && (offered.Count > 0 || options.RequireSubprotocol))
            return new(400, "Sec-WebSocket-Protocol must offer mqtt.");
        var accept = $"Sec-WebSocket-Accept: {HashOf(head.Single("Sec-WebSocket-Key")!)}\r\n";
        return new(101, "", selected is null ? accept : $"{accept}Sec-WebSocket-Protocol: {selected}\r\n") { Subprotocol = selected };
    }

    private static UpgradeAnswer Required(string reason) => new(426, reason, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");

    // A target may be a whole address too (RFC 9112, section 3.2.2).
    private static string PathOf(string target)
    {
        if (target[0] != '/')
            return Uri.TryCreate(target, UriKind.Absolute, out var address) ? address.AbsolutePath : "";
        var query = target.IndexOf('?', StringComparison.Ordinal);
        return query < 0 ? target : target[..query];
    }

    // Browsers say whose page asks. Other programs say nothing, and could say anything.
    private bool IsForeign(HttpRequestHead head) =>
        options.AllowedOrigins.Count > 0 && head.Has("Origin") && !options.AllowedOrigins.Contains(head.Single("Origin"), StringComparer.OrdinalIgnoreCase);

    private static bool IsKey(string? key)
    {
        Span<byte> bytes = stackalloc byte[18];
        return key?.Length == 24 && Convert.TryFromBase64String(key, bytes, out var count) && count == 16;
    }

    private static string HashOf(string key)
    {
#pragma warning disable CA5350 // RFC 6455 wants this hash; it keeps nothing secret.
        return Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + KeySuffix)));
#pragma warning restore CA5350
    }
}
