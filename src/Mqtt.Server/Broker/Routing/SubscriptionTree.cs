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
        var node = Grow(subscription.Filter.Span);
        var index = node.Subscriptions.FindIndex(other => ReferenceEquals(other.Subscriber, subscription.Subscriber));
        if (index < 0)
            node.Subscriptions.Add(subscription);
        else
            node.Subscriptions[index] = subscription;
        return index < 0;
    }

    /// <summary>Adds a shared subscription, which is not there yet.</summary>
    public void Add(ShareGroup<T> group) => Grow(group.TopicFilter.Span).AddGroup(group);

    /// <summary>Takes a subscription out, and the branches that it leaves empty; true if it was there.</summary>
    public bool Remove(ReadOnlySpan<byte> filter, T subscriber)
    {
        if (Find(filter) is not { } node || node.Subscriptions.RemoveAll(other => ReferenceEquals(other.Subscriber, subscriber)) == 0)
            return false;
        Prune(node);
        return true;
    }

    /// <summary>Takes a shared subscription out.</summary>
    public void Remove(ShareGroup<T> group)
    {
        if (Find(group.TopicFilter.Span) is not { } node)
            return;
        node.RemoveGroup(group);
        Prune(node);
    }

    private Node Grow(ReadOnlySpan<byte> filter)
    {
        var node = root;
        foreach (var level in new Levels(filter))
            node = node.ChildFor(level);
        return node;
    }

    private Node? Find(ReadOnlySpan<byte> filter)
    {
        var node = root;
        foreach (var level in new Levels(filter))
        {
            if (node.Find(level) is not { } child)
                return null;
            node = child;
        }

        return node;
    }

    private static void Prune(Node node)
    {
        for (; node is { Parent: { } parent, IsEmpty: true }; node = parent)
            parent.Children.Remove(node.Level);
    }

    /// <summary>Collects all subscriptions that match a topic name, with repeats of subscribers, and all shared ones.</summary>
    public void Collect(ReadOnlySpan<byte> topic, List<Subscription<T>> matches, List<ShareGroup<T>> groups)
    {
        open.Clear();
        open.Push((root, 0));
        while (open.TryPop(out var step))
        {
            var (node, at) = step;

            // A wildcard in the first level does not match a topic that begins with $ [MQTT-4.7.2-1].
            var wildcards = at > 0 || topic is not [(byte)'$', ..];
            if (wildcards && node.Find("#"u8) is { } rest)
                rest.Collect(matches, groups);
            if (at > topic.Length)
            {
                node.Collect(matches, groups);
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
        private List<ShareGroup<T>>? groups;

        public Node? Parent => parent;

        public MqttString Level => level;

        public List<Subscription<T>> Subscriptions { get; } = [];

        public Dictionary<MqttString, Node> Children => children ?? NoChildren;

        public bool IsEmpty => Subscriptions.Count == 0 && Children.Count == 0 && groups is null;

        public void AddGroup(ShareGroup<T> group) => (groups ??= []).Add(group);

        public void RemoveGroup(ShareGroup<T> group)
        {
            groups?.Remove(group);
            if (groups is { Count: 0 })
                groups = null;
        }

        public void Collect(List<Subscription<T>> matches, List<ShareGroup<T>> found)
        {
            matches.AddRange(Subscriptions);
            if (groups is not null)
                found.AddRange(groups);
        }

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
