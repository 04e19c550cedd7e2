using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Mqtt.Protocol.Delivery;
using Mqtt.Server.Broker.Storage;

namespace Mqtt.Broker.Tests.Model;

// A crash. What answers have promised must be in the store, and what they have denied must not; between the two the model goes on with what is there.
internal sealed partial class BrokerModel
{
    // The messages that may be found as a topic's retained one after a crash, oldest first; null for none.
    private readonly Dictionary<string, List<Message?>> kept = [];
    private readonly Dictionary<int, string> publishers = [];

    // What clients have acknowledged to the end; the store may still have it until all is safe, and then not any more.
    private readonly List<(string ClientId, Message Message, string SharedFilter)> completed = [];
    private readonly List<(string ClientId, Message Message, string SharedFilter)> forgotten = [];
    private DateTimeOffset utcNow;

    // --- What matters to a crash. A promise is made when the client has seen the answer, and taken back when it asks for something else.

    private static void NoteReceived(Session session, MqttPacket packet)
    {
        var about = packet switch
        {
            ConnectPacket or DisconnectPacket => "session",
            SubscribePacket subscribe => subscribe.Subscriptions[0].Filter.ToString(),
            UnsubscribePacket unsubscribe => unsubscribe.Filters[0].ToString(),
            PublishPacket { QualityOfService: QoS2, PacketId: var id } when !session.Arrivals.Contains(id) => $"arrival {id}",
            PubRelPacket { PacketId: var id } => $"arrival {id}",
            PubCompPacket { PacketId: var id } => $"released {id}",
            _ => "",
        };
        session.Promises.Remove(about);
    }

    private void NoteAnswered(Session session, Answer answer)
    {
        if (answer.About is { } message)
            Promise(message);
        if (answer.Type == MqttPacketType.ConnAck)
            session.Promises["session"] = true;
        else if (answer.Filter is { } filter)
            session.Promises[filter] = session.Subscriptions.GetValueOrDefault(filter);
        else if (answer.Type == MqttPacketType.PubRel)
            session.Promises[$"released {answer.Id}"] = true;
        else if (answer.Type == MqttPacketType.PubComp || (answer.Type == MqttPacketType.PubRec && session.Arrivals.Contains((ushort)answer.Id)))
            session.Promises[$"arrival {answer.Id}"] = answer.Type == MqttPacketType.PubRec;
    }

    private void NotePublished(Message message)
    {
        publishers[message.Number] = message.From;
        if (!message.Retain)
            return;
        if (!kept.TryGetValue(message.Topic, out var candidates))
            kept[message.Topic] = candidates = [null];
        candidates.Add(message);
    }

    private void NoteCompleted(Session session, Copy copy)
    {
        if (copy.QoS != QoS2 && copy.Message.Number != 0)
            completed.Add((session.ClientId, copy.Message, copy.Shared?.Filter ?? ""));
    }

    // Everything that was published up to here is safe.
    private void NoteAllSafe()
    {
        foreach (var candidates in kept.Values)
            candidates.RemoveRange(0, candidates.Count - 1);
        forgotten.AddRange(completed);
        completed.Clear();
    }

    private void Promise(Message message)
    {
        message.IsPromised = true;
        if (message.Retain && kept[message.Topic].FindIndex(candidate => ReferenceEquals(candidate, message)) is var index and > 0)
            kept[message.Topic].RemoveRange(0, index);
    }

    // --- The crash.

    /// <summary>The broker is gone, and another one begins now over this store.</summary>
    public void OnCrash(IBrokerStore store, DateTimeOffset utc, long at)
    {
        utcNow = utc;
        now = lastQuiet = at;
        firstBeat = at + 100;
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
        foreach (var (clientId, message, filter) in forgotten)
        {
            var isOwedOnceMore = before.GetValueOrDefault(clientId)?.Owed.Exists(copy => copy.Message.Number == message.Number) is true;
            var isStored = entries.Exists(entry => entry.ClientId == clientId && entry.Entry.SharedFilter.ToString() == filter && IsOf(entry, message));
            Require(isOwedOnceMore || !isStored, $"{clientId} has acknowledged {message}, and the store still has it");
        }

        completed.Clear();
        forgotten.Clear();
        foreach (var old in before.Values.Where(old => IsPromised(before, old.ClientId)))
            CheckPromises(old, sessions[old.ClientId], [.. entries.Where(entry => entry.ClientId == old.ClientId)]);
        foreach (var message in shared.Where(message => message is { IsOptional: false, IsOpen: true, Message.IsPromised: true } && message.Message.ExpiresAt > now))
        {
            var isRight = !message.May.All(may => IsPromised(before, may.ClientId)) || entries.Exists(entry => IsOf(entry, message.Message));
            Require(isRight, $"{message.Message}, which was acknowledged, is not stored for any member of {message.Filter}");
        }

        shared.Clear();
        entries.ForEach(Restore);
        RestoreRetained(store);
        foreach (var (clientId, filter, after) in store.Subscriptions.LoadRetained())
        {
            // What was published since the subscription comes as that; it need not come once more.
            var (session, terms) = (sessions[clientId], sessions[clientId].Subscriptions[filter.ToString()]);
            foreach (var message in retained.Values.Where(message => string.CompareOrdinal(message.Topic, after.ToString()) > 0))
                OweRetained(session, message, terms, isOptional: session.Owed.Exists(copy => copy.RetainedBy is null && copy.Message.Number == message.Number));
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
            var packetId = words.Length == 2 && words[0] is "arrival" or "released" ? ushort.Parse(words[1], CultureInfo.InvariantCulture) : (ushort)0;
            var found = session.Subscriptions.GetValueOrDefault(what);
            if (words[0] == "arrival")
                Require(session.Arrivals.Contains(packetId) == (bool)value!, $"{id} was acknowledged {what} as {value}, and the store has it otherwise");
            else if (words[0] == "released")
                Require(!entries.Exists(entry => entry.PacketId == packetId && entry.State != FlightState.AwaitingPubComp), $"{id} was {what}, which the store does not know");
            else if (what != "session")
                Require(Equals(found, value), $"{id} was granted {value ?? "the end of " + what}, and the store has {found}");
        }

        var owed = old.Owed.Where(copy => copy is { IsDurable: true, IsOptional: false, Message.IsPromised: true } && copy.QoS != QoS0 && copy.Message.ExpiresAt > now);
        foreach (var copies in owed.GroupBy(copy => (copy.Message.Number, copy.Message.Topic)).Select(copies => copies.ToList()))
            Require(entries.Count(entry => IsOf(entry, copies[0].Message)) >= copies.Count, $"{id} has not stored {copies[0]}, which was acknowledged");
        foreach (var copy in old.Owed.Where(copy => copy.QoS == QoS2 && copy.PacketId != 0))
        {
            var isKnown = entries.Exists(entry => entry.PacketId == copy.PacketId && entry.State == FlightState.AwaitingPubRec);
            Require(isKnown, $"{id} has seen {copy}, and the store does not know its identifier");
        }
    }

    private static bool IsOf(StoredEntry entry, Message message) =>
        (NumberOf(entry.Message), Encoding.UTF8.GetString(entry.Message.Topic.Span)) == (message.Number, message.Topic);

    private void Restore(StoredEntry entry)
    {
        var (copy, isSent) = (entry.Entry, entry.State != FlightState.None);
        var session = sessions.GetValueOrDefault(entry.ClientId);
        if (session is not null && entry.State == FlightState.AwaitingPubComp)
        {
            session.Released.Add(entry.PacketId);
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
        var members = sessions.Values.Where(session => session.Subscriptions.ContainsKey(filter))
            .Select(session => (session.ClientId, Terms: session.Subscriptions[filter])).ToList();
        var one = new SharedMessage(message, filter, [.. members]) { IsOptional = members.Count == 0 || members.Exists(member => member.Terms.QoS == QoS0) };
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
            var isRight = candidates.Exists(candidate => (candidate?.Number ?? 0) == (found?.Number ?? 0) || (found is null && candidate?.ExpiresAt <= now));
            Require(isRight, $"{topic} has retained {found}, which was replaced or not yet there");
            (kept[topic] = []).Add(found);
        }
    }

    private Message MessageOf(in MessageRecord record)
    {
        var expiresAt = record.ExpiresAt is { } utc ? now + (long)(utc - utcNow).TotalMilliseconds : Never;
        var number = NumberOf(record);
        var topic = Encoding.UTF8.GetString(record.Topic.Span);
        var from = publishers.GetValueOrDefault(number, "somebody");
        return new Message(number, from, topic, record.QualityOfService, record.Retain, expiresAt) { IsPromised = true };
    }

    private static Will WillOf(in MessageRecord record, int delay)
    {
        var expiry = MqttProperties.FromEncoded(record.Properties).GetNumber(PropertyId.MessageExpiryInterval) ?? 0;
        return new Will(Encoding.UTF8.GetString(record.Topic.Span), NumberOf(record), (int)record.QualityOfService, record.Retain, delay, (int)expiry);
    }

    private static int NumberOf(in MessageRecord record) => NumberOf(record.Payload);

    private static void Require(bool isRight, [InterpolatedStringHandlerArgument(nameof(isRight))] Complaint complaint)
    {
        if (!isRight)
            throw new ModelException($"After a crash: {complaint.ToString()}.");
    }
}
