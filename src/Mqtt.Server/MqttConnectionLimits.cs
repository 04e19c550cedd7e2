namespace Mqtt.Server;

/// <summary>What one connection may take. Each bound stands alone.</summary>
public sealed record MqttConnectionLimits
{
    /// <summary>The largest packet that is accepted, in bytes, fixed header included. Larger: 0x95 and close. Default: 16 MiB.</summary>
    public int MaximumPacketBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>The largest CONNECT, in bytes. Default: 1 MiB.</summary>
    public int MaximumConnectBytes { get; init; } = 1024 * 1024;

    /// <summary>How long an accepted connection may take until its CONNECT is accepted. Default: 10 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How many bytes may wait to be sent, beyond those under way. Default: 1 MiB.</summary>
    public int OutboxBytes { get; init; } = 1024 * 1024;

    /// <summary>A peer that takes none of the bytes that wait for it for this long is cut off. Default: 30 s.</summary>
    public TimeSpan SendTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a closed connection goes on reading, so that the peer still gets the last packet. Default: 2 s.</summary>
    public TimeSpan LingerTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Accepts the code points that 5.0 section 1.5.4 advises against (controls and non-characters) in strings. Default: false.</summary>
    public bool AllowDisallowedCodePoints { get; init; }

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaximumPacketBytes, 16);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaximumConnectBytes, 16);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(ConnectTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(OutboxBytes, 1024);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(SendTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(LingerTimeout, TimeSpan.Zero);
    }
}
