using Mqtt.Protocol;
using Mqtt.Server.Broker.Hooks;
using Mqtt.Server.Broker.Messages;

namespace Mqtt.Server.Broker.Retained;

/// <summary>The last retained message of each topic (section 3.3.1.3). Any thread; its lock is taken alone.</summary>
internal sealed class RetainedMessages
{
    private readonly Lock gate = new();
    private readonly Dictionary<MqttString, StoredMessage> messages = new(Utf8Comparer.Instance);

    /// <summary>How many topics have a message.</summary>
    public int Count
    {
        get
        {
            lock (gate)
                return messages.Count;
        }
    }

    /// <summary>Keeps a message in place of its topic's last one [MQTT-3.3.1-5].</summary>
    public void Set(StoredMessage message)
    {
        StoredMessage? old;
        lock (gate)
        {
            var lookup = messages.GetAlternateLookup<ReadOnlySpan<byte>>();
            var topic = message.Parts.Topic.Span;

            // The key's bytes are the message's own: both change together.
            lookup.Remove(topic, out _, out old);
            messages.Add(MqttString.FromUtf8(message.Parts.Topic), message.Hold());
        }

        old?.Release();
    }

    /// <summary>Forgets a topic's message [MQTT-3.3.1-6]; true if there was one.</summary>
    public bool Remove(ReadOnlySpan<byte> topic)
    {
        StoredMessage? old;
        lock (gate)
            messages.GetAlternateLookup<ReadOnlySpan<byte>>().Remove(topic, out _, out old);
        old?.Release();
        return old is not null;
    }

    /// <summary>Collects the messages whose topics match, each held for the caller; those that have expired are forgotten.</summary>
    public List<StoredMessage> Find(MqttString filter, long now, HookList<IRetainedObserver>? observers = null)
    {
        var found = new List<StoredMessage>();
        List<StoredMessage>? expired = null;
        lock (gate)
        {
            if (filter.Span.IndexOfAny((byte)'+', (byte)'#') < 0)
            {
                if (messages.TryGetValue(filter, out var message))
                    Take(message, now, found, ref expired);
            }
            else
            {
                foreach (var (topic, message) in messages)
                {
                    if (MqttTopic.Matches(filter.Span, topic.Span))
                        Take(message, now, found, ref expired);
                }
            }

            foreach (var message in expired ?? [])
                messages.Remove(MqttString.FromUtf8(message.Parts.Topic));
        }

        foreach (var message in expired ?? [])
        {
            observers?.Tell(message, now, 0, static (observer, _, message) => observer.OnRetainedExpiredAsync(message));
            message.Release();
        }

        return found;
    }

    /// <summary>Lets go of everything.</summary>
    public void Clear()
    {
        lock (gate)
        {
            foreach (var message in messages.Values)
                message.Release();
            messages.Clear();
        }
    }

    private static void Take(StoredMessage message, long now, List<StoredMessage> found, ref List<StoredMessage>? expired)
    {
        if (message.Parts.ExpiresAt > now)
            found.Add(message.Hold());
        else
            (expired ??= []).Add(message);
    }
}
