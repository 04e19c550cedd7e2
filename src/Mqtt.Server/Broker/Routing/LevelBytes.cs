using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mqtt.Server.Broker.Routing;

/// <summary>
/// The bytes of some levels of a filter: a few stand in place, where a look-up that has come to the node finds them without a further place in memory; more of them
/// are a part of the filter's own bytes. Immutable.
/// </summary>
internal readonly struct LevelBytes
{
    private const int MostInPlace = 12;

    private readonly byte[]? filter;
    private readonly int length;

    // The bytes; or where in the filter they begin.
    private readonly InPlace inPlace;

    public LevelBytes(ReadOnlyMemory<byte> bytes)
    {
        length = bytes.Length;
        if (length <= MostInPlace)
        {
            bytes.Span.CopyTo(inPlace);
        }
        else
        {
            if (!MemoryMarshal.TryGetArray(bytes, out var part))
                part = new(bytes.ToArray());
            filter = part.Array;
            MemoryMarshal.Write(inPlace, part.Offset);
        }
    }

    /// <summary>The bytes, for as long as this is where it is.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> Span => filter is null ? ((ReadOnlySpan<byte>)inPlace)[..length] : filter.AsSpan(MemoryMarshal.Read<int>(inPlace), length);

    /// <summary>The bytes as memory that stays.</summary>
    public ReadOnlyMemory<byte> ToMemory() => filter is null ? Span.ToArray() : filter.AsMemory(MemoryMarshal.Read<int>(inPlace), length);

    [InlineArray(MostInPlace)]
    private struct InPlace
    {
        private byte first;
    }
}
