using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Messages;

/// <summary>
/// An application message without anything that belongs to one connection or one subscription: the properties carry no topic
/// alias, no subscription identifier, and no expiry, which is kept as a time.
/// </summary>
internal readonly struct MessageParts
{
    /// <summary>A message that does not expire.</summary>
    public const long NeverExpires = long.MaxValue;

    public ReadOnlyMemory<byte> Topic { get; init; }

    public ReadOnlyMemory<byte> Properties { get; init; }

    public ReadOnlyMemory<byte> Payload { get; init; }

    public QualityOfService QualityOfService { get; init; }

    /// <summary>The RETAIN flag as it was published.</summary>
    public bool Retain { get; init; }

    /// <summary>When the message is let go, in the milliseconds of the broker's heartbeat: when it is of no more use, or was kept for as long as the broker keeps any.</summary>
    public long ExpiresAt { get; init; }

    /// <summary>When it is of no more use, as its publisher said: what its subscribers are told.</summary>
    public long StatedExpiry { get; init; }

    /// <summary>What a copy of the message costs in memory.</summary>
    public int Bytes => Topic.Length + Properties.Length + Payload.Length;

    /// <summary>The expiry that a copy which leaves now must carry: what is left, in whole seconds, at least one [MQTT-3.3.2-6].</summary>
    public uint? ExpiryAt(long now) => StatedExpiry == NeverExpires ? null : (uint)Math.Max(1, (StatedExpiry - now + 999) / 1000);
}
