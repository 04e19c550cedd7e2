using Mqtt.Protocol;
using Mqtt.Server.Broker.Hooks;
using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Broker.Storage;

namespace Mqtt.Server.Broker.Retained;

/// <summary>The last retained message of each topic (section 3.3.1.3). Any thread.</summary>
/// <param name="store">Where they are kept as well, changed in the same order; <see langword="null"/> for nowhere.</param>
internal sealed class RetainedMessages(IRetainedStore? store)
{
    private readonly Lock gate = new();
    private readonly HashSet<RetainedTopic> topics = new(RetainedTopicComparer.Instance);
    private readonly TopicOrder order = new();
    private long lastNumber;

    // Those of the broker's own, below $SYS, count for no bound.
    private int countedTopics;
    private long countedBytes;

    /// <summary>How many topics have a message.</summary>
    public int Count
    {
        get
        {
            lock (gate)
                return topics.Count;
        }
    }

    /// <summary>
    /// Nothing changes until the result is disposed. Who retains a message looks up its subscribers meanwhile, and who subscribes looks up
    /// <see cref="LastNumber"/>: so a message is either retained before a subscription, and brought to it, or published after it, but never both.
    /// </summary>
    public Lock.Scope Hold() => gate.EnterScope();

    /// <summary>False if one more message would go beyond a bound; what it takes the place of makes room.</summary>
    public bool HasRoomFor(ReadOnlySpan<byte> name, int bytes, int most, long mostBytes)
    {
        lock (gate)
        {
            var isNew = !topics.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out var topic);
            return (!isNew || countedTopics < most) && countedBytes + bytes - (isNew ? 0 : topic!.Message.Bytes) <= mostBytes;
        }
    }

    /// <summary>Keeps a message in place of its topic's last one [MQTT-3.3.1-5], here and in the store. Returns the position.</summary>
    public long Keep(StoredMessage message, in MessageRecord record)
    {
        lock (gate)
        {
            Set(message);
            return store?.Save(record) ?? 0;
        }
    }

    /// <summary>The same, here alone: the store has it, or is not to have it.</summary>
    public void Set(StoredMessage message)
    {
        StoredMessage? old = null;
        lock (gate)
        {
            if (topics.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(message.Topic.Span, out var topic))
            {
                old = topic.Message;
                Account(topic, -1);
                topic.Message = message.Hold();
            }
            else
            {
                topic = new RetainedTopic { Message = message.Hold() };
                topics.Add(topic);
                order.Add(topic);
            }

            Account(topic, 1);
            topic.Number = ++lastNumber;
            HasExpiring |= message.ExpiresAt != MessageParts.NeverExpires;
        }

        old?.Release();
    }

    /// <summary>The number of the newest message, see <see cref="RetainedTopic.Number"/>.</summary>
    public long LastNumber
    {
        get
        {
            lock (gate)
                return lastNumber;
        }
    }

    /// <summary>Forgets a topic's message [MQTT-3.3.1-6], here and in the store; true if there was one.</summary>
    public bool Remove(ReadOnlySpan<byte> name, out long position)
    {
        position = 0;
        RetainedTopic? topic;
        lock (gate)
        {
            if (topics.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out topic))
                position = Forget(topic);
        }

        topic?.Message.Release();
        return topic is not null;
    }

    /// <summary>All messages whose topics match, each held for the caller; those that have expired are forgotten.</summary>
    public List<StoredMessage> Find(MqttString filter, long now, HookList<IRetainedObserver>? observers = null)
    {
        var found = new List<StoredMessage>();
        var cursor = new RetainedCursor(filter, QualityOfService.ExactlyOnce, 0, long.MaxValue);
        while (!cursor.IsDone)
            Pull(cursor, int.MaxValue, 4096, now, found, observers);
        return found;
    }

    /// <summary>False if no topic can match a filter; true if one may.</summary>
    public bool MayMatch(MqttString filter)
    {
        lock (gate)
            return MqttTopic.HasWildcard(filter.Span) ? topics.Count > 0 : topics.GetAlternateLookup<ReadOnlySpan<byte>>().Contains(filter.Span);
    }

    /// <summary>
    /// The next messages that a cursor comes to, each held for the caller; those that have expired are forgotten. Neither more than
    /// <paramref name="most"/> nor from more topics than <paramref name="mostVisited"/>, so that the lock is not held for long.
    /// </summary>
    public void Pull(RetainedCursor cursor, int most, int mostVisited, long now, List<StoredMessage> found, HookList<IRetainedObserver>? observers = null)
    {
        List<RetainedTopic>? expired = null;
        lock (gate)
        {
            if (MqttTopic.HasWildcard(cursor.Filter.Span))
                PullRange(cursor, most, mostVisited, now, found, ref expired);
            else
                PullOne(cursor, now, found, ref expired);
            Forget(expired);
        }

        TellOf(expired, now, observers);
    }

    /// <summary>True if any message has ever been kept that expires: else a <see cref="Sweep"/> finds nothing.</summary>
    public bool HasExpiring { get; private set; }

    /// <summary>
    /// Looks at the next topics, no more than <paramref name="mostVisited"/>, and forgets the messages that have expired though nobody asks for them. Returns where it
    /// came to; empty at the end, to begin again.
    /// </summary>
    public MqttString Sweep(MqttString after, int mostVisited, long now, HookList<IRetainedObserver>? observers)
    {
        List<RetainedTopic>? expired = null;
        lock (gate)
        {
            var isFirst = after.IsEmpty;
            var left = mostVisited;
            var last = default(MqttString);
            foreach (var topic in order.From(after.Bytes, inclusive: isFirst))
            {
                if (left-- == 0)
                    break;
                last = topic.Name;
                if (topic.Message.ExpiresAt <= now)
                    (expired ??= []).Add(topic);
            }

            after = left < 0 ? last.ToOwned() : default;
            Forget(expired);
        }

        TellOf(expired, now, observers);
        return after;
    }

    /// <summary>Lets go of everything.</summary>
    public void Clear()
    {
        lock (gate)
        {
            RetainedTopic[] all = [.. topics];
            topics.Clear();
            order.Clear();
            (countedTopics, countedBytes) = (0, 0);
            foreach (var topic in all)
                topic.Message.Release();
        }
    }

    // While its message is still held, since that has its name.
    private long Forget(RetainedTopic topic)
    {
        topics.Remove(topic);
        order.Remove(topic);
        Account(topic, -1);
        return store?.Delete(topic.Name.Bytes) ?? 0;
    }

    private void Account(RetainedTopic topic, int sign)
    {
        if (topic.Name.Span.StartsWith("$SYS/"u8))
            return;
        countedTopics += sign;
        countedBytes += sign * topic.Message.Bytes;
    }

    private void Forget(List<RetainedTopic>? expired)
    {
        foreach (var topic in expired ?? [])
            Forget(topic);
    }

    private static void TellOf(List<RetainedTopic>? expired, long now, HookList<IRetainedObserver>? observers)
    {
        foreach (var topic in expired ?? [])
        {
            observers?.Tell(topic.Message, now, 0, static (observer, _, message) => observer.OnRetainedExpiredAsync(message));
            topic.Message.Release();
        }
    }

    private void PullOne(RetainedCursor cursor, long now, List<StoredMessage> found, ref List<RetainedTopic>? expired)
    {
        if (cursor.After.IsEmpty && topics.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(cursor.Filter.Span, out var topic))
            Take(topic, cursor, now, found, ref expired);
        cursor.After = cursor.Filter;
        cursor.IsDone = true;
    }

    // All that a filter matches begins with what stands before its first wildcard, and so stands together.
    private void PullRange(RetainedCursor cursor, int most, int mostVisited, long now, List<StoredMessage> found, ref List<RetainedTopic>? expired)
    {
        var prefix = PrefixOf(cursor.Filter.Bytes);
        var isFirst = cursor.After.IsEmpty;
        RetainedTopic? last = null;
        foreach (var topic in order.From(isFirst ? prefix : cursor.After.Bytes, inclusive: isFirst))
        {
            if (!topic.Name.Span.StartsWith(prefix.Span))
                break;
            if (found.Count == most || mostVisited-- == 0)
            {
                cursor.After = last is null ? cursor.After : last.Name.ToOwned();
                return;
            }

            last = topic;
            if (MqttTopic.Matches(cursor.Filter.Span, topic.Name.Span))
                Take(topic, cursor, now, found, ref expired);
        }

        cursor.IsDone = true;
    }

    // "a/#" matches "a" too.
    private static ReadOnlyMemory<byte> PrefixOf(ReadOnlyMemory<byte> filter)
    {
        var end = filter.Span.IndexOfAny((byte)'+', (byte)'#');
        return filter[..(end > 0 && filter.Span[end] == '#' ? end - 1 : end)];
    }

    private static void Take(RetainedTopic topic, RetainedCursor cursor, long now, List<StoredMessage> found, ref List<RetainedTopic>? expired)
    {
        if (topic.Message.ExpiresAt <= now)
            (expired ??= []).Add(topic);
        else if (topic.Number <= cursor.Newest && cursor.Known?.Contains(topic.Name) is not true)
            found.Add(topic.Message.Hold());
    }
}
