using System.Collections.Concurrent;
using Mqtt.Protocol;
using Mqtt.Server.Broker.Messages;

namespace Mqtt.Server.Broker.Routing;

/// <summary>
/// Answers who gets the messages of a topic. The answer is kept for each topic, so that the hot path is one look-up by the bytes of
/// the topic, without a lock; a change drops only the answers that it can alter, since clients reconnect all day.
/// <para>A change is seen by every later <see cref="Find"/>, on every thread, once its method returns.</para>
/// </summary>
/// <typeparam name="T">The subscriber; the router compares references and looks no further.</typeparam>
internal sealed class Router<T>
    where T : class
{
    private const int MaximumAnswers = 16_384;

    private readonly Lock gate = new();
    private readonly SubscriptionTree<T> tree = new();
    private readonly List<Subscription<T>> found = [];
    private readonly List<ShareGroup<T>> foundGroups = [];
    private readonly Dictionary<MqttString, ShareGroup<T>> groups = new(Utf8Comparer.Instance);
    private readonly ConcurrentDictionary<MqttString, Match<T>> answers = new(Utf8Comparer.Instance);
    private readonly ConcurrentDictionary<MqttString, Match<T>>.AlternateLookup<ReadOnlySpan<byte>> lookup;
    private readonly bool copyPerSubscription;
    private int answerCount;
    private int subscriptionCount;

    /// <param name="copyPerSubscription">A subscriber gets a message once for each of its subscriptions that match, not once.</param>
    public Router(bool copyPerSubscription = false)
    {
        this.copyPerSubscription = copyPerSubscription;
        lookup = answers.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>How many subscriptions there are.</summary>
    public int Count => Volatile.Read(ref subscriptionCount);

    /// <summary>Everybody who gets a message of this topic.</summary>
    public Match<T> Find(ReadOnlySpan<byte> topic) => lookup.TryGetValue(topic, out var match) ? match : FindAndKeep(topic);

    /// <summary>Adds or replaces a subscription, a shared one too; true if it is new.</summary>
    public bool Add(Subscription<T> subscription)
    {
        lock (gate)
        {
            var isNew = MqttTopic.IsShared(subscription.Filter.Span) ? Join(subscription) : Plant(subscription);
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

    private bool Plant(Subscription<T> subscription)
    {
        var isNew = tree.Add(subscription);
        Forget(subscription.Filter);
        return isNew;
    }

    private bool Uproot(MqttString filter, T subscriber)
    {
        if (!tree.Remove(filter.Span, subscriber))
            return false;
        Forget(filter);
        return true;
    }

    // Who joins or leaves is seen through the group, which the answers hold; only a group that begins or ends alters them.
    private bool Join(Subscription<T> subscription)
    {
        if (!groups.TryGetValue(subscription.Filter, out var group))
        {
            groups.Add(subscription.Filter, group = new ShareGroup<T>(subscription.Filter));
            tree.Add(group);
            Forget(group.TopicFilter);
        }

        return group.Add(new(subscription.Subscriber, TermsOf([subscription])));
    }

    private bool Leave(MqttString filter, T subscriber)
    {
        if (!groups.TryGetValue(filter, out var group) || !group.Remove(subscriber))
            return false;
        if (group.Members.Length == 0)
        {
            groups.Remove(filter);
            tree.Remove(group);
            Forget(group.TopicFilter);
        }

        return true;
    }

    // Under the lock, as every change is: what is kept here cannot be older than the tree.
    private Match<T> FindAndKeep(ReadOnlySpan<byte> topic)
    {
        lock (gate)
        {
            found.Clear();
            foundGroups.Clear();
            tree.Collect(topic, found, foundGroups);
            var match = found.Count + foundGroups.Count == 0
                ? Match<T>.Nobody
                : new(Merge(found), foundGroups.Count == 0 ? null : [.. foundGroups]);
            if (answerCount >= MaximumAnswers)
            {
                answers.Clear();
                answerCount = 0;
            }

            if (lookup.TryAdd(topic, match))
                answerCount++;
            return match;
        }
    }

    private void Forget(MqttString filter)
    {
        if (!HasWildcard(filter.Span))
        {
            if (answers.TryRemove(filter, out _))
                answerCount--;
            return;
        }

        foreach (var (topic, _) in answers)
        {
            if (MqttTopic.Matches(filter.Span, topic.Span) && answers.TryRemove(topic, out _))
                answerCount--;
        }
    }

    // One copy for each subscriber: the highest QoS, all identifiers, RETAIN if any subscription keeps it.
    private Target<T>[] Merge(List<Subscription<T>> subscriptions) => subscriptions.Count switch
    {
        0 => [],
        1 => [TargetOf(subscriptions)],
        _ when copyPerSubscription => [.. subscriptions.Select(static subscription => TargetOf([subscription]))],
        _ => [.. subscriptions.GroupBy(subscription => subscription.Subscriber, ReferenceEqualityComparer.Instance).Select(group => TargetOf([.. group]))],
    };

    private static Target<T> TargetOf(List<Subscription<T>> subscriptions)
    {
        var own = subscriptions.FindAll(subscription => !subscription.NoLocal);
        return new(subscriptions[0].Subscriber, TermsOf(subscriptions), own.Count == 0 ? null : TermsOf(own));
    }

    private static DeliveryTerms TermsOf(List<Subscription<T>> subscriptions)
    {
        var identifiers = subscriptions.Where(subscription => subscription.Identifier != 0).Select(subscription => subscription.Identifier).ToArray();
        return new(
            subscriptions.Max(subscription => subscription.QualityOfService),
            subscriptions.Exists(subscription => subscription.RetainAsPublished),
            identifiers.Length == 0 ? null : identifiers);
    }

    private static bool HasWildcard(ReadOnlySpan<byte> filter) => filter.IndexOfAny((byte)'+', (byte)'#') >= 0;
}
