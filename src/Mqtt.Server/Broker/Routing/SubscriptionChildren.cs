using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Routing;

/// <summary>
/// The children of a node, which differ in their first level: the two wildcards, which every look-up asks for, stand beside the only other one, or a table of those.
/// A child's hash stands beside it in the table, so that with a hundred thousand filters, when no cache remembers them, a look-up touches
/// one place of the table and one child.
/// </summary>
internal sealed class SubscriptionChildren<T>
    where T : class
{
    // As many as a power of two, a quarter of them free: a child stands in the first free place from the one on that its hash names.
    private Slot[]? slots;
    private int count;

    // While there is no table.
    private SubscriptionNode<T>? only;

    /// <summary>The child for <c>+</c>.</summary>
    public SubscriptionNode<T>? Plus { get; private set; }

    /// <summary>The child for <c>#</c>.</summary>
    public SubscriptionNode<T>? Hash { get; private set; }

    /// <summary>The child for a level of a topic.</summary>
    public SubscriptionNode<T>? Find(ReadOnlySpan<byte> name)
    {
        if (slots is null)
            return only is not null && only.BeginsWith(name) ? only : null;
        var hash = HashOf(name);
        for (var i = hash & (slots.Length - 1); slots[i].Child is { } child; i = After(i, slots))
        {
            if (slots[i].Hash == hash && child.BeginsWith(name))
                return child;
        }

        return null;
    }

    /// <summary>Where the child for a level of a topic is to be looked for; the place is fetched from memory.</summary>
    public Place PlaceOf(ReadOnlySpan<byte> name)
    {
        if (slots is null)
            return new(only);
        var hash = HashOf(name);
        ProcessorCache.Fetch(ref slots[hash & (slots.Length - 1)]);
        return new(slots, hash);
    }

    /// <summary>The child for a level of a filter.</summary>
    public SubscriptionNode<T>? FindLevel(ReadOnlySpan<byte> name) => name switch
    {
        [(byte)'+'] => Plus,
        [(byte)'#'] => Hash,
        _ => Find(name),
    };

    /// <summary>Adds a child; no other begins with its level.</summary>
    public void Add(SubscriptionNode<T> child)
    {
        var name = child.FirstLevel();
        if (name.SequenceEqual("+"u8))
            Plus = child;
        else if (name.SequenceEqual("#"u8))
            Hash = child;
        else if (slots is null && only is null)
            only = child;
        else
            PutIn(child);
    }

    /// <summary>Takes a child out; true if none is left.</summary>
    public bool Remove(SubscriptionNode<T> child)
    {
        if (child == Plus)
            Plus = null;
        else if (child == Hash)
            Hash = null;
        else if (child == only)
            only = null;
        else
            Displace(child, slots!);
        return Plus is null && Hash is null && only is null && slots is null;
    }

    private static int HashOf(ReadOnlySpan<byte> name) => Utf8Comparer.Instance.GetHashCode(name);

    private static int After(int place, Slot[] slots) => (place + 1) & (slots.Length - 1);

    private void PutIn(SubscriptionNode<T> child)
    {
        if (slots is null)
        {
            slots = new Slot[4];
            Put(only!, slots);
            (only, count) = (null, 1);
        }

        if (++count > slots.Length * 3 / 4)
            slots = Resized(slots, slots.Length * 2);
        Put(child, slots);
    }

    private void Displace(SubscriptionNode<T> child, Slot[] table)
    {
        var place = HashOf(child.FirstLevel()) & (table.Length - 1);
        while (table[place].Child != child)
            place = After(place, table);
        if (--count == 0)
        {
            slots = null;
            return;
        }

        // Those that come next stand where they do because others were in their way: one less is now.
        table[place] = default;
        for (var next = After(place, table); table[next].Child is not null; next = After(next, table))
        {
            var moved = table[next];
            table[next] = default;
            Put(moved, table);
        }

        if (count < table.Length / 4)
            slots = Resized(table, table.Length / 2);
    }

    private static void Put(SubscriptionNode<T> child, Slot[] slots) => Put(new Slot(HashOf(child.FirstLevel()), child), slots);

    private static void Put(in Slot slot, Slot[] slots)
    {
        var place = slot.Hash & (slots.Length - 1);
        while (slots[place].Child is not null)
            place = After(place, slots);
        slots[place] = slot;
    }

    private static Slot[] Resized(Slot[] before, int length)
    {
        var slots = new Slot[length];
        foreach (var slot in before)
        {
            if (slot.Child is not null)
                Put(slot, slots);
        }

        return slots;
    }

    /// <summary>A place of the table.</summary>
    internal readonly record struct Slot(int Hash, SubscriptionNode<T>? Child);

    /// <summary>Where a child is to be looked for, before the children change.</summary>
    public readonly struct Place
    {
        private readonly SubscriptionNode<T>? only;
        private readonly Slot[]? slots;
        private readonly int hash;

        internal Place(SubscriptionNode<T>? only) => this.only = only;

        internal Place(Slot[] slots, int hash) => (this.slots, this.hash) = (slots, hash);

        /// <summary>The child by the hash of its level alone, so that it need not have come from memory yet; <see langword="null"/> if there is none.</summary>
        public SubscriptionNode<T>? FindByHash()
        {
            if (slots is null)
                return only;
            for (var i = hash & (slots.Length - 1); slots[i].Child is { } child; i = After(i, slots))
            {
                if (slots[i].Hash == hash)
                    return child;
            }

            return null;
        }
    }
}
