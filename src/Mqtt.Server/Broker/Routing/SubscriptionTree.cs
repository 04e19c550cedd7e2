using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Routing;

/// <summary>The subscriptions by the levels of their filters. The router's lock guards it. Matching is iterative: a topic may have any number of levels.</summary>
internal sealed class SubscriptionTree<T>
    where T : class
{
    private readonly Node root = new(null, default);
    private readonly Stack<(Node Node, int At)> open = new();

    /// <summary>Adds a subscription, or replaces the one of the same subscriber and filter; true if it is new.</summary>
    public bool Add(Subscription<T> subscription)
    {
        var node = root;
        foreach (var level in new Levels(subscription.Filter.Span))
            node = node.ChildFor(level);
        var index = node.Subscriptions.FindIndex(other => ReferenceEquals(other.Subscriber, subscription.Subscriber));
        if (index < 0)
            node.Subscriptions.Add(subscription);
        else
            node.Subscriptions[index] = subscription;
        return index < 0;
    }

    /// <summary>Takes a subscription out, and the branches that it leaves empty; true if it was there.</summary>
    public bool Remove(ReadOnlySpan<byte> filter, T subscriber)
    {
        var node = root;
        foreach (var level in new Levels(filter))
        {
            if (node.Find(level) is not { } child)
                return false;
            node = child;
        }

        if (node.Subscriptions.RemoveAll(other => ReferenceEquals(other.Subscriber, subscriber)) == 0)
            return false;
        for (; node is { Parent: { } parent, IsEmpty: true }; node = parent)
            parent.Children.Remove(node.Level);
        return true;
    }

    /// <summary>Collects all subscriptions that match a topic name, with repeats of subscribers.</summary>
    public void Collect(ReadOnlySpan<byte> topic, List<Subscription<T>> matches)
    {
        open.Clear();
        open.Push((root, 0));
        while (open.TryPop(out var step))
        {
            var (node, at) = step;

            // A wildcard in the first level does not match a topic that begins with $ [MQTT-4.7.2-1].
            var wildcards = at > 0 || topic is not [(byte)'$', ..];
            if (wildcards && node.Find("#"u8) is { } rest)
                matches.AddRange(rest.Subscriptions);
            if (at > topic.Length)
            {
                matches.AddRange(node.Subscriptions);
                continue;
            }

            var length = topic[at..].IndexOf((byte)'/');
            var level = length < 0 ? topic[at..] : topic.Slice(at, length);
            var next = at + level.Length + 1;
            if (wildcards && node.Find("+"u8) is { } any)
                open.Push((any, next));
            if (node.Find(level) is { } child)
                open.Push((child, next));
        }
    }

    private sealed class Node(Node? parent, MqttString level)
    {
        private static readonly Dictionary<MqttString, Node> NoChildren = new(Utf8Comparer.Instance);

        private Dictionary<MqttString, Node>? children;

        public Node? Parent => parent;

        public MqttString Level => level;

        public List<Subscription<T>> Subscriptions { get; } = [];

        public Dictionary<MqttString, Node> Children => children ?? NoChildren;

        public bool IsEmpty => Subscriptions.Count == 0 && Children.Count == 0;

        public Node? Find(ReadOnlySpan<byte> name) =>
            children is not null && children.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out var child) ? child : null;

        public Node ChildFor(ReadOnlySpan<byte> name)
        {
            if (Find(name) is { } child)
                return child;
            var key = MqttString.FromUtf8(name.ToArray());
            child = new Node(this, key);
            (children ??= new(Utf8Comparer.Instance)).Add(key, child);
            return child;
        }
    }
}
