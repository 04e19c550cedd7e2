using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Routing;

/// <summary>
/// Tells whether a filter with wildcards has come or gone that can match a topic, without going through topics or filters: changes are counted by
/// the levels that stand before the first wildcard, two at most. So a client that comes back with <c>plant/7/#</c> touches no topic outside <c>plant/7</c>. Different
/// levels may share a count, which costs a look into the tree and nothing else.
/// <para>Changes are noted under the router's lock; any thread asks.</para>
/// </summary>
internal sealed class FilterChanges
{
    // A power of two.
    private const int CountOfSlots = 4096;

    private readonly int[] slots = new int[CountOfSlots];
    private int everywhere;

    /// <summary>A filter with wildcards has come or gone.</summary>
    public void Note(ReadOnlySpan<byte> filter)
    {
        var literal = filter[..filter.IndexOfAny((byte)'+', (byte)'#')];
        if (literal.IsEmpty)
            Volatile.Write(ref everywhere, everywhere + 1);
        else
            Count(SlotOf(literal, literal.Count((byte)'/') == 1 ? 1 : 2));
    }

    /// <summary>How things stand for a topic. Under the router's lock.</summary>
    public Stamp StampFor(ReadOnlySpan<byte> topic)
    {
        var (first, second) = (SlotOf(topic, 1), SlotOf(topic, 2));
        return new Stamp(everywhere, (ushort)first, slots[first], (ushort)second, slots[second]);
    }

    /// <summary>True if nothing has changed for that topic since.</summary>
    public bool IsCurrent(in Stamp stamp) =>
        Volatile.Read(ref everywhere) == stamp.Everywhere &&
        Volatile.Read(ref slots[stamp.FirstSlot]) == stamp.First &&
        Volatile.Read(ref slots[stamp.SecondSlot]) == stamp.Second;

    private void Count(int slot) => Volatile.Write(ref slots[slot], slots[slot] + 1);

    // By the first levels, or all there are.
    private static int SlotOf(ReadOnlySpan<byte> topic, int levels)
    {
        var length = 0;
        for (; levels > 0 && length < topic.Length; levels--)
        {
            var next = topic[length..].IndexOf((byte)'/');
            if (next < 0)
                return SlotOf(topic);
            length += next + 1;
        }

        return SlotOf(topic[..length].TrimEnd((byte)'/'));
    }

    private static int SlotOf(ReadOnlySpan<byte> levels) => Utf8Comparer.Instance.GetHashCode(levels) & (CountOfSlots - 1);
}

/// <summary>How many changes there were that can concern a topic, when it was looked up.</summary>
internal readonly record struct Stamp(int Everywhere, ushort FirstSlot, int First, ushort SecondSlot, int Second);
