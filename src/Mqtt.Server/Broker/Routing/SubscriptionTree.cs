using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Routing;

/// <summary>The subscriptions by the levels of their filters. The router's lock guards it. Matching is iterative: a topic may have any number of levels.</summary>
internal sealed class SubscriptionTree<T>
    where T : class
{
    // A node keeps the filter alive for which it was made. Of a longer one it keeps the level alone.
    private const int LongestKept = 128;

    private readonly SubscriptionNode<T> root = new(null, default);
    private readonly Stack<(SubscriptionNode<T> Node, int At)> open = new();

    /// <summary>Adds a subscription, or replaces the one of the same subscriber and filter; true if it is new. The filter owns its bytes.</summary>
    public bool Add(MqttString filter, in Subscription<T> subscription) => Grow(filter).Add(subscription.Target);

    /// <summary>Adds a shared subscription, which is not there yet.</summary>
    public void Add(ShareGroup<T> group) => Grow(group.TopicFilter).Add(group);

    /// <summary>Takes a subscription out, and the branches that it leaves empty; true if it was there.</summary>
    public bool Remove(ReadOnlySpan<byte> filter, T subscriber)
    {
        if (Find(filter) is not { } node || !node.Remove(subscriber))
            return false;
        Prune(node);
        return true;
    }

    /// <summary>Takes a shared subscription out.</summary>
    public void Remove(ShareGroup<T> group)
    {
        if (Find(group.TopicFilter.Span) is not { } node)
            return;
        node.Remove(group);
        Prune(node);
    }

    /// <summary>Collects where the filters end that match a topic name and have subscriptions, shared or not.</summary>
    public void Collect(ReadOnlySpan<byte> topic, List<SubscriptionNode<T>> matches)
    {
        open.Clear();
        open.Push((root, 0));
        while (open.TryPop(out var step))
        {
            var (node, at) = step;

            // A wildcard in the first level does not match a topic that begins with $ [MQTT-4.7.2-1].
            var wildcards = at > 0 || topic is not [(byte)'$', ..];
            if (wildcards && node.Hash is { } rest)
                Take(rest, matches);
            if (at > topic.Length)
            {
                Take(node, matches);
                continue;
            }

            var length = topic[at..].IndexOf((byte)'/');
            var level = length < 0 ? topic[at..] : topic.Slice(at, length);
            var next = at + level.Length + 1;
            if (wildcards && node.Plus is { } any)
                open.Push((any, next));
            if (node.Find(level) is { } child)
                open.Push((child, next));
        }
    }

    private static void Take(SubscriptionNode<T> node, List<SubscriptionNode<T>> matches)
    {
        if (node.HasSubscriptions || node.Groups is not null)
            matches.Add(node);
    }

    private SubscriptionNode<T> Grow(MqttString filter)
    {
        var node = root;
        var at = 0;
        foreach (var level in new Levels(filter.Span))
        {
            node = node.GetLevel(filter.Length <= LongestKept ? filter.Bytes.Slice(at, level.Length) : level.ToArray());
            at += level.Length + 1;
        }

        return node;
    }

    private SubscriptionNode<T>? Find(ReadOnlySpan<byte> filter)
    {
        var node = root;
        foreach (var level in new Levels(filter))
        {
            if (node.FindLevel(level) is not { } child)
                return null;
            node = child;
        }

        return node;
    }

    private static void Prune(SubscriptionNode<T> node)
    {
        for (; node is { Parent: { } parent, IsEmpty: true }; node = parent)
            parent.RemoveLevel(node);
    }
}
