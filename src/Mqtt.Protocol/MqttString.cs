using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Mqtt.Protocol;

/// <summary>
/// A UTF-8 encoded string as it stands in a packet (section 1.5.4): a slice of bytes, no copy and no <see cref="string"/>
/// until somebody asks for one. Converts from <see cref="string"/> by itself.
/// </summary>
public readonly struct MqttString : IEquatable<MqttString>
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private MqttString(ReadOnlyMemory<byte> bytes) => Bytes = bytes;

    /// <summary>The encoded bytes, without their length.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>The encoded bytes, without their length.</summary>
    public ReadOnlySpan<byte> Span => Bytes.Span;

    /// <summary>The number of encoded bytes.</summary>
    public int Length => Bytes.Length;

    /// <summary>True for the string of no bytes, which is also the default.</summary>
    public bool IsEmpty => Bytes.IsEmpty;

    /// <summary>Takes bytes that are UTF-8 already. They are not copied, and not checked before they are written.</summary>
    public static MqttString FromUtf8(ReadOnlyMemory<byte> bytes) => new(bytes);

    /// <summary>Encodes <paramref name="text"/>; <see langword="null"/> becomes the empty string.</summary>
    /// <exception cref="ArgumentException">The text holds half a surrogate pair.</exception>
    public static MqttString FromString(string? text) => string.IsNullOrEmpty(text) ? default : new(Strict.GetBytes(text));

    /// <summary>Encodes <paramref name="text"/>. Not for <see langword="null"/>: an absent string is a nullable of this type without a value.</summary>
    public static implicit operator MqttString(string text) => FromString(text);

    /// <summary>A copy that owns its bytes, for what must outlive a borrowed packet.</summary>
    public MqttString ToOwned() => IsEmpty ? default : new(Bytes.ToArray());

    /// <inheritdoc/>
    public override string ToString() => Encoding.UTF8.GetString(Span);

    /// <summary>True if both have the same bytes; nothing is normalised [MQTT-4.7.3-4].</summary>
    public bool Equals(MqttString other) => Span.SequenceEqual(other.Span);

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is MqttString other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Span);
        return hash.ToHashCode();
    }

    /// <summary>True if both have the same bytes.</summary>
    public static bool operator ==(MqttString left, MqttString right) => left.Equals(right);

    /// <summary>True if the bytes differ.</summary>
    public static bool operator !=(MqttString left, MqttString right) => !left.Equals(right);
}
