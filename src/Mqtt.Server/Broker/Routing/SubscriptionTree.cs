using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Routing;

/// <summary>The subscriptions by the levels of their filters. The router's lock guards it. Matching is iterative: a topic may have any number of levels.</summary>
internal sealed class SubscriptionTree<T>
    where T : class
{
    private readonly SubscriptionNode<T> root = new(default);
    private readonly SubscriptionLookahead<T> lookahead;
    private readonly Stack<(SubscriptionNode<T> Node, int At)> open = new();

    // To the filter that is taken out.
    private readonly List<SubscriptionNode<T>> way = [];

    public SubscriptionTree() => lookahead = new(root);

    /// <summary>Has the processor fetch from memory what <see cref="Collect"/> will need for some topics.</summary>
    public void Fetch(ReadOnlySpan<byte> bytes, ReadOnlySpan<TopicPlace> topics) => lookahead.Fetch(bytes, topics);

    /// <summary>Adds a subscription, or replaces the one of the same subscriber and filter; true if it is new. The filter owns its bytes.</summary>
    public bool Add(MqttString filter, in Subscription<T> subscription) => Grow(filter).Add(subscription.Target);

    /// <summary>Adds a shared subscription, which is not there yet.</summary>
    public void Add(ShareGroup<T> group) => Grow(group.TopicFilter).Add(group);

    /// <summary>Takes a subscription out, and the branches that it leaves empty; true if it was there.</summary>
    public bool Remove(ReadOnlySpan<byte> filter, T subscriber)
    {
        var wasThere = TryFind(filter) && way[^1].Remove(subscriber);
        if (wasThere)
            Prune();
        way.Clear();
        return wasThere;
    }

    /// <summary>Takes a shared subscription out.</summary>
    public void Remove(ShareGroup<T> group)
    {
        if (TryFind(group.TopicFilter.Span))
        {
            way[^1].Remove(group);
            Prune();
        }

        way.Clear();
    }

    /// <summary>Collects where the filters end that match a topic name and have subscriptions, and the shared subscriptions to them.</summary>
    public void Collect(ReadOnlySpan<byte> topic, List<SubscriptionNode<T>> matches, List<ShareGroup<T>> shared)
    {
        open.Clear();
        open.Push((root, 0));
        while (open.TryPop(out var step))
        {
            var (node, at) = step;

            // A wildcard in the first level does not match a topic that begins with $ [MQTT-4.7.2-1].
            var wildcards = at > 0 || topic is not [(byte)'$', ..];
            var children = node.Children;
            if (wildcards && children?.Hash is { } rest)
                Take(rest, matches, shared);
            if (at > topic.Length)
            {
                Take(node, matches, shared);
                continue;
            }

            if (children is null)
                continue;
            var level = Levels.First(topic[at..]);
            var next = at + level.Length + 1;
            if (wildcards && children.Plus is { } any)
                GoOn(any, 1, topic, next, matches, shared);
            if (children.Find(level) is { } child)
                GoOn(child, level.Length, topic, next, matches, shared);
        }
    }

    // To a node whose first level matches: its own levels are all that is left of a filter, or its children are the next ones.
    private void GoOn(SubscriptionNode<T> node, int lengthOfFirst, ReadOnlySpan<byte> topic, int next, List<SubscriptionNode<T>> matches, List<ShareGroup<T>> shared)
    {
        var tail = node.Tail(lengthOfFirst);
        if (tail.IsEmpty)
            open.Push((node, next));
        else if (next > topic.Length ? tail.SequenceEqual("/#"u8) : MqttTopic.Matches(tail, topic[(next - 1)..]))
            Take(node, matches, shared);
    }

    private static void Take(SubscriptionNode<T> node, List<SubscriptionNode<T>> matches, List<ShareGroup<T>> shared)
    {
        if (node.HasSubscriptions)
            matches.Add(node);
        if (node.Groups is { } groups)
            shared.AddRange(groups);
    }

    private SubscriptionNode<T> Grow(MqttString filter)
    {
        var node = root;
        var at = 0;
        foreach (var level in new Levels(filter.Span))
        {
            if (node.Children?.FindLevel(level) is not { } child)
                return node.AddChild(filter.Bytes[at..]);
            if (child.Tail(level.Length) is { IsEmpty: false } tail)
            {
                if (tail.SequenceEqual(filter.Span[(at + level.Length)..]))
                    return child;
                child.Split(level.Length);
            }

            node = child;
            at += level.Length + 1;
        }

        return node;
    }

    // Leaves the way there in the list, which is empty before.
    private bool TryFind(ReadOnlySpan<byte> filter)
    {
        way.Add(root);
        var at = 0;
        foreach (var level in new Levels(filter))
        {
            if (way[^1].Children?.FindLevel(level) is not { } child)
                return false;
            way.Add(child);
            at += level.Length;
            if (child.Tail(level.Length) is { IsEmpty: false } tail)
                return tail.SequenceEqual(filter[at..]);
            at++;
        }

        return true;
    }

    private void Prune()
    {
        for (var i = way.Count - 1; i > 0 && way[i].IsEmpty; i--)
            way[i - 1].RemoveChild(way[i]);
    }
}
