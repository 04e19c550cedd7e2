using System.Diagnostics.CodeAnalysis;

namespace Mqtt.Protocol;

/// <summary>
/// Compares UTF-8 strings by their bytes, and lets a dictionary with <see cref="MqttString"/> keys be asked with a span, so that a
/// look-up by topic needs no string and no allocation. The hash is seeded for each process: peers choose the keys.
/// </summary>
public sealed class Utf8Comparer : IEqualityComparer<MqttString>, IAlternateEqualityComparer<ReadOnlySpan<byte>, MqttString>
{
    private Utf8Comparer()
    {
    }

    /// <summary>The only instance.</summary>
    public static Utf8Comparer Instance { get; } = new();

    /// <inheritdoc/>
    public bool Equals(MqttString x, MqttString y) => x.Equals(y);

    /// <inheritdoc/>
    public bool Equals(ReadOnlySpan<byte> alternate, MqttString other) => alternate.SequenceEqual(other.Span);

    /// <inheritdoc/>
    public int GetHashCode([DisallowNull] MqttString obj) => GetHashCode(obj.Span);

    /// <inheritdoc/>
    public int GetHashCode(ReadOnlySpan<byte> alternate) => Utf8Hash.Compute(alternate);

    /// <inheritdoc/>
    public MqttString Create(ReadOnlySpan<byte> alternate) => MqttString.FromUtf8(alternate.ToArray());
}
