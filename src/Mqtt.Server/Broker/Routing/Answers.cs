using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Routing;

/// <summary>
/// Who gets the messages of the topics that were published lately: one look-up by the bytes of a topic, without a lock. Bounded in topics and in receivers, for
/// a thousand topics may have ten thousand receivers each; when the newer half is full, the older one is forgotten, and with it what nobody has
/// published to since. Topics that are met once are not kept: with a million of them in turn, that would only cost.
/// </summary>
internal sealed class Answers<T>(FilterChanges changes)
    where T : class
{
    private const int TopicsOfHalf = 16_384;
    private const int TargetsOfHalf = 262_144;

    private volatile Half newer = new();
    private Half older = new();

    // Hashes of the topics that were met last. Under the router's lock.
    private readonly int[] met = new int[16_384];

    // Of the newer half.
    private int topicCount;
    private int targetCount;

    /// <summary>The answer for a topic if it still holds. Any thread.</summary>
    public bool TryFind(ReadOnlySpan<byte> topic, [NotNullWhen(true)] out Match<T>? match) =>
        newer.Lookup.TryGetValue(topic, out match) && changes.IsCurrent(match.Stamp);

    /// <summary>The answer of the older half, if it still holds. Under the router's lock.</summary>
    public bool TryFindOlder(ReadOnlySpan<byte> topic, [NotNullWhen(true)] out Match<T>? match)
    {
        if (older.Lookup.TryGetValue(topic, out match) && changes.IsCurrent(match.Stamp))
            return true;
        match = null;
        return false;
    }

    /// <summary>True for a topic that was met before, not long ago. Under the router's lock.</summary>
    public bool IsWorthKeeping(ReadOnlySpan<byte> topic)
    {
        var hash = Utf8Comparer.Instance.GetHashCode(topic);
        ref var last = ref met[hash & (met.Length - 1)];
        if (last == hash)
            return true;
        last = hash;
        return false;
    }

    /// <summary>Keeps an answer. Under the router's lock, as every change of the tree: no answer that is kept is older than the tree.</summary>
    public void Keep(ReadOnlySpan<byte> topic, Match<T> match)
    {
        topicCount++;
        targetCount += match.Targets.Length;
        if (topicCount > TopicsOfHalf || targetCount > TargetsOfHalf)
        {
            (older, newer) = (newer, new Half());
            (topicCount, targetCount) = (1, match.Targets.Length);
        }

        var lookup = newer.Lookup;
        lookup[topic] = match;
    }

    /// <summary>A filter has come or gone: what it can alter is not answered any more. Under the router's lock.</summary>
    public void Forget(MqttString filter)
    {
        if (MqttTopic.HasWildcard(filter.Span))
        {
            changes.Note(filter.Span);
            return;
        }

        newer.Topics.TryRemove(filter, out _);
        older.Topics.TryRemove(filter, out _);
    }

    private sealed class Half
    {
        public Half() => Lookup = Topics.GetAlternateLookup<ReadOnlySpan<byte>>();

        public ConcurrentDictionary<MqttString, Match<T>> Topics { get; } = new(Utf8Comparer.Instance);

        public ConcurrentDictionary<MqttString, Match<T>>.AlternateLookup<ReadOnlySpan<byte>> Lookup { get; }
    }
}
