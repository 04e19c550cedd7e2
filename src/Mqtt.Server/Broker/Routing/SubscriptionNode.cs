using System.Diagnostics.CodeAnalysis;
using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Routing;

/// <summary>
/// One level of the filters that begin alike, and who has subscribed to the filter that ends here. There is one for every level of a million
/// filters: most have one child and one subscriber, and no table for either. The router's lock guards it.
/// </summary>
internal sealed class SubscriptionNode<T>(SubscriptionNode<T>? parent, ReadOnlyMemory<byte> level)
    where T : class
{
    private readonly ReadOnlyMemory<byte> level = level;

    // One node, or the set of them; the two wildcards, which every look-up asks for, stand beside them.
    private object? children;
    private SubscriptionNode<T>? plus;
    private SubscriptionNode<T>? hash;

    // An array of one receiver, which never changes, or several subscribers.
    private object? subscriptions;
    private List<ShareGroup<T>>? groups;

    public SubscriptionNode<T>? Parent => parent;

    /// <summary>The child for <c>+</c>.</summary>
    public SubscriptionNode<T>? Plus => plus;

    /// <summary>The child for <c>#</c>.</summary>
    public SubscriptionNode<T>? Hash => hash;

    /// <summary>The shared subscriptions to this filter; <see langword="null"/> if there is none.</summary>
    public IReadOnlyList<ShareGroup<T>>? Groups => groups;

    /// <summary>True if somebody has subscribed to this filter.</summary>
    public bool HasSubscriptions => subscriptions is not null;

    public bool IsEmpty => subscriptions is null && groups is null && children is null && plus is null && hash is null;

    /// <summary>The receivers of a message that this filter alone matches; all topics for which that is so share them.</summary>
    public Receivers<T> Receivers => subscriptions switch
    {
        null => default,
        Target<T>[] single => new(single),
        _ => ((Subscribers<T>)subscriptions).Receivers,
    };

    /// <summary>The child for a level of a topic, if there is one; <c>+</c> and <c>#</c> do not stand in topics.</summary>
    public SubscriptionNode<T>? Find(ReadOnlySpan<byte> name) => children switch
    {
        null => null,
        SubscriptionNode<T> single => name.SequenceEqual(single.level.Span) ? single : null,
        _ => Lookup(children).TryGetValue(name, out var child) ? child : null,
    };

    /// <summary>The child for a level of a filter, if there is one.</summary>
    public SubscriptionNode<T>? FindLevel(ReadOnlySpan<byte> name) => name switch
    {
        [(byte)'+'] => plus,
        [(byte)'#'] => hash,
        _ => Find(name),
    };

    /// <summary>The child for a level of a filter, made if there is none; it goes on using these bytes.</summary>
    public SubscriptionNode<T> GetLevel(ReadOnlyMemory<byte> name) => name.Span switch
    {
        [(byte)'+'] => plus ??= new(this, name),
        [(byte)'#'] => hash ??= new(this, name),
        var bytes => Find(bytes) ?? AddChild(new(this, name)),
    };

    /// <summary>Takes a child out.</summary>
    public void RemoveLevel(SubscriptionNode<T> child)
    {
        if (child == plus)
            plus = null;
        else if (child == hash)
            hash = null;
        else if (children is not HashSet<SubscriptionNode<T>> set || (set.Remove(child) && set.Count == 0))
            children = null;
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

    private SubscriptionNode<T> AddChild(SubscriptionNode<T> child)
    {
        if (children is null)
        {
            children = child;
            return child;
        }

        if (children is SubscriptionNode<T> single)
            children = new HashSet<SubscriptionNode<T>>(ByLevel.Instance) { single };
        ((HashSet<SubscriptionNode<T>>)children).Add(child);
        return child;
    }

    private static HashSet<SubscriptionNode<T>>.AlternateLookup<ReadOnlySpan<byte>> Lookup(object children) =>
        ((HashSet<SubscriptionNode<T>>)children).GetAlternateLookup<ReadOnlySpan<byte>>();

    // Children of one node differ in their level; a child is found by its bytes.
    private sealed class ByLevel : IEqualityComparer<SubscriptionNode<T>>, IAlternateEqualityComparer<ReadOnlySpan<byte>, SubscriptionNode<T>>
    {
        public static readonly ByLevel Instance = new();

        public bool Equals(SubscriptionNode<T>? x, SubscriptionNode<T>? y) => x == y;

        public int GetHashCode([DisallowNull] SubscriptionNode<T> obj) => GetHashCode(obj.level.Span);

        public bool Equals(ReadOnlySpan<byte> alternate, SubscriptionNode<T> other) => alternate.SequenceEqual(other.level.Span);

        public int GetHashCode(ReadOnlySpan<byte> alternate) => Utf8Comparer.Instance.GetHashCode(alternate);

        public SubscriptionNode<T> Create(ReadOnlySpan<byte> alternate) => throw new NotSupportedException("A node has a parent.");
    }
}
