namespace Mqtt.Server.Broker.Routing;

/// <summary>
/// One level of the filters that begin alike, and who has subscribed to the filter that ends here; or all the levels that a filter has left which shares the
/// rest of its way with no other, until one comes. There is one for every one of a million filters: most have no children and one subscriber, and
/// no table for either. The router's lock guards it.
/// </summary>
internal sealed class SubscriptionNode<T>(ReadOnlyMemory<byte> levels)
    where T : class
{
    // A level keeps the filter alive from which it was parted. Of a longer one it has a copy: others may need it long after.
    private const int LongestKept = 128;

    private const byte Separator = (byte)'/';

    private ReadOnlyMemory<byte> levels = levels;

    // The only child, or several.
    private object? children;

    // An array of one receiver, which never changes, or several subscribers.
    private object? subscriptions;
    private List<ShareGroup<T>>? groups;

    /// <summary>The child for <c>+</c>.</summary>
    public SubscriptionNode<T>? Plus => children switch
    {
        null => null,
        SubscriptionNode<T> single => single.BeginsWith("+"u8) ? single : null,
        var several => ((SubscriptionChildren<T>)several).Plus,
    };

    /// <summary>The child for <c>#</c>.</summary>
    public SubscriptionNode<T>? Hash => children switch
    {
        null => null,
        SubscriptionNode<T> single => single.BeginsWith("#"u8) ? single : null,
        var several => ((SubscriptionChildren<T>)several).Hash,
    };

    /// <summary>The shared subscriptions to this filter; <see langword="null"/> if there is none.</summary>
    public IReadOnlyList<ShareGroup<T>>? Groups => groups;

    /// <summary>True if somebody has subscribed to this filter.</summary>
    public bool HasSubscriptions => subscriptions is not null;

    public bool IsEmpty => subscriptions is null && groups is null && children is null;

    /// <summary>The receivers of a message that this filter alone matches; all topics for which that is so share them.</summary>
    public Receivers<T> Receivers => subscriptions switch
    {
        null => default,
        Target<T>[] single => new(single),
        _ => ((Subscribers<T>)subscriptions).Receivers,
    };

    /// <summary>What its filter has after its first level, with the separator; most have nothing.</summary>
    public ReadOnlySpan<byte> Tail(int lengthOfFirst) => levels.Span[lengthOfFirst..];

    /// <summary>The child for a level of a topic, if there is one; <c>+</c> and <c>#</c> do not stand in topics.</summary>
    public SubscriptionNode<T>? Find(ReadOnlySpan<byte> name) => children switch
    {
        null => null,
        SubscriptionNode<T> single => single.BeginsWith(name) ? single : null,
        var several => ((SubscriptionChildren<T>)several).Find(name),
    };

    /// <summary>The child for a level of a filter, if there is one.</summary>
    public SubscriptionNode<T>? FindLevel(ReadOnlySpan<byte> name) => children switch
    {
        SubscriptionChildren<T> several => several.FindLevel(name),
        _ => Find(name),
    };

    /// <summary>Adds a child for what a filter has left, if no other begins with that level; it goes on using these bytes.</summary>
    public SubscriptionNode<T> AddChild(ReadOnlyMemory<byte> rest)
    {
        var child = new SubscriptionNode<T>(rest);
        children = children switch
        {
            null => child,
            SubscriptionNode<T> single => new SubscriptionChildren<T>(single, child),
            var several => ((SubscriptionChildren<T>)several).Add(child),
        };
        return child;
    }

    /// <summary>Takes a child out.</summary>
    public void RemoveChild(SubscriptionNode<T> child)
    {
        if (children == child || ((SubscriptionChildren<T>)children!).Remove(child))
            children = null;
    }

    /// <summary>Another filter shares the first level: what comes after it becomes a child.</summary>
    public void Split(int lengthOfFirst)
    {
        children = new SubscriptionNode<T>(levels[(lengthOfFirst + 1)..]) { subscriptions = subscriptions, groups = groups };
        (subscriptions, groups) = (null, null);
        var first = levels[..lengthOfFirst];
        levels = levels.Length > LongestKept ? first.ToArray() : first;
    }

    /// <summary>Adds a subscriber, or replaces its terms; true if it is new.</summary>
    public bool Add(in Target<T> target)
    {
        if (subscriptions is Subscribers<T> several)
            return several.Add(target);
        if (subscriptions is not Target<T>[] single || single[0].Subscriber == target.Subscriber)
        {
            var isFirst = subscriptions is null;
            subscriptions = new[] { target };
            return isFirst;
        }

        var both = new Subscribers<T>();
        both.Add(single[0]);
        both.Add(target);
        subscriptions = both;
        return true;
    }

    /// <summary>Takes a subscriber out; true if it was there.</summary>
    public bool Remove(T subscriber)
    {
        if (subscriptions is Subscribers<T> several)
        {
            var wasThere = several.Remove(subscriber);
            if (several.Count == 0)
                subscriptions = null;
            return wasThere;
        }

        if (subscriptions is not Target<T>[] single || single[0].Subscriber != subscriber)
            return false;
        subscriptions = null;
        return true;
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
    public ReadOnlySpan<byte> FirstLevel()
    {
        var own = levels.Span;
        var length = own.IndexOf(Separator);
        return length < 0 ? own : own[..length];
    }
}
