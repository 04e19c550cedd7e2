using System.Collections.Concurrent;
using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Routing;

/// <summary>
/// Who gets the messages of the topics that were published lately: one look-up by the bytes of a topic, without a lock. Bounded in topics and in receivers, for
/// a thousand topics may have ten thousand receivers each; when the newer half is full, the older one is forgotten, and with it what nobody has
/// published to since. Topics that are not met again and again are not kept: with a hundred thousand of them in turn, that would only cost.
/// </summary>
internal sealed class Answers<T>(FilterChanges changes)
    where T : class
{
    private const int TopicsOfHalf = 16_384;
    private const int TargetsOfHalf = 262_144;

    private volatile Half newer = new();
    private Half older = new();

    // In each place the hash of a topic, and in its last bits how much oftener this one was met than the others of the place. Under the router's lock.
    private readonly int[] met = new int[2 * TopicsOfHalf];

    // Of the newer half.
    private int topicCount;
    private int targetCount;

    /// <summary>The answer for a topic if it still holds. Any thread.</summary>
    public bool TryFind(ReadOnlySpan<byte> topic, out Match<T> match) => TryFind(newer, topic, out match);

    /// <summary>The answer of the older half, if it still holds. Under the router's lock.</summary>
    public bool TryFindOlder(ReadOnlySpan<byte> topic, out Match<T> match) => TryFind(older, topic, out match);

    /// <summary>True for a topic that was met a few times, not long ago. Under the router's lock.</summary>
    public bool IsWorthKeeping(ReadOnlySpan<byte> topic)
    {
        const int Often = 3;
        var hash = Utf8Comparer.Instance.GetHashCode(topic);
        ref var place = ref met[(uint)hash / (Often + 1) % (uint)met.Length];
        var count = place & Often;
        if ((place & ~Often) == (hash & ~Often))
        {
            if (count < Often)
                place++;
            return count + 1 >= Often;
        }

        place = count > 0 ? place - 1 : hash & ~Often;
        return false;
    }

    /// <summary>Keeps an answer. Under the router's lock, as every change of the tree: no answer that is kept is older than the tree.</summary>
    public void Keep(ReadOnlySpan<byte> topic, in Match<T> match)
    {
        topicCount++;
        targetCount += match.Targets.Length;
        if (topicCount > TopicsOfHalf || targetCount > TargetsOfHalf)
        {
            (older, newer) = (newer, new Half());
            (topicCount, targetCount) = (1, match.Targets.Length);
        }

        var lookup = newer.Lookup;
        lookup[topic] = new Answer(match, changes.StampFor(topic));
    }

    /// <summary>A filter has come or gone: what it can alter is not answered any more. Under the router's lock.</summary>
    public void Forget(MqttString filter)
    {
        if (MqttTopic.HasWildcard(filter.Span))
        {
            changes.Note(filter.Span);
            return;
        }

        newer.Forget(filter);
        older.Forget(filter);
    }

    private bool TryFind(Half half, ReadOnlySpan<byte> topic, out Match<T> match)
    {
        var isKept = half.Lookup.TryGetValue(topic, out var answer);
        match = answer.Match;
        return isKept && changes.IsCurrent(answer.Stamp);
    }

    /// <summary>Who gets a topic's messages, and when this was found.</summary>
    private readonly record struct Answer(Match<T> Match, Stamp Stamp);

    private sealed class Half
    {
        public Half() => Lookup = Topics.GetAlternateLookup<ReadOnlySpan<byte>>();

        public ConcurrentDictionary<MqttString, Answer> Topics { get; } = new(Utf8Comparer.Instance);

        public ConcurrentDictionary<MqttString, Answer>.AlternateLookup<ReadOnlySpan<byte>> Lookup { get; }

        /// <summary>Takes a topic out. Most filters that come or go are none of the topics, and looking takes no lock.</summary>
        public void Forget(MqttString topic)
        {
            if (Topics.ContainsKey(topic))
                Topics.TryRemove(topic, out _);
        }
    }
}
