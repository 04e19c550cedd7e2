using Mqtt.Protocol.Delivery;
using Mqtt.Server.Broker.Storage;

namespace Mqtt.Broker.Tests;

/// <summary>
/// A store that commits only when the test says so. Every write gets a number and waits; <see cref="Commit"/> makes it safe.
/// <see cref="Crash"/> gives the store as a process finds it that begins after this one was killed: what was not committed never happened.
/// </summary>
internal sealed class ManualCommitStore : IBrokerStore, ISessionStore, ISubscriptionStore, IMessageStore, IRetainedStore, ICounterStore
{
    private readonly Lock gate = new();
    private readonly List<Write> waiting = [];
    private readonly MemoryStore safe;
    private long lastPosition;
    private long committed;
    private bool inUnit;
    private bool dead;

    public ManualCommitStore()
        : this(new MemoryStore())
    {
    }

    private ManualCommitStore(MemoryStore safe) => this.safe = safe;

    public long Committed => Volatile.Read(ref committed);

    public Action? CommittedChanged { get; set; }

    public ISessionStore Sessions => this;

    public ISubscriptionStore Subscriptions => this;

    public IMessageStore Messages => this;

    public IRetainedStore Retained => this;

    public ICounterStore Counters => this;

    /// <summary>How many writes there were.</summary>
    public long WriteCount => lastPosition;

    /// <summary>What waits to be committed, in words.</summary>
    public IReadOnlyList<string> Waiting
    {
        get
        {
            lock (gate)
                return [.. waiting.Select(write => write.Text)];
        }
    }

    /// <summary>True if nothing waits to be committed.</summary>
    public bool IsAllSafe
    {
        get
        {
            lock (gate)
                return waiting.Count == 0;
        }
    }

    /// <summary>Commits everything; false if there was nothing.</summary>
    public bool Commit() => Commit(int.MaxValue) > 0;

    /// <summary>Commits the oldest writes, as many as these or a few more: a unit is never torn. Returns how many.</summary>
    public int Commit(int count)
    {
        var done = 0;
        lock (gate)
        {
            while (done < waiting.Count && (done < count || (done > 0 && waiting[done - 1].IsInsideUnit)))
            {
                waiting[done].Apply(safe);
                committed = waiting[done].Position;
                done++;
            }

            waiting.RemoveRange(0, done);
        }

        if (done > 0)
            CommittedChanged?.Invoke();
        return done;
    }

    /// <summary>
    /// The process that wrote here is dead; what was safe is all that the next one finds. What still waits in the dead one is let go, so
    /// that it can be put away: cut its connections first.
    /// </summary>
    public ManualCommitStore Crash()
    {
        lock (gate)
        {
            dead = true;
            waiting.Clear();
            Volatile.Write(ref committed, long.MaxValue);
        }

        CommittedChanged?.Invoke();
        return new ManualCommitStore(safe);
    }

    public void BeginUnit() => inUnit = true;

    public void EndUnit()
    {
        inUnit = false;
        lock (gate)
        {
            if (waiting.Count > 0)
                waiting[^1].IsInsideUnit = false;
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    long ISessionStore.Save(SessionRecord session)
    {
        var owned = session with { Will = session.Will?.ToOwned() };
        return Add($"save session {session.ClientId}", store => store.Sessions.Save(owned));
    }

    long ICounterStore.Save(IReadOnlyDictionary<string, long> counters)
    {
        var owned = new Dictionary<string, long>(counters);
        return Add("save counters", store => store.Counters!.Save(owned));
    }

    IReadOnlyDictionary<string, long> ICounterStore.Load() => safe.Counters.Load();

    long ISessionStore.Delete(string clientId) => Add($"delete session {clientId}", store => store.Sessions.Delete(clientId));

    long ISessionStore.AddArrival(string clientId, ushort packetId) =>
        Add($"add arrival {clientId} {packetId}", store => store.Sessions.AddArrival(clientId, packetId));

    long ISessionStore.RemoveArrival(string clientId, ushort packetId) =>
        Add($"remove arrival {clientId} {packetId}", store => store.Sessions.RemoveArrival(clientId, packetId));

    long ISubscriptionStore.Save(string clientId, TopicSubscription subscription, uint identifier)
    {
        var owned = subscription with { Filter = subscription.Filter.ToOwned() };
        return Add($"save subscription {clientId} {owned.Filter}", store => store.Subscriptions.Save(clientId, owned, identifier));
    }

    long ISubscriptionStore.Delete(string clientId, MqttString filter)
    {
        var owned = filter.ToOwned();
        return Add($"delete subscription {clientId} {owned}", store => store.Subscriptions.Delete(clientId, owned));
    }

    long ISubscriptionStore.SaveRetained(string clientId, MqttString filter, MqttString? after)
    {
        var owned = filter.ToOwned();
        var topic = after?.ToOwned();
        return Add($"save retained of {clientId} {owned}", store => store.Subscriptions.SaveRetained(clientId, owned, topic));
    }

    IEnumerable<(string ClientId, MqttString Filter, MqttString After)> ISubscriptionStore.LoadRetained() => safe.Subscriptions.LoadRetained();

    long IMessageStore.Add(string clientId, long sequence, QueueEntry entry, MessageRecord message, long messageId)
    {
        var owned = message.ToOwned();
        var own = entry with { Identifiers = entry.Identifiers?.ToArray(), SharedFilter = entry.SharedFilter.ToOwned(), RetainedFilter = entry.RetainedFilter.ToOwned() };
        return Add($"add message {clientId} {sequence}", store => store.Messages.Add(clientId, sequence, own, owned, messageId));
    }

    long IMessageStore.SetState(string clientId, long sequence, ushort packetId, FlightState state) =>
        Add($"set state {clientId} {sequence} {packetId} {state}", store => store.Messages.SetState(clientId, sequence, packetId, state));

    long IMessageStore.Remove(string clientId, long sequence) =>
        Add($"remove message {clientId} {sequence}", store => store.Messages.Remove(clientId, sequence));

    long IRetainedStore.Save(MessageRecord message)
    {
        var owned = message.ToOwned();
        return Add("save retained", store => store.Retained.Save(owned));
    }

    long IRetainedStore.Delete(ReadOnlyMemory<byte> topic)
    {
        var owned = topic.ToArray();
        return Add("delete retained", store => store.Retained.Delete(owned));
    }

    IEnumerable<(SessionRecord Session, IReadOnlyList<ushort> Arrivals)> ISessionStore.Load() => safe.Sessions.Load();

    IEnumerable<(string ClientId, TopicSubscription Subscription, uint Identifier)> ISubscriptionStore.Load() => safe.Subscriptions.Load();

    IEnumerable<StoredEntry> IMessageStore.Load() => safe.Messages.Load();

    IEnumerable<MessageRecord> IRetainedStore.Load() => safe.Retained.Load();

    private long Add(string text, Action<IBrokerStore> apply)
    {
        lock (gate)
        {
            if (dead)
                return 0;
            waiting.Add(new Write(++lastPosition, text, apply) { IsInsideUnit = inUnit });
            return lastPosition;
        }
    }

    private sealed record Write(long Position, string Text, Action<IBrokerStore> Apply)
    {
        // True if the next write belongs to the same unit.
        public bool IsInsideUnit { get; set; }
    }
}
