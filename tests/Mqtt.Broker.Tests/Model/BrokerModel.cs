using System.Globalization;
using System.Text;

namespace Mqtt.Broker.Tests.Model;

/// <summary>
/// What a broker must, may and must not do, told in order: what it received, what it sent, and the time. It is no broker: it never sends
/// anything, it only says what is owed to whom, and throws where what happens is not what must. Where the standard or a crash leaves
/// a choice it says "may" (<see cref="Copy.IsOptional"/>), and goes on with what it sees.
/// <para>
/// To be read in this order: <c>State.cs</c>, what there is; this file, what is owed; <c>BrokerModel.Seen.cs</c>, how that is compared with what comes. What a
/// crash may leave stands beside it, in <c>BrokerModel.Crash.cs</c>, which hears of what matters to it by the calls that begin with <c>Note</c>.
/// </para>
/// </summary>
internal sealed partial class BrokerModel
{
    private const QualityOfService QoS0 = QualityOfService.AtMostOnce;
    private const QualityOfService QoS2 = QualityOfService.ExactlyOnce;
    private const long Never = long.MaxValue;

    private readonly Dictionary<string, Session> sessions = [];
    private readonly Dictionary<string, Message> retained = [];
    private readonly List<SharedMessage> shared = [];
    private long now;
    private long lastQuiet;    // up to here everything that could happen has
    private bool isSafe;       // and the store has it
    private long firstBeat;    // of the broker's clock: what is due when it begins is due then

    public int SessionCount => sessions.Count;

    // --- Section 3.1. The older connection of the client ends, and the session goes on or makes way for another.

    public Connection OnConnect(ConnectPacket packet, Will? will)
    {
        var connection = new Connection(packet.ClientId.ToString(), packet.Version, packet.ReceiveMaximum ?? 1024, packet.MaximumPacketSize is not null);
        if (sessions.TryGetValue(connection.ClientId, out var session) && session.Connection is { } older)
        {
            older.Goodbye = ReasonCode.SessionTakenOver;
            Detach(session);
            if (session.Will is { Delay: 0 })
                PublishWill(session);
        }

        if (session is not null && (packet.CleanStart || session.ExpirySeconds == 0))
            EndSession(session);
        connection.IsPresent = sessions.TryGetValue(connection.ClientId, out session);
        session ??= sessions[connection.ClientId] = new Session(connection.ClientId);
        NoteReceived(session, packet);
        session.Connection = connection;
        session.ExpirySeconds = Cap(connection.IsV5 ? packet.SessionExpiryInterval ?? 0 : packet.CleanStart ? 0 : Never);
        session.ExpiryWasZero = connection.IsV5 && session.ExpirySeconds == 0;
        session.Will = will;
        connection.Answers.Add(new Answer(MqttPacketType.ConnAck, connection.IsPresent && packet.Version != MqttProtocolVersion.V310 ? 1 : 0, Then: () => Attach(session, connection)));
        return connection;
    }

    // Section 4.4: what was under way is due again, releases first. What is too large for the new connection is as good as delivered.
    private void Attach(Session session, Connection connection)
    {
        connection.IsAccepted = true;
        session.ReleasedHere.Clear();
        connection.Answers.AddRange(session.Released.Select(id => new Answer(MqttPacketType.PubRel, id)));
        session.Owed.ForEach(copy => copy.IsDue = true);
        foreach (var copy in session.Owed.Where(copy => !connection.Takes(copy.Message)))
            (copy.IsOptional, copy.PacketId) = (true, 0);
        LoosenShared();
    }

    public void OnReceived(Connection connection, MqttPacket packet)
    {
        var session = sessions[connection.ClientId];
        NoteReceived(session, packet);
        var answer = packet switch
        {
            PublishPacket publish => OnPublish(session, publish),
            PubAckPacket { PacketId: var id } => Complete(session, id, null),
            PubRecPacket { PacketId: var id } => Complete(session, id, new Answer(MqttPacketType.PubRel, id)),
            PubRelPacket { PacketId: var id } => new Answer(MqttPacketType.PubComp, id, session.Arrivals.Remove(id) ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound),
            PubCompPacket { PacketId: var id } => OnPubComp(session, id),
            SubscribePacket subscribe => OnSubscribe(session, connection, subscribe),
            UnsubscribePacket unsubscribe => OnUnsubscribe(session, unsubscribe.PacketId, unsubscribe.Filters[0].ToString()),
            DisconnectPacket goodbye => OnDisconnect(session, connection, goodbye),
            _ => null,
        };
        if (answer is not null)
            connection.Answers.Add(answer);
    }

    // Section 3.3. A QoS 2 message that came before and was not released is acknowledged again, and that is all.
    private Answer? OnPublish(Session session, PublishPacket packet)
    {
        var expiresAt = packet.MessageExpiryInterval is { } seconds ? now + (seconds * 1000L) : Never;
        var message = new Message(NumberOf(packet.Payload), session.ClientId, packet.Topic.ToString(), packet.QualityOfService, packet.Retain, expiresAt);
        var isNew = message.QoS != QoS2 || session.Arrivals.Add(packet.PacketId);
        var code = isNew && Publish(message) == 0 ? ReasonCode.NoMatchingSubscribers : ReasonCode.Success;
        var kind = message.QoS == QoS2 ? MqttPacketType.PubRec : MqttPacketType.PubAck;
        return message.QoS == QoS0 ? null : new Answer(kind, packet.PacketId, code, About: isNew ? message : null);
    }

    // PUBACK or PUBREC has come.
    private Answer? Complete(Session session, ushort packetId, Answer? release)
    {
        var copy = session.Owed.First(copy => copy.PacketId == packetId && !copy.IsDue);
        session.Owed.Remove(copy);
        shared.Remove(copy.Shared!);
        NoteCompleted(session, copy);
        if (release is not null && session.ReleasedHere.Add(packetId))
            session.Released.Add(packetId);
        return release;
    }

    private static Answer? OnPubComp(Session session, ushort packetId)
    {
        session.Released.Remove(packetId);
        session.ReleasedHere.Remove(packetId);
        return null;
    }

    // Section 3.8. Retained messages come behind SUBACK: what was kept when the subscription was made must, what was kept since may, or came as it was published.
    private Answer OnSubscribe(Session session, Connection connection, SubscribePacket packet)
    {
        var asked = packet.Subscriptions[0];
        var terms = new Terms(asked.Filter.ToString(), asked.QualityOfService, asked.NoLocal, asked.RetainAsPublished, packet.SubscriptionIdentifier ?? 0);
        var isNew = session.Subscriptions.TryAdd(terms.Filter, terms);
        session.Subscriptions[terms.Filter] = terms;
        foreach (var pending in Unsettle(session, copy => copy.RetainedBy == terms.Filter))
            OweRetained(session, pending.Message, terms, isOptional: true);
        foreach (var message in shared.Where(message => message.Filter == terms.Filter && message.May.Count > 0))
            message.May.Add((session.ClientId, terms));
        var isWanted = !terms.IsShared && (asked.RetainHandling == RetainHandling.SendAtSubscribe || (asked.RetainHandling == RetainHandling.SendIfNew && isNew));
        Message[] keptNow = [.. retained.Values];
        void Bring() => retained.Values.ToList().ForEach(message => OweRetained(session, message, terms, session.Connection != connection || !keptNow.Contains(message)));
        return new Answer(MqttPacketType.SubAck, packet.PacketId, (ReasonCode)terms.QoS, isWanted ? Bring : null, Filter: terms.Filter);
    }

    // Section 3.10. What a group has not been sent by now goes to others, unless it may be on its way behind the store.
    private Answer OnUnsubscribe(Session session, ushort packetId, string filter)
    {
        var code = session.Subscriptions.Remove(filter) ? ReasonCode.Success : ReasonCode.NoSubscriptionExisted;
        foreach (var one in shared.Where(one => isSafe && one.Filter == filter && one.Holder is null))
            one.May.RemoveWhere(may => may.ClientId == session.ClientId);
        LoosenShared();
        Unsettle(session, copy => copy.RetainedBy == filter);
        return new Answer(MqttPacketType.UnsubAck, packetId, code, Filter: filter);
    }

    // Section 3.14. Code 0 deletes the will, no other does. The session expiry may change, but not from 0: such a DISCONNECT is none, and the only one that is answered.
    private Answer? OnDisconnect(Session session, Connection connection, DisconnectPacket packet)
    {
        var isValid = !session.ExpiryWasZero || packet.SessionExpiryInterval is null or 0;
        connection.Goodbye = isValid ? ReasonCode.NormalDisconnection : ReasonCode.ProtocolError;
        if (isValid)
            session.ExpirySeconds = Cap(packet.SessionExpiryInterval ?? session.ExpirySeconds);
        if (isValid && packet.ReasonCode == ReasonCode.NormalDisconnection)
            session.Will = null;
        OnLost(connection);
        return null;
    }

    // --- Who gets a message.

    // Sections 3.3.4 and 3.8.4: whoever has a matching subscription gets one copy, at the highest QoS, with all identifiers, and RETAIN if any keeps it.
    private int Publish(Message message)
    {
        NotePublished(message);
        if (message.Retain)
            Keep(message);
        var receivers = 0;
        foreach (var session in sessions.Values)
        {
            var matching = session.Subscriptions.Values.Where(terms => !terms.IsShared && terms.Matches(message.Topic)).ToList();
            receivers += matching.Count > 0 ? 1 : 0;
            matching.RemoveAll(terms => terms.NoLocal && message.From == session.ClientId);
            if (matching.Count > 0)
                Owe(session, CopyOf(message, [.. matching], message.Retain && matching.Exists(terms => terms.AsPublished)));
        }

        return receivers + PublishShared(message);
    }

    // Section 4.8.2: of each shared subscription one member gets it, whichever.
    private int PublishShared(Message message)
    {
        var groups = sessions.Values.SelectMany(session => session.Subscriptions.Values, (session, terms) => (session.ClientId, Terms: terms))
            .Where(member => member.Terms.IsShared && member.Terms.Matches(message.Topic)).ToLookup(member => member.Terms.Filter);
        shared.AddRange(groups.Select(group => new SharedMessage(message, group.Key, [.. group])));
        LoosenShared();
        return groups.Count;
    }

    // A group need not get what a member may have lost: QoS 0 with its connection, QoS 2 with its session, what is too large for it; nor what is left when its last
    // member has gone.
    private void LoosenShared()
    {
        bool MayLose(Message message, Terms terms, Session? member) => member is null
            ? message.QoS == QoS2
            : (Min(terms.QoS, message.QoS) == QoS0 && !member.IsThere) || member.Connection?.Takes(message) is false;
        foreach (var one in shared)
        {
            one.IsOptional |= one.May.Any(may => MayLose(one.Message, may.Terms, sessions.GetValueOrDefault(may.ClientId)))
                || !sessions.Values.Any(session => session.Subscriptions.ContainsKey(one.Filter));
        }
    }

    // Section 3.3.1.3. An empty message deletes.
    private void Keep(Message message)
    {
        retained.Remove(message.Topic);
        if (message.Number != 0)
            retained.Add(message.Topic, message);
        foreach (var session in sessions.Values)
        {
            Unsettle(session, copy => copy.Message.Topic == message.Topic);
            foreach (var terms in session.Subscriptions.Values.Where(terms => session.WasLostWaiting && !terms.IsShared))
                OweRetained(session, message, terms, isOptional: true);
        }
    }

    private void OweRetained(Session session, Message message, Terms terms, bool isOptional)
    {
        if (message.ExpiresAt > lastQuiet && message.Number != 0 && terms.Matches(message.Topic))
            Owe(session, CopyOf(message, [terms], retain: true) with { RetainedBy = terms.Filter, IsOptional = isOptional || message.ExpiresAt <= now });
    }

    // Retained messages come at the client's pace: what changes before their turn need not come, or comes changed.
    private static List<Copy> Unsettle(Session session, Predicate<Copy> changed)
    {
        var pending = session.Owed.FindAll(copy => copy is { RetainedBy: not null, IsDue: true, PacketId: 0 } && changed(copy));
        pending.ForEach(copy => copy.IsOptional = true);
        return pending;
    }

    // QoS 0 is for who is there, and perhaps for who is just coming; what is too large for whom it is need not come.
    private static void Owe(Session session, Copy copy)
    {
        copy.IsOptional |= (copy.QoS == QoS0 && !session.IsThere) || session.Connection?.Takes(copy.Message) is false;
        copy.MayHaveBeenSent = session.WasLostWaiting;
        copy.IsDurable = session.ExpirySeconds > 0 && copy.RetainedBy is null;
        if (!session.HasEnded && (copy.QoS != QoS0 || session.Connection is not null || copy.RetainedBy is not null))
            session.Owed.Add(copy);
    }

    // --- How connections and sessions end: sections 3.1.2.5, 3.1.2.11 and 4.1.

    public void OnLost(Connection connection)
    {
        if (!sessions.TryGetValue(connection.ClientId, out var session) || session.Connection != connection)
            return;
        Detach(session);
        session.LostAt = now;
        if (session.ExpirySeconds == 0)
            EndSession(session);
        else if (session.Will is { Delay: 0 })
            PublishWill(session);
    }

    // What waits to be sent is done with, though nobody sees it; what was not seen may have been sent, as far as the window let it, and QoS 0 is perhaps lost.
    private void Detach(Session session)
    {
        var connection = session.Connection!;
        session.Connection = connection.IsAccepted ? null : connection;
        session.WasLostWaiting |= connection.Answers.Count > 0;
        for (var at = 0; at < connection.Answers.Count; at++)
            connection.Answers[at].Then?.Invoke();
        connection.Answers.Clear();
        session.Connection = null;
        var room = connection.Window - session.UnderWay;
        foreach (var copy in session.Owed)
        {
            copy.MayHaveBeenSent |= copy.QoS == QoS0 || copy.RetainedBy is not null || room > 0;
            room -= copy is { IsDue: true, IsOptional: false, RetainedBy: null } && copy.QoS != QoS0 ? 1 : 0;
            copy.IsOptional |= copy.QoS == QoS0;
        }

        LoosenShared();
    }

    private void PublishWill(Session session)
    {
        if (session.Will is not { } will)
            return;
        session.Will = null;
        var expiresAt = will.Expiry > 0 ? now + (will.Expiry * 1000L) : Never;
        Publish(new Message(will.Payload, session.ClientId, will.Topic, (QualityOfService)will.QoS, will.Retain, expiresAt));
    }

    private void EndSession(Session session)
    {
        PublishWill(session);
        session.HasEnded = true;
        sessions.Remove(session.ClientId);
        foreach (var filter in session.Subscriptions.Keys)
            LoosenShared();
        LoosenShared();
    }

    // Time has passed. A will is due after its delay, and no later than its session's end.
    public void OnTime(long until)
    {
        while (sessions.Values.Where(session => session.Connection is null).MinBy(NextDue) is { } next && NextDue(next) <= until)
        {
            now = Math.Max(now, NextDue(next));
            if (ExpiryDue(next) <= now)
                EndSession(next);
            else
                PublishWill(next);
        }

        now = until;
    }

    private long NextDue(Session session) => Math.Max(firstBeat, Math.Min(ExpiryDue(session), session.Will is { } will ? session.LostAt + (will.Delay * 1000L) : Never));

    private static long ExpiryDue(Session session) => session.LostAt + (session.ExpirySeconds * 1000L);
    private static long Cap(long seconds) => Math.Min(seconds, 7 * 24 * 3600);
    private static QualityOfService Min(QualityOfService one, QualityOfService other) => one < other ? one : other;
    private static Copy CopyOf(Message message, Terms[] matching, bool retain) =>
        new(message, Min(message.QoS, matching.Max(terms => terms.QoS)), retain, [.. matching.Select(terms => terms.Identifier).Where(identifier => identifier != 0)]);
    private static int NumberOf(ReadOnlyMemory<byte> payload) => payload.IsEmpty ? 0 : int.Parse(Encoding.UTF8.GetString(payload.Span), CultureInfo.InvariantCulture);
}
