using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Routing;

/// <summary>
/// Several children of a node, which differ in their first level: the two wildcards, which every look-up asks for, stand beside a table of the others.
/// A child's hash stands beside it in the table, so that with a hundred thousand filters, when no cache remembers them, a look-up touches
/// one place of the table and one child.
/// </summary>
internal sealed class SubscriptionChildren<T>
    where T : class
{
    // As many as a power of two, a quarter of them free: a child stands in the first free place from the one on that its hash names.
    private Slot[] slots = new Slot[2];
    private int count;

    public SubscriptionChildren(SubscriptionNode<T> first, SubscriptionNode<T> second) => Add(first).Add(second);

    /// <summary>The child for <c>+</c>.</summary>
    public SubscriptionNode<T>? Plus { get; private set; }

    /// <summary>The child for <c>#</c>.</summary>
    public SubscriptionNode<T>? Hash { get; private set; }

    /// <summary>The child for a level of a topic.</summary>
    public SubscriptionNode<T>? Find(ReadOnlySpan<byte> name)
    {
        var hash = HashOf(name);
        for (var i = hash & (slots.Length - 1); slots[i].Child is { } child; i = After(i))
        {
            if (slots[i].Hash == hash && child.BeginsWith(name))
                return child;
        }

        return null;
    }

    /// <summary>The child for a level of a filter.</summary>
    public SubscriptionNode<T>? FindLevel(ReadOnlySpan<byte> name) => name switch
    {
        [(byte)'+'] => Plus,
        [(byte)'#'] => Hash,
        _ => Find(name),
    };

    /// <summary>Adds a child; no other begins with its level.</summary>
    public SubscriptionChildren<T> Add(SubscriptionNode<T> child)
    {
        var name = child.FirstLevel();
        if (name.SequenceEqual("+"u8))
            Plus = child;
        else if (name.SequenceEqual("#"u8))
            Hash = child;
        else
            Place(child, HashOf(name));
        return this;
    }

    /// <summary>Takes a child out; true if none is left.</summary>
    public bool Remove(SubscriptionNode<T> child)
    {
        if (child == Plus)
            Plus = null;
        else if (child == Hash)
            Hash = null;
        else
            Displace(child);
        return Plus is null && Hash is null && count == 0;
    }

    private static int HashOf(ReadOnlySpan<byte> name) => Utf8Comparer.Instance.GetHashCode(name);

    private int After(int place) => (place + 1) & (slots.Length - 1);

    private void Place(SubscriptionNode<T> child, int hash)
    {
        if (++count > slots.Length * 3 / 4)
            Resize(slots.Length * 2);
        Put(new(hash, child));
    }

    private void Displace(SubscriptionNode<T> child)
    {
        var place = HashOf(child.FirstLevel()) & (slots.Length - 1);
        while (slots[place].Child != child)
            place = After(place);
        count--;

        // Those that come next stand where they do because others were in their way: one less is now.
        slots[place] = default;
        for (var next = After(place); slots[next].Child is not null; next = After(next))
        {
            var moved = slots[next];
            slots[next] = default;
            Put(moved);
        }

        if (slots.Length > 2 && count < slots.Length / 4)
            Resize(slots.Length / 2);
    }

    private void Put(in Slot slot)
    {
        var place = slot.Hash & (slots.Length - 1);
        while (slots[place].Child is not null)
            place = After(place);
        slots[place] = slot;
    }

    private void Resize(int length)
    {
        var before = slots;
        slots = new Slot[length];
        foreach (var slot in before)
        {
            if (slot.Child is not null)
                Put(slot);
        }
    }

    private readonly record struct Slot(int Hash, SubscriptionNode<T>? Child);
}
