using System.Globalization;
using System.Text;

namespace Mqtt.Broker.Tests.Model;

/// <summary>
/// What a broker must, may and must not do, told in order: what it received, what it sent, and the time. It is no broker: it never sends
/// anything, it only says what is owed to whom, and throws where what happens is not what must. Where the standard or a crash leaves
/// a choice it says "may" (<see cref="Copy.IsOptional"/>), and goes on with what it sees.
/// <para>This file is what is owed; <c>BrokerModel.Sent.cs</c> compares it with what comes, <c>BrokerModel.Crash.cs</c> with what a crash leaves.</para>
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
    private long lastQuiet;
    private long firstBeat;

    public int SessionCount => sessions.Count;

    // --- What the broker receives

    /// <summary>CONNECT. Returns the connection, which waits for its CONNACK.</summary>
    public Connection OnConnect(ConnectPacket packet, Will? will)
    {
        var clientId = packet.ClientId.ToString();
        var connection = new Connection(clientId, packet.Version, packet.ReceiveMaximum ?? 1024, packet.MaximumPacketSize is not null);
        if (sessions.TryGetValue(clientId, out var session))
        {
            // A will without delay is published on takeover too; one with a delay only if the session does not go on.
            if (session.Connection is { } older)
            {
                older.Goodbye = ReasonCode.SessionTakenOver;
                Detach(session);
                if (session.Will is { Delay: 0 })
                    PublishWill(session);
            }

            if (packet.CleanStart || session.ExpirySeconds == 0)
                EndSession(session);
        }

        connection.IsPresent = sessions.TryGetValue(clientId, out session);
        if (session is null)
            sessions[clientId] = session = new Session(clientId);
        session.Connection = connection;
        session.ExpirySeconds = Cap(connection.IsV5 ? packet.SessionExpiryInterval ?? 0 : packet.CleanStart ? 0 : Never);
        session.ExpiryWasZero = connection.IsV5 && session.ExpirySeconds == 0;
        session.Will = will;
        session.Promises.Remove("session");
        connection.Answers.Add(new Answer(MqttPacketType.ConnAck)
        {
            WhenSent = () => Attach(session, connection),
            WhenSeen = () => session.Promises["session"] = will,
        });
        return connection;
    }

    /// <summary>Any other packet.</summary>
    public void OnReceived(Connection connection, MqttPacket packet)
    {
        var session = sessions[connection.ClientId];
        switch (packet)
        {
            case PublishPacket publish:
                OnPublish(session, connection, publish);
                break;
            case SubscribePacket subscribe:
                OnSubscribe(session, connection, subscribe);
                break;
            case UnsubscribePacket unsubscribe:
                OnUnsubscribe(session, connection, unsubscribe);
                break;
            case PubAckPacket acknowledged:
                Complete(session, acknowledged.PacketId);
                break;
            case PubRecPacket received:
                Complete(session, received.PacketId);
                session.Released.Add((received.PacketId, true));
                Release(session, connection, received.PacketId);
                break;
            case PubCompPacket completed:
                session.Released.RemoveAll(released => released.PacketId == completed.PacketId);
                session.Promises.Remove($"released {completed.PacketId}");
                break;
            case PubRelPacket release:
                var code = session.Arrivals.Remove(release.PacketId) ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound;
                session.Promises.Remove($"arrival {release.PacketId}");
                connection.Answers.Add(new Answer(MqttPacketType.PubComp, release.PacketId, code)
                {
                    WhenSeen = () => session.Promises[$"arrival {release.PacketId}"] = false,
                });
                break;
            case DisconnectPacket goodbye:
                OnDisconnect(session, connection, goodbye);
                break;
        }
    }

    /// <summary>The connection has ended.</summary>
    public void OnLost(Connection connection)
    {
        if (sessions.TryGetValue(connection.ClientId, out var session) && session.Connection == connection)
            Lose(session);
    }

    private void OnPublish(Session session, Connection connection, PublishPacket packet)
    {
        var number = NumberOf(packet.Payload);
        var expiresAt = packet.MessageExpiryInterval is { } seconds ? now + (seconds * 1000L) : Never;
        var message = new Message(number, session.ClientId, packet.Topic.ToString(), packet.QualityOfService, packet.Retain, expiresAt);

        // A QoS 2 message that came before and was not released is acknowledged again, and that is all.
        var isNew = packet.QualityOfService != QoS2 || session.Arrivals.Add(packet.PacketId);
        var code = isNew && Publish(message) == 0 ? ReasonCode.NoMatchingSubscribers : ReasonCode.Success;
        if (packet.QualityOfService == QoS0)
            return;
        var isOnce = packet.QualityOfService == QoS2;
        if (isNew && isOnce)
            session.Promises.Remove($"arrival {packet.PacketId}");
        connection.Answers.Add(new Answer(isOnce ? MqttPacketType.PubRec : MqttPacketType.PubAck, packet.PacketId, code)
        {
            WhenSeen = () =>
            {
                if (isNew)
                    Promise(message);
                if (isOnce && session.Arrivals.Contains(packet.PacketId))
                    session.Promises[$"arrival {packet.PacketId}"] = true;
            },
        });
    }

    private void OnSubscribe(Session session, Connection connection, SubscribePacket packet)
    {
        var asked = packet.Subscriptions[0];
        var terms = new Terms(asked.Filter.ToString(), asked.QualityOfService, asked.NoLocal, asked.RetainAsPublished, packet.SubscriptionIdentifier ?? 0);
        var isNew = !session.Subscriptions.ContainsKey(terms.Filter);
        session.Subscriptions[terms.Filter] = terms;
        foreach (var pending in Unsettle(session, copy => copy.RetainedBy == terms.Filter))
            OweRetained(session, pending.Message, terms, isOptional: true);
        session.Promises.Remove(terms.Filter);
        foreach (var message in shared.Where(message => message.Filter == terms.Filter && message.May.Count > 0))
            message.May.Add((session.ClientId, terms));
        var wantsRetained = !terms.IsShared
            && (asked.RetainHandling == RetainHandling.SendAtSubscribe || (asked.RetainHandling == RetainHandling.SendIfNew && isNew));
        var keptNow = retained.Values.ToList();
        connection.Answers.Add(new Answer(MqttPacketType.SubAck, packet.PacketId, (ReasonCode)asked.QualityOfService)
        {
            WhenSeen = () => session.Promises[terms.Filter] = terms,
            WhenSent = () =>
            {
                // What was kept while SUBACK waited may come, or came as it was published; and if the connection has ended, even what is kept later.
                var isLate = session.Connection != connection;
                foreach (var message in wantsRetained ? retained.Values : Enumerable.Empty<Message>())
                    OweRetained(session, message, terms, isLate || !keptNow.Contains(message));
                if (wantsRetained && isLate)
                    session.Late.Add(terms);
            },
        });
    }

    private void OnUnsubscribe(Session session, Connection connection, UnsubscribePacket packet)
    {
        var filter = packet.Filters[0].ToString();
        var code = session.Subscriptions.Remove(filter) ? ReasonCode.Success : ReasonCode.NoSubscriptionExisted;
        session.Promises.Remove(filter);
        LeaveShared(filter);
        Unsettle(session, copy => copy.RetainedBy == filter);
        connection.Answers.Add(new Answer(MqttPacketType.UnsubAck, packet.PacketId, code) { WhenSeen = () => session.Promises[filter] = null });
    }

    // 0 deletes the will, any other code does not. The session expiry may change, but not from 0: such a DISCONNECT is none, and the only one that is answered.
    private void OnDisconnect(Session session, Connection connection, DisconnectPacket packet)
    {
        connection.Goodbye = ReasonCode.ProtocolError;
        if (!session.ExpiryWasZero || packet.SessionExpiryInterval is null or 0)
        {
            connection.Goodbye = ReasonCode.NormalDisconnection;
            session.Will = packet.ReasonCode == ReasonCode.NormalDisconnection ? null : session.Will;
            session.ExpirySeconds = Cap(packet.SessionExpiryInterval ?? session.ExpirySeconds);
            session.Promises.Remove("session");
        }

        Lose(session);
    }

    // --- What the broker does with it

    // Everybody with a matching subscription gets one copy: the highest QoS, all identifiers, RETAIN if any keeps it.
    private int Publish(Message message)
    {
        publishers[message.Number] = message.From;
        if (message.Retain)
            Keep(message);
        var receivers = 0;
        foreach (var session in sessions.Values)
        {
            var matching = session.Subscriptions.Values.Where(terms => !terms.IsShared && terms.Matches(message.Topic)).ToList();
            receivers += matching.Count > 0 ? 1 : 0;
            matching.RemoveAll(terms => terms.NoLocal && message.From == session.ClientId);
            if (matching.Count == 0)
                continue;
            var (qos, retain) = (Min(message.QoS, matching.Max(terms => terms.QoS)), message.Retain && matching.Exists(terms => terms.AsPublished));
            Owe(session, new Copy(message, qos, retain, Identifiers(matching)) { IsDurable = session.ExpirySeconds > 0 });
        }

        return receivers + PublishShared(message);
    }

    // Of each shared subscription one member gets it, whichever.
    private int PublishShared(Message message)
    {
        var members =
            from session in sessions.Values
            from terms in session.Subscriptions.Values
            where terms.IsShared && terms.Matches(message.Topic)
            select (session, terms);
        var groups = members.ToLookup(pair => pair.terms.Filter);
        foreach (var group in groups)
        {
            var least = group.Min(pair => Min(message.QoS, pair.terms.QoS));
            var isTooLarge = group.Any(pair => pair.session.Connection?.Takes(message) is false);
            var one = new SharedMessage(message, group.Key) { IsOptional = isTooLarge || (least == QoS0 && group.Any(pair => !pair.session.IsThere)) };
            one.May.UnionWith(group.Select(pair => (pair.session.ClientId, pair.terms)));
            shared.Add(one);
        }

        return groups.Count;
    }

    private void Keep(Message message)
    {
        if (message.Number == 0)
            retained.Remove(message.Topic);
        else
            retained[message.Topic] = message;
        OnKept(message);
        foreach (var session in sessions.Values)
        {
            Unsettle(session, copy => copy.Message.Topic == message.Topic);
            session.Late.ForEach(terms => OweRetained(session, message, terms, isOptional: true));
        }
    }

    // Retained messages come at the client's pace: what changes before their turn need not come, or comes changed.
    private static List<Copy> Unsettle(Session session, Predicate<Copy> changed)
    {
        var pending = session.Owed.FindAll(copy => copy.IsPendingRetained && changed(copy));
        pending.ForEach(copy => copy.IsOptional = true);
        return pending;
    }

    private void OweRetained(Session session, Message message, Terms terms, bool isOptional)
    {
        if (message.ExpiresAt > lastQuiet && message.Number != 0 && terms.Matches(message.Topic))
        {
            Owe(session, new Copy(message, Min(message.QoS, terms.QoS), true, Identifiers([terms]))
            {
                RetainedBy = terms.Filter,
                IsOptional = isOptional || message.ExpiresAt <= now,
            });
        }
    }

    // QoS 0 is for who is there, and perhaps for who is just coming.
    private static void Owe(Session session, Copy copy)
    {
        copy.IsOptional |= (copy.QoS == QoS0 && !session.IsThere) || session.Connection?.Takes(copy.Message) is false;
        copy.MayHaveBeenSent |= session.WasLostWaiting;
        if (!session.HasEnded && (copy.QoS != QoS0 || session.Connection is not null || copy.RetainedBy is not null))
            session.Owed.Add(copy);
    }

    private void PublishWill(Session session)
    {
        if (session.Will is not { } will)
            return;
        session.Will = null;
        var expiresAt = will.Expiry > 0 ? now + (will.Expiry * 1000L) : Never;
        Publish(new Message(will.Payload, session.ClientId, will.Topic, (QualityOfService)will.QoS, will.Retain, expiresAt));
    }

    // What was under way is due again, releases first.
    private void Attach(Session session, Connection connection)
    {
        connection.IsAccepted = true;
        session.Owed.ForEach(copy => copy.IsDue = true);
        foreach (var copy in session.Owed.Where(copy => !connection.Takes(copy.Message)))
            (copy.IsOptional, copy.PacketId) = (true, 0);
        foreach (var message in shared.Where(message => !connection.Takes(message.Message) && message.May.Any(may => may.ClientId == session.ClientId)))
            message.IsOptional = true;
        for (var i = 0; i < session.Released.Count; i++)
        {
            var packetId = session.Released[i].PacketId;
            session.Released[i] = (packetId, false);
            Release(session, connection, packetId);
        }
    }

    private static void Release(Session session, Connection connection, ushort packetId) =>
        connection.Answers.Add(new Answer(MqttPacketType.PubRel, packetId) { WhenSeen = () => session.Promises[$"released {packetId}"] = true });

    // What waits to be sent is done with, though nobody sees it; what was not seen may have been sent, and QoS 0 is perhaps lost.
    private void Detach(Session session)
    {
        var connection = session.Connection!;
        session.Connection = connection.IsAccepted ? null : connection;
        session.WasLostWaiting |= connection.Answers.Count > 0;
        for (var at = 0; at < connection.Answers.Count; at++)
            connection.Answers[at].WhenSent?.Invoke();
        connection.Answers.Clear();
        session.Connection = null;
        foreach (var copy in session.Owed)
            (copy.MayHaveBeenSent, copy.IsOptional) = (true, copy.IsOptional || copy.QoS == QoS0);
        foreach (var message in shared)
            message.IsOptional |= message.May.Any(may => may.ClientId == session.ClientId && Min(may.Terms.QoS, message.Message.QoS) == QoS0);
    }

    private void Lose(Session session)
    {
        Detach(session);
        session.LostAt = now;
        if (session.ExpirySeconds == 0)
            EndSession(session);
        else if (session.Will is { Delay: 0 })
            PublishWill(session);
    }

    private void EndSession(Session session)
    {
        PublishWill(session);
        session.HasEnded = true;
        sessions.Remove(session.ClientId);
        foreach (var filter in session.Subscriptions.Keys)
            LeaveShared(filter);
        foreach (var message in shared)
            message.IsOptional |= message.Message.QoS == QoS2 && message.May.Any(may => may.ClientId == session.ClientId);
    }

    // What a group was not sent dies with its last member.
    private void LeaveShared(string filter)
    {
        if (sessions.Values.Any(session => session.Subscriptions.ContainsKey(filter)))
            return;
        foreach (var message in shared.Where(message => message.Filter == filter))
            message.IsOptional = true;
    }

    private void Complete(Session session, ushort packetId)
    {
        var copy = session.Owed.Find(copy => copy.PacketId == packetId && !copy.IsDue)
            ?? throw new InvalidOperationException($"The client acknowledged {packetId}, which is not under way.");
        session.Owed.Remove(copy);
        if (copy.QoS != QoS2 && copy.Message.Number != 0)
            completed.Add((session.ClientId, copy.Message));
        if (copy.Shared is not null)
            shared.Remove(copy.Shared);
    }

    // --- Time

    /// <summary>Time has passed: wills and sessions that were due by now.</summary>
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

    // What is due when the broker begins is due at its first beat.
    private long NextDue(Session session) =>
        Math.Max(firstBeat, Math.Min(ExpiryDue(session), session.Will is { } will ? session.LostAt + (will.Delay * 1000L) : Never));

    private static long ExpiryDue(Session session) => session.LostAt + (session.ExpirySeconds * 1000L);

    private static long Cap(long seconds) => Math.Min(seconds, 7 * 24 * 3600);

    private static QualityOfService Min(QualityOfService one, QualityOfService other) => one < other ? one : other;

    private static int NumberOf(ReadOnlyMemory<byte> payload) => payload.IsEmpty ? 0 : int.Parse(Encoding.UTF8.GetString(payload.Span), CultureInfo.InvariantCulture);

    private static uint[] Identifiers(IEnumerable<Terms> matching) => [.. matching.Select(terms => terms.Identifier).Where(identifier => identifier != 0)];
}
