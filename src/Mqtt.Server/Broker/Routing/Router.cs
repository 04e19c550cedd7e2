using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Routing;

/// <summary>
/// Answers who gets the messages of a topic. The answer is kept for each topic that comes again, so that the hot path is one look-up by the bytes of
/// the topic, without a lock; a change of the subscriptions costs the same however many answers there are, and ends only those that it
/// may alter, since clients reconnect all day.
/// <para>A change is seen by every later <see cref="Find"/>, on every thread, once its method returns.</para>
/// </summary>
/// <typeparam name="T">The subscriber; the router compares references and looks no further.</typeparam>
internal sealed class Router<T>
    where T : class
{
    // With fewer subscriptions the processor's cache remembers them.
    private const int LeastToLookAhead = 4096;

    private readonly Lock gate = new();
    private readonly SubscriptionTree<T> tree = new();
    private readonly Dictionary<MqttString, ShareGroup<T>> groups = new(Utf8Comparer.Instance);
    private readonly FilterChanges changes = new();
    private readonly Answers<T> answers;
    private readonly bool copyPerSubscription;
    private int subscriptionCount;

    // For one answer at a time. Under the lock.
    private readonly List<SubscriptionNode<T>> matches = [];
    private readonly List<ShareGroup<T>> shared = [];
    private readonly Dictionary<T, int> places = new(ReferenceEqualityComparer.Instance);
    private readonly List<Target<T>> merged = [];

    /// <param name="copyPerSubscription">A subscriber gets a message once for each of its subscriptions that match, not once.</param>
    public Router(bool copyPerSubscription = false)
    {
        this.copyPerSubscription = copyPerSubscription;
        answers = new Answers<T>(changes);
    }

    /// <summary>How many subscriptions there are.</summary>
    public int Count => Volatile.Read(ref subscriptionCount);

    /// <summary>Everybody who gets a message of this topic.</summary>
    public Match<T> Find(ReadOnlySpan<byte> topic)
    {
        var hash = Utf8Comparer.Instance.GetHashCode(topic);
        return answers.TryFind(topic, hash, out var match) ? match : FindAndKeep(topic, hash);
    }

    /// <summary>True if it pays to <see cref="Fetch"/> first what is to be found.</summary>
    public bool LooksAhead => ProcessorCache.TakesHints && Count >= LeastToLookAhead;

    /// <summary>Has the processor fetch from memory what <see cref="Find"/> will need for some topics, all at once: nothing else comes of it.</summary>
    /// <param name="bytes">Where the topics stand.</param>
    /// <param name="topics">The topics; no more than are found before others evict them.</param>
    public void Fetch(ReadOnlySpan<byte> bytes, ReadOnlySpan<TopicPlace> topics)
    {
        Span<TopicPlace> others = stackalloc TopicPlace[topics.Length];
        others = others[..answers.Fetch(bytes, topics, others)];
        if (others.IsEmpty)
            return;
        lock (gate)
            tree.Fetch(bytes, others);
    }

    /// <summary>Adds or replaces a subscription, a shared one too; true if it is new.</summary>
    /// <param name="filter">The filter; it owns its bytes.</param>
    /// <param name="subscription">The subscription.</param>
    public bool Add(MqttString filter, in Subscription<T> subscription)
    {
        lock (gate)
        {
            var isNew = MqttTopic.IsShared(filter.Span) ? Join(filter, subscription) : Plant(filter, subscription);
            if (isNew)
                subscriptionCount++;
            return isNew;
        }
    }

    /// <summary>Takes a subscription out; true if it was there.</summary>
    public bool Remove(MqttString filter, T subscriber)
    {
        lock (gate)
        {
            if (!(MqttTopic.IsShared(filter.Span) ? Leave(filter, subscriber) : Uproot(filter, subscriber)))
                return false;
            subscriptionCount--;
            return true;
        }
    }

    /// <summary>The shared subscription with this whole filter; <see langword="null"/> if it has no member.</summary>
    public ShareGroup<T>? FindGroup(MqttString filter)
    {
        lock (gate)
            return groups.GetValueOrDefault(filter);
    }

    private bool Plant(MqttString filter, in Subscription<T> subscription)
    {
        var isNew = tree.Add(filter, subscription);
        answers.Forget(filter);
        return isNew;
    }

    private bool Uproot(MqttString filter, T subscriber)
    {
        if (!tree.Remove(filter.Span, subscriber))
            return false;
        answers.Forget(filter);
        return true;
    }

    // Who joins or leaves is seen through the group, which the answers hold; only a group that begins or ends alters them.
    private bool Join(MqttString filter, in Subscription<T> subscription)
    {
        if (!groups.TryGetValue(filter, out var group))
        {
            groups.Add(filter, group = new ShareGroup<T>(filter));
            tree.Add(group);
            answers.Forget(group.TopicFilter);
        }

        return group.Add(new(subscription.Subscriber, subscription.Terms));
    }

    private bool Leave(MqttString filter, T subscriber)
    {
        if (!groups.TryGetValue(filter, out var group) || !group.Remove(subscriber))
            return false;
        if (group.Members.Length == 0)
        {
            groups.Remove(filter);
            tree.Remove(group);
            answers.Forget(group.TopicFilter);
        }

        return true;
    }

    private Match<T> FindAndKeep(ReadOnlySpan<byte> topic, int hash)
    {
        lock (gate)
        {
            var match = Match(topic);
            if (answers.IsWorthKeeping(hash))
                answers.Keep(topic, hash, match);
            return match;
        }
    }

    private Match<T> Match(ReadOnlySpan<byte> topic)
    {
        matches.Clear();
        shared.Clear();
        tree.Collect(topic, matches, shared);
        return new(matches.Count == 1 ? matches[0].Receivers : new(Merge()), shared.Count == 0 ? null : [.. shared]);
    }

    // One copy for each subscriber, unless each of its subscriptions is to bring one.
    private Target<T>[] Merge()
    {
        if (matches.Count == 0)
            return [];
        merged.Clear();
        places.Clear();
        foreach (var node in matches)
        {
            var receivers = node.Receivers;
            foreach (ref readonly var target in receivers)
            {
                if (copyPerSubscription || places.TryAdd(target.Subscriber, merged.Count))
                    merged.Add(target);
                else
                    merged[places[target.Subscriber]] = merged[places[target.Subscriber]].With(target);
            }
        }

        Target<T>[] targets = [.. merged];
        merged.Clear();
        places.Clear();
        return targets;
    }
}
