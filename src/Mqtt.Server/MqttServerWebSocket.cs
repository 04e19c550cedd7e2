namespace Mqtt.Server;

/// <summary>Whom a server lets in on <c>ws://</c> and <c>wss://</c> addresses.</summary>
public sealed record MqttServerWebSocket
{
    /// <summary>
    /// Whose pages may connect from within a browser, as <c>https://example.org</c>: others are refused with status 403. Programs that are no browsers
    /// name no origin, and are let in. Default: none stands here, and then pages of every origin may, as with ASP.NET Core.
    /// </summary>
    public IReadOnlyList<string> AllowedOrigins { get; init; } = [];

    /// <summary>
    /// Refuses, with status 400, a client that offers no subprotocol at all, which the standard forbids it. Who offers others than <c>mqtt</c> and
    /// <c>mqttv3.1</c> is refused anyway. Default: false, such a client is let in, and that is logged.
    /// </summary>
    public bool RequireSubprotocol { get; init; }

    /// <summary>The longest head of a request, in bytes, cookies included; a longer one is refused with status 431. Default: 8 KiB, as web servers.</summary>
    public int MaximumRequestBytes { get; init; } = 8 * 1024;

    internal void Validate()
    {
        ArgumentNullException.ThrowIfNull(AllowedOrigins);
        foreach (var origin in AllowedOrigins)
        {
            if (!IsOrigin(origin))
                throw new ArgumentException($"WebSocket.AllowedOrigins: '{origin}' is no origin; write https://host or https://host:port.", nameof(AllowedOrigins));
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(MaximumRequestBytes, 256);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaximumRequestBytes, 1024 * 1024);
    }

    // Sandboxed pages and files name theirs "null". A path, even "/", is never sent, and would let nobody in.
    private static bool IsOrigin(string? origin) =>
        origin is "null" || (Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Host.Length > 0 && origin.EndsWith($"://{uri.Authority}", StringComparison.OrdinalIgnoreCase));
}
