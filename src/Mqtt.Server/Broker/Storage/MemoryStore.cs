using Mqtt.Protocol;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Server.Broker.Storage;

/// <summary>
/// A store in memory: everything is safe at once, and lives as long as this object. A broker that is made with the store of another
/// one goes on where that one ended.
/// </summary>
public sealed class MemoryStore : IBrokerStore, ISessionStore, ISubscriptionStore, IMessageStore, IRetainedStore, ICounterStore
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Kept> sessions = [];
    private readonly Dictionary<MqttString, MessageRecord> retained = [];
    private IReadOnlyDictionary<string, long> counters = new Dictionary<string, long>();

    /// <inheritdoc/>
    public long Committed => 0;

    /// <inheritdoc/>
    public Action? CommittedChanged { get; set; }

    /// <inheritdoc/>
    public ISessionStore Sessions => this;

    /// <inheritdoc/>
    public ISubscriptionStore Subscriptions => this;

    /// <inheritdoc/>
    public IMessageStore Messages => this;

    /// <inheritdoc/>
    public IRetainedStore Retained => this;

    /// <inheritdoc/>
    public ICounterStore Counters => this;

    /// <inheritdoc/>
    public void BeginUnit()
    {
        // Each write is safe at once, and nothing comes between two of them that could lose one.
    }

    /// <inheritdoc/>
    public void EndUnit()
    {
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    long ICounterStore.Save(IReadOnlyDictionary<string, long> counters)
    {
        lock (gate)
            this.counters = new Dictionary<string, long>(counters);
        return 0;
    }

    IReadOnlyDictionary<string, long> ICounterStore.Load()
    {
        lock (gate)
            return counters;
    }

    long ISessionStore.Save(SessionRecord session)
    {
        lock (gate)
            Of(session.ClientId).Session = session with { Will = session.Will?.ToOwned() };
        return 0;
    }

    long ISessionStore.Delete(string clientId)
    {
        lock (gate)
            sessions.Remove(clientId);
        return 0;
    }

    long ISessionStore.AddArrival(string clientId, ushort packetId)
    {
        lock (gate)
            Of(clientId).Arrivals.Add(packetId);
        return 0;
    }

    long ISessionStore.RemoveArrival(string clientId, ushort packetId)
    {
        lock (gate)
            sessions.GetValueOrDefault(clientId)?.Arrivals.Remove(packetId);
        return 0;
    }

    IEnumerable<(SessionRecord Session, IReadOnlyList<ushort> Arrivals)> ISessionStore.Load()
    {
        lock (gate)
            return [.. sessions.Values.Where(kept => kept.Session is not null).Select(kept => (kept.Session!, (IReadOnlyList<ushort>)[.. kept.Arrivals]))];
    }

    long ISubscriptionStore.Save(string clientId, TopicSubscription subscription, uint identifier)
    {
        var filter = subscription.Filter.ToOwned();
        lock (gate)
            Of(clientId).Subscriptions[filter] = (subscription with { Filter = filter }, identifier);
        return 0;
    }

    long ISubscriptionStore.Delete(string clientId, MqttString filter)
    {
        lock (gate)
        {
            sessions.GetValueOrDefault(clientId)?.Subscriptions.Remove(filter);
            sessions.GetValueOrDefault(clientId)?.Pending.Remove(filter);
        }

        return 0;
    }

    long ISubscriptionStore.SaveRetained(string clientId, MqttString filter, MqttString? after)
    {
        lock (gate)
        {
            if (!sessions.TryGetValue(clientId, out var kept) || !kept.Subscriptions.ContainsKey(filter))
                return 0;
            if (after is { } topic)
                kept.Pending[filter.ToOwned()] = topic.ToOwned();
            else
                kept.Pending.Remove(filter);
        }

        return 0;
    }

    IEnumerable<(string ClientId, MqttString Filter, MqttString After)> ISubscriptionStore.LoadRetained()
    {
        lock (gate)
            return [.. sessions.SelectMany(kept => kept.Value.Pending.Select(pair => (kept.Key, pair.Key, pair.Value)))];
    }

    IEnumerable<(string ClientId, TopicSubscription Subscription, uint Identifier)> ISubscriptionStore.Load()
    {
        lock (gate)
            return [.. sessions.SelectMany(kept => kept.Value.Subscriptions.Values.Select(pair => (kept.Key, pair.Subscription, pair.Identifier)))];
    }

    long IMessageStore.Add(string clientId, long sequence, QueueEntry entry, MessageRecord message, long messageId)
    {
        var stored = new StoredEntry(clientId, sequence, entry with { SharedFilter = entry.SharedFilter.ToOwned(), RetainedFilter = entry.RetainedFilter.ToOwned() }, message.ToOwned(), 0, FlightState.None);
        lock (gate)
        {
            Of(clientId).Messages[sequence] = stored;
            if (Of(clientId).Pending.ContainsKey(entry.RetainedFilter))
                Of(clientId).Pending[entry.RetainedFilter] = MqttString.FromUtf8(stored.Message.Topic);
        }

        return 0;
    }

    long IMessageStore.SetState(string clientId, long sequence, ushort packetId, FlightState state)
    {
        lock (gate)
        {
            if (sessions.TryGetValue(clientId, out var kept) && kept.Messages.TryGetValue(sequence, out var stored))
                kept.Messages[sequence] = stored with { PacketId = packetId, State = state };
        }

        return 0;
    }

    long IMessageStore.Remove(string clientId, long sequence)
    {
        lock (gate)
            sessions.GetValueOrDefault(clientId)?.Messages.Remove(sequence);
        return 0;
    }

    IEnumerable<StoredEntry> IMessageStore.Load()
    {
        lock (gate)
            return [.. sessions.Values.SelectMany(kept => kept.Messages.Values)];
    }

    long IRetainedStore.Save(MessageRecord message)
    {
        var owned = message.ToOwned();
        lock (gate)
            retained[MqttString.FromUtf8(owned.Topic)] = owned;
        return 0;
    }

    long IRetainedStore.Delete(ReadOnlyMemory<byte> topic)
    {
        lock (gate)
            retained.Remove(MqttString.FromUtf8(topic));
        return 0;
    }

    IEnumerable<MessageRecord> IRetainedStore.Load()
    {
        lock (gate)
            return [.. retained.Values];
    }

    private Kept Of(string clientId)
    {
        if (!sessions.TryGetValue(clientId, out var kept))
            sessions[clientId] = kept = new Kept();
        return kept;
    }

    private sealed class Kept
    {
        public SessionRecord? Session { get; set; }

        public HashSet<ushort> Arrivals { get; } = [];

        public Dictionary<MqttString, (TopicSubscription Subscription, uint Identifier)> Subscriptions { get; } = [];

        // Filters whose retained messages have not all been delivered, with the last topic that was.
        public Dictionary<MqttString, MqttString> Pending { get; } = [];

        public SortedDictionary<long, StoredEntry> Messages { get; } = [];
    }
}
