using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Mqtt.Protocol.Delivery;
using Mqtt.Server.Broker.Storage;

namespace Mqtt.Broker.Tests.Model;

/// <summary>
/// A crash. What answers have promised must be in the store, and what they have denied must not; between the two the model goes on with
/// what is there.
/// </summary>
internal sealed partial class BrokerModel
{
    // The messages that may be found as a topic's retained one after a crash, oldest first; null for none.
    private readonly Dictionary<string, List<Message?>> kept = [];
    private readonly Dictionary<int, string> publishers = [];
    private DateTimeOffset utcNow;

    /// <summary>The broker is gone, and another one begins now over this store.</summary>
    public void OnCrash(IBrokerStore store, DateTimeOffset utc, long at)
    {
        utcNow = utc;
        now = lastQuiet = at;
        var before = sessions.ToDictionary();
        var records = store.Sessions.Load().ToDictionary(stored => stored.Session.ClientId);
        foreach (var session in before.Values.Where(session => IsPromised(before, session.ClientId)))
            Require(records.ContainsKey(session.ClientId), $"{session.ClientId} was accepted, and its session is not stored");
        foreach (var session in before.Values)
            session.HasEnded = true;
        sessions.Clear();
        foreach (var (record, arrivals) in records.Values)
        {
            var session = new Session(record.ClientId)
            {
                ExpirySeconds = record.ExpirySeconds,
                LostAt = record.DisconnectedAt is { } lost ? at - (long)(utcNow - lost).TotalMilliseconds : at,
                Will = record.Will is { } will ? WillOf(will, (int)record.WillDelaySeconds) : null,
            };
            session.Arrivals.UnionWith(arrivals);
            sessions.Add(session.ClientId, session);
        }

        foreach (var (clientId, terms, identifier) in store.Subscriptions.Load())
        {
            if (sessions.TryGetValue(clientId, out var session))
                session.Subscriptions[terms.Filter.ToString()] = new Terms(terms.Filter.ToString(), terms.QualityOfService, terms.NoLocal, terms.RetainAsPublished, identifier);
        }

        var entries = store.Messages.Load().ToList();
        foreach (var old in before.Values.Where(old => IsPromised(before, old.ClientId)))
            CheckPromises(old, sessions[old.ClientId], [.. entries.Where(entry => entry.ClientId == old.ClientId)]);
        foreach (var message in shared.Where(message => message is { IsOptional: false, IsOpen: true, Message.IsPromised: true } && message.May.All(may => IsPromised(before, may.ClientId))))
            Require(entries.Exists(entry => NumberOf(entry.Message) == message.Message.Number), $"{message.Message}, which was acknowledged, is not stored for any member of {message.Filter}");
        shared.Clear();
        entries.ForEach(Restore);
        RestoreRetained(store);
        foreach (var (clientId, filter, after) in store.Subscriptions.LoadRetained())
        {
            foreach (var message in retained.Values.Where(message => string.CompareOrdinal(message.Topic, after.ToString()) > 0))
                OweRetained(sessions[clientId], message, sessions[clientId].Subscriptions[filter.ToString()], isOptional: false);
        }

        foreach (var session in sessions.Values.Where(session => session.ExpirySeconds == 0).ToList())
            EndSession(session);
    }

    private static bool IsPromised(Dictionary<string, Session> before, string clientId) =>
        before.TryGetValue(clientId, out var session) && session.ExpirySeconds > 0 && session.Promises.ContainsKey("session");

    private void CheckPromises(Session old, Session session, List<StoredEntry> entries)
    {
        var id = old.ClientId;
        if (old.Connection is not null)
            Require(session.Will == old.Will, $"{id} has stored the will {session.Will} in place of {old.Will}");
        foreach (var (what, value) in old.Promises)
        {
            var words = what.Split(' ');
            if (words is ["arrival", var arrival])
                Require(session.Arrivals.Contains(ushort.Parse(arrival)) == (bool)value!, $"{id} was acknowledged {what} as {value}, and the store has it otherwise");
            else if (words is ["released", var released])
                Require(!entries.Exists(entry => entry.PacketId == ushort.Parse(released) && entry.State != FlightState.AwaitingPubComp), $"{id} was sent PUBREL {released}, and the store has not seen its PUBREC");
            else if (what != "session")
                Require(Equals(session.Subscriptions.GetValueOrDefault(what), value), $"{id} was granted {value ?? "the end of " + what}, and the store has {session.Subscriptions.GetValueOrDefault(what)}");
        }

        var owed = old.Owed.Where(copy => copy is { IsDurable: true, IsOptional: false, Message.IsPromised: true } && copy.QoS != QoS0 && copy.Message.ExpiresAt > now);
        foreach (var copies in owed.GroupBy(copy => (copy.Message.Number, copy.Message.Topic)))
            Require(entries.Count(entry => NumberOf(entry.Message) == copies.Key.Number) >= copies.Count(), $"{id} has not stored {copies.First()}, which was acknowledged");
        foreach (var copy in old.Owed.Where(copy => copy.QoS == QoS2 && copy.PacketId != 0))
            Require(entries.Exists(entry => entry.PacketId == copy.PacketId && entry.State == FlightState.AwaitingPubRec), $"{id} has seen {copy}, and the store does not know its identifier");
    }

    private void Restore(StoredEntry entry)
    {
        var (copy, isSent) = (entry.Entry, entry.State != FlightState.None);
        var session = sessions.GetValueOrDefault(entry.ClientId);
        if (session is not null && entry.State == FlightState.AwaitingPubComp)
        {
            session.Released.Add((entry.PacketId, false));
            return;
        }

        // A QoS 2 message that was sent dies with its session.
        if (session is null && isSent && copy.QualityOfService == QoS2)
            return;
        var one = copy.SharedFilter.IsEmpty ? null : Restore(MessageOf(entry.Message), copy.SharedFilter.ToString());
        if (session is null || (one is not null && !isSent))
            return;
        if (one is not null)
            (one.Holder, one.HeldAt) = (session, copy.QualityOfService);
        session.Owed.Add(new Copy(one?.Message ?? MessageOf(entry.Message), copy.QualityOfService, copy.Retain, [.. copy.Identifiers ?? []])
        {
            Shared = one,
            RetainedBy = copy.RetainedFilter.IsEmpty ? null : copy.RetainedFilter.ToString(),
            IsDurable = one is null,
            MayHaveBeenSent = true,
            PacketId = isSent ? entry.PacketId : (ushort)0,
        });
    }

    private SharedMessage Restore(Message message, string filter)
    {
        var members = sessions.Values.Where(session => session.Subscriptions.ContainsKey(filter)).Select(session => (session.ClientId, session.Subscriptions[filter])).ToList();
        var one = new SharedMessage(message, filter) { IsOptional = members.Count == 0 || members.Exists(member => member.Item2.QoS == QoS0) };
        one.May.UnionWith(members);
        shared.Add(one);
        return one;
    }

    private void RestoreRetained(IBrokerStore store)
    {
        retained.Clear();
        foreach (var record in store.Retained.Load())
            retained.Add(Encoding.UTF8.GetString(record.Topic.Span), MessageOf(record));
        foreach (var (topic, candidates) in kept)
        {
            var found = retained.GetValueOrDefault(topic);
            Require(found?.ExpiresAt <= now || candidates.Exists(candidate => (candidate?.Number ?? 0) == (found?.Number ?? 0)), $"{topic} has retained {found} after the crash, which was replaced or not yet there");
            (kept[topic] = []).Add(found);
        }
    }

    // Everything that was published up to here is safe.
    private void OnAllSafe()
    {
        foreach (var candidates in kept.Values)
            candidates.RemoveRange(0, candidates.Count - 1);
    }

    private void OnKept(Message message)
    {
        if (!kept.TryGetValue(message.Topic, out var candidates))
            kept[message.Topic] = candidates = [null];
        candidates.Add(message);
    }

    private void Promise(Message message)
    {
        message.IsPromised = true;
        if (message.Retain && kept[message.Topic].FindIndex(candidate => ReferenceEquals(candidate, message)) is var index and > 0)
            kept[message.Topic].RemoveRange(0, index);
    }

    private Message MessageOf(in MessageRecord record)
    {
        var expiresAt = record.ExpiresAt is { } utc ? now + (long)(utc - utcNow).TotalMilliseconds : Never;
        var number = NumberOf(record);
        return new Message(number, publishers.GetValueOrDefault(number, "somebody"), Encoding.UTF8.GetString(record.Topic.Span), record.QualityOfService, record.Retain, expiresAt) { IsPromised = true };
    }

    private static Will WillOf(in MessageRecord record, int delay)
    {
        var expiry = MqttProperties.FromEncoded(record.Properties).GetNumber(PropertyId.MessageExpiryInterval) ?? 0;
        return new Will(Encoding.UTF8.GetString(record.Topic.Span), NumberOf(record), (int)record.QualityOfService, record.Retain, delay, (int)expiry);
    }

    private static int NumberOf(in MessageRecord record) => record.Payload.IsEmpty ? 0 : int.Parse(Encoding.UTF8.GetString(record.Payload.Span), CultureInfo.InvariantCulture);

    private static void Require(bool isRight, [InterpolatedStringHandlerArgument(nameof(isRight))] Complaint complaint)
    {
        if (!isRight)
            throw new ModelException($"After a crash: {complaint.ToString()}.");
    }
}
