namespace Mqtt.Server.Broker.Routing;

/// <summary>
/// One level of the filters that begin alike, and who has subscribed to the filter that ends here; or all the levels that a filter has left which shares the
/// rest of its way with no other, until one comes. There is one for every one of a million filters: most have no children and one subscriber, and
/// no table for either. The router's lock guards it.
/// </summary>
internal sealed class SubscriptionNode<T>(ReadOnlyMemory<byte> levels)
    where T : class
{
    // Levels may keep the filter alive from which they were parted. Of a longer one there is a copy: others may need it long after.
    private const int LongestKept = 128;

    // What it takes in memory, or more.
    private const int Bytes = 96;

    private const byte Separator = (byte)'/';

    private LevelBytes levels = new(levels);

    // The only subscriber, whom a message finds here and not one place in memory further; or several.
    private Target<T> single;
    private Subscribers<T>? several;
    private List<ShareGroup<T>>? groups;

    /// <summary>Where the filters go on; <see langword="null"/> at the end of one that no other goes beyond.</summary>
    public SubscriptionChildren<T>? Children { get; private set; }

    /// <summary>The shared subscriptions to this filter; <see langword="null"/> if there is none.</summary>
    public IReadOnlyList<ShareGroup<T>>? Groups => groups;

    /// <summary>True if somebody has subscribed to this filter.</summary>
    public bool HasSubscriptions => single.Subscriber is not null || several is not null;

    public bool IsEmpty => !HasSubscriptions && groups is null && Children is null;

    /// <summary>The receivers of a message that this filter alone matches; where they are many, all topics for which that is so share them.</summary>
    public Receivers<T> Receivers => several is not null ? several.Receivers : new(single);

    /// <summary>What its filter has after its first level, with the separator; most have nothing.</summary>
    public ReadOnlySpan<byte> Tail(int lengthOfFirst) => levels.Span[lengthOfFirst..];

    /// <summary>Has it fetched from memory, for it will be looked at.</summary>
    public void Fetch() => ProcessorCache.Fetch(this, Bytes);

    /// <summary>Adds a child for what a filter has left, if no other begins with that level; it goes on using these bytes.</summary>
    public SubscriptionNode<T> AddChild(ReadOnlyMemory<byte> rest)
    {
        var child = new SubscriptionNode<T>(rest);
        (Children ??= new()).Add(child);
        return child;
    }

    /// <summary>Takes a child out.</summary>
    public void RemoveChild(SubscriptionNode<T> child)
    {
        if (Children!.Remove(child))
            Children = null;
    }

    /// <summary>Another filter shares the first level: what comes after it becomes a child.</summary>
    public void Split(int lengthOfFirst)
    {
        var all = levels.ToMemory();
        var end = AddChild(all[(lengthOfFirst + 1)..]);
        (end.single, end.several, end.groups) = (single, several, groups);
        (single, several, groups) = (default, null, null);
        var first = all[..lengthOfFirst];
        levels = new(all.Length > LongestKept ? first.ToArray() : first);
    }

    /// <summary>Adds a subscriber, or replaces its terms; true if it is new.</summary>
    public bool Add(in Target<T> target)
    {
        if (several is not null)
            return several.Add(target);
        if (single.Subscriber is not null && single.Subscriber != target.Subscriber)
        {
            several = new Subscribers<T>();
            several.Add(single);
            several.Add(target);
            single = default;
            return true;
        }

        var isNew = single.Subscriber is null;
        single = target;
        return isNew;
    }

    /// <summary>Takes a subscriber out; true if it was there.</summary>
    public bool Remove(T subscriber)
    {
        if (several is null)
        {
            if (single.Subscriber != subscriber)
                return false;
            single = default;
            return true;
        }

        var wasThere = several.Remove(subscriber);
        if (several.Count == 0)
            several = null;
        return wasThere;
    }

    public void Add(ShareGroup<T> group) => (groups ??= []).Add(group);

    public void Remove(ShareGroup<T> group)
    {
        groups?.Remove(group);
        if (groups is { Count: 0 })
            groups = null;
    }

    /// <summary>True if that is its first level.</summary>
    public bool BeginsWith(ReadOnlySpan<byte> name)
    {
        var own = levels.Span;
        return own.StartsWith(name) && (own.Length == name.Length || own[name.Length] == Separator);
    }

    /// <summary>Its first level.</summary>
    public ReadOnlySpan<byte> FirstLevel() => Levels.First(levels.Span);
}
