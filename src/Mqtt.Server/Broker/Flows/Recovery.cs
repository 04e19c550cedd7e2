using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Broker.Retained;
using Mqtt.Server.Broker.Sessions;
using Mqtt.Server.Broker.Storage;

namespace Mqtt.Server.Broker.Flows;

/// <summary>Takes up what a store has kept: sessions with all they are owed, retained messages, wills that are still due.</summary>
internal sealed class Recovery(SessionContext context, SessionTable table, RetainedMessages retained, SubscribeFlow subscribing, SessionEndFlow ending)
{
    /// <summary>Runs before the broker takes its first packet.</summary>
    public void Run(IBrokerStore store)
    {
        foreach (var record in store.Retained.Load())
            Keep(record);
        var disconnectedAt = store.Sessions.Load().Select(LoadSession).ToList();
        foreach (var (clientId, subscription, identifier) in store.Subscriptions.Load())
        {
            if (table.TryFind(clientId, out var session))
                subscribing.Add(session, new SessionSubscription(subscription with { Filter = subscription.Filter.ToOwned() }, identifier));
        }

        foreach (var entry in store.Messages.Load())
        {
            if (table.TryFind(entry.ClientId, out var session))
                Restore(session, entry);
        }

        // Wills only now: who subscribes to them is known.
        foreach (var (session, since) in disconnectedAt)
            ending.TakeUp(session, since);
    }

    private void Keep(in MessageRecord record)
    {
        var message = StoredMessage.Copy(context.PartsOf(record));
        retained.Set(message);
        message.Release();
    }

    // A session that was connected when the broker ended counts as disconnected now.
    private (Session Session, long Since) LoadSession((SessionRecord Record, IReadOnlyList<ushort> Arrivals) stored)
    {
        var session = new Session(stored.Record.ClientId, context)
        {
            ExpirySeconds = stored.Record.ExpirySeconds,
            Will = stored.Record.Will is { } will ? WillParts.FromRecord(will, stored.Record.WillDelaySeconds) : null,
        };
        foreach (var packetId in stored.Arrivals)
            session.RestoreArrival(packetId);
        table.Add(session);
        var away = stored.Record.DisconnectedAt is { } at ? context.Heartbeat.UtcNow - at : TimeSpan.Zero;
        return (session, context.Now - (long)Math.Max(0, away.TotalMilliseconds));
    }

    private void Restore(Session session, StoredEntry entry)
    {
        var message = StoredMessage.Copy(context.PartsOf(entry.Message));
        session.Restore(
            new Copy(message, entry.Entry.QualityOfService, entry.Entry.Retain, entry.Entry.Identifiers?.ToArray(), entry.Sequence),
            entry.PacketId,
            entry.State);
    }
}
