using Mqtt.Protocol.Delivery;
using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Broker.Retained;
using Mqtt.Server.Broker.Routing;
using Mqtt.Server.Broker.Sessions;
using Mqtt.Server.Broker.Storage;

namespace Mqtt.Server.Broker.Flows;

/// <summary>Takes up what a store has kept: sessions with all they are owed, retained messages, wills that are still due.</summary>
internal sealed class Recovery(
    SessionContext context,
    SessionTable table,
    Router<Session> router,
    RetainedMessages retained,
    SubscribeFlow subscribing,
    SharedFlow sharing,
    SessionEndFlow ending)
{
    /// <summary>Runs before the broker takes its first packet.</summary>
    public void Run(IBrokerStore store)
    {
        LoadRetained(store.Retained);
        var disconnectedAt = store.Sessions.Load().Select(LoadSession).ToList();
        foreach (var (clientId, subscription, identifier) in store.Subscriptions.Load())
        {
            if (table.TryFind(clientId, out var session))
                subscribing.Add(session, subscription with { Filter = subscription.Filter.ToOwned() }, identifier);
        }

        // What others are to get comes behind what they have.
        foreach (var (session, copy) in store.Messages.Load().Select(Restore).OfType<(Session From, Copy Copy)>().ToList())
            sharing.Recover(session, copy);

        foreach (var (clientId, filter, after) in store.Subscriptions.LoadRetained())
        {
            if (table.TryFind(clientId, out var session) && session.Subscriptions.TryGetValue(filter, out var subscription))
                session.RestoreRetained(filter, subscription, after, retained.LastNumber);
        }

        // Wills only now: who subscribes to them is known.
        foreach (var (session, since) in disconnectedAt)
            ending.TakeUp(session, since);
    }

    // What has expired while the broker was down is not taken up.
    private void LoadRetained(IRetainedStore kept)
    {
        var expired = new List<byte[]>();
        foreach (var record in kept.Load())
        {
            var parts = context.PartsOf(record);
            if (parts.ExpiresAt <= context.Now)
            {
                expired.Add(record.Topic.ToArray());
                continue;
            }

            var message = StoredMessage.Copy(parts);
            retained.Set(message);
            message.Release();
        }

        foreach (var topic in expired)
            kept.Delete(topic);
    }

    // A session that was connected when the broker ended counts as disconnected now.
    private (Session Session, long Since) LoadSession((SessionRecord Record, IReadOnlyList<ushort> Arrivals) stored)
    {
        var session = new Session(stored.Record.ClientId, context)
        {
            ExpirySeconds = stored.Record.ExpirySeconds,
            Owner = stored.Record.UserName,
            Will = stored.Record.Will is { } will ? WillParts.FromRecord(will, stored.Record.WillDelaySeconds) : null,
        };
        foreach (var packetId in stored.Arrivals)
            session.RestoreArrival(packetId);
        table.Add(session);
        var away = stored.Record.DisconnectedAt is { } at ? context.Heartbeat.UtcNow - at : TimeSpan.Zero;
        return (session, context.Now - (long)Math.Max(0, away.TotalMilliseconds));
    }

    // Puts an entry back into its session. One that was never sent, of a shared subscription that the session does not share any more, is
    // for another member, and so is all that a session had which is no more, but for the QoS 2 messages that were sent.
    private (Session From, Copy Copy)? Restore(StoredEntry entry)
    {
        var isKnown = table.TryFind(entry.ClientId, out var session);
        session ??= new Session(entry.ClientId, context);
        var group = entry.Entry.SharedFilter.IsEmpty ? null : router.FindGroup(entry.Entry.SharedFilter);
        var copy = new Copy(
            StoredMessage.Copy(context.PartsOf(entry.Message)),
            entry.Entry.QualityOfService,
            entry.Entry.Retain,
            entry.Entry.Identifiers?.ToArray(),
            entry.Sequence,
            group);
        var wasSent = entry.State is FlightState.AwaitingPubRec or FlightState.AwaitingPubComp;
        if (isKnown && (entry.State != FlightState.None || entry.Entry.SharedFilter.IsEmpty || group?.IndexOf(session) >= 0))
        {
            session.Restore(copy, entry.PacketId, entry.State, !entry.Entry.RetainedFilter.IsEmpty);
            return null;
        }

        if (group is not null && !wasSent)
            return (session, copy);
        copy.Message!.Release();
        context.Store!.Messages.Remove(entry.ClientId, entry.Sequence);
        return null;
    }
}
