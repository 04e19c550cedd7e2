using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Mqtt.Broker.Tests.Model;

/// <summary>What clients see, compared with what they are owed; and what must have come once all is quiet.</summary>
internal sealed partial class BrokerModel
{
    /// <summary>A client has seen a packet.</summary>
    public void OnSent(Connection connection, MqttPacket packet)
    {
        if (packet is PublishPacket publish)
            OnPublishSent(connection, publish);
        else if (packet is DisconnectPacket { ReasonCode: var code })
            Require(connection.IsV5 && connection.Goodbye == code && code != ReasonCode.NormalDisconnection, $"is dismissed with {code}", connection);
        else
            OnAnswered(connection, packet);
    }

    /// <summary>A client has seen the end of its connection.</summary>
    public static void OnClosed(Connection connection, bool hasSeenGoodbye) =>
        Require(
            connection.Goodbye is { } code && hasSeenGoodbye == (connection.IsV5 && code != ReasonCode.NormalDisconnection),
            $"was closed, and should be with {connection.Goodbye}",
            connection);

    // Answers come in the order of what they answer, but SUBACK may be ahead of those that wait for the store.
    private static void OnAnswered(Connection connection, MqttPacket packet)
    {
        var (id, code) = packet switch
        {
            ConnAckPacket answer => ((ushort)0, answer.ReasonCode),
            SubAckPacket answer => (answer.PacketId, answer.ReasonCodes[0]),
            UnsubAckPacket answer => (answer.PacketId, connection.IsV5 ? answer.ReasonCodes[0] : ReasonCode.Success),
            PublishResponsePacket answer => (answer.PacketId, answer.ReasonCode),
            _ => throw Wrong($"gets {packet.Type}", connection),
        };
        var due = packet is SubAckPacket ? connection.Answers.Find(answer => answer.Type == MqttPacketType.SubAck) : connection.Answers.FirstOrDefault();
        Require(due is not null, $"gets {packet.Type} {id}, which answers nothing", connection);
        connection.Answers.Remove(due!);
        var expected = !connection.IsV5 && due!.Type != MqttPacketType.SubAck ? ReasonCode.Success : due!.Code;
        Require(
            (due.Type, due.PacketId, expected) == (packet.Type, id, code),
            $"gets {packet.Type} {id} {code} in place of {due.Type} {due.PacketId} {expected}",
            connection);
        if (packet is ConnAckPacket accepted && connection.Version != MqttProtocolVersion.V310)
            Require(accepted.SessionPresent == connection.IsPresent, $"is told Session Present {accepted.SessionPresent}", connection);
        due.WhenSent?.Invoke();
        due.WhenSeen?.Invoke();
    }

    private void OnPublishSent(Connection connection, PublishPacket packet)
    {
        var session = sessions.GetValueOrDefault(connection.ClientId);
        var message = new Message(NumberOf(packet.Payload), "somebody", packet.Topic.ToString(), packet.QualityOfService, packet.Retain, 0);
        var seen = new Copy(message, packet.QualityOfService, packet.Retain, [.. packet.SubscriptionIdentifiers]);
        Require(session?.Connection == connection && connection.IsAccepted, $"gets {seen}, and is not connected", connection);
        Require(connection.Takes(message), $"gets {seen}, which is too large for it", connection);

        var copy = session!.Owed.Find(copy => copy.QoS != QoS0 && copy.PacketId == packet.PacketId && packet.PacketId != 0);
        if (copy is null)
            copy = FindFirst(session, connection, seen, packet);
        else
            CheckAgain(connection, copy, seen, packet);
        var earlier = session.Owed.TakeWhile(other => other != copy)
            .FirstOrDefault(other => other.IsDue && !other.IsOptional && other.Message.ExpiresAt > now && other.IsInOrderWith(copy));
        Require(earlier is null, $"gets {copy} before {earlier}", connection);
        CheckExpiry(connection, copy, packet);
        if (copy.QoS == QoS0)
        {
            session.Owed.Remove(copy);
            return;
        }

        Require(session.UnderWay < connection.Window, $"gets {copy} beyond its Receive Maximum of {connection.Window}", connection);
        (copy.IsDue, copy.PacketId) = (false, packet.PacketId);
    }

    private static void CheckAgain(Connection connection, Copy copy, Copy seen, PublishPacket packet)
    {
        if (!connection.IsV5 || copy.IsVague)
            seen = seen with { Identifiers = copy.Identifiers };
        var isRight = copy.IsDue && packet.Duplicate && copy.LooksLike(seen);
        Require(isRight, $"gets {seen}, DUP {packet.Duplicate}, under the identifier of {copy}", connection);
    }

    // One that the client has not seen: its own, or one that it shares.
    private Copy FindFirst(Session session, Connection connection, Copy seen, PublishPacket packet)
    {
        if (!connection.IsV5)
            seen = seen with { Identifiers = [] };
        bool IsIt(Copy copy) =>
            copy.IsDue && copy.PacketId == 0
            && (copy.MayHaveBeenSent || (!packet.Duplicate && copy.Message.ExpiresAt > lastQuiet))
            && seen.LooksLike(connection.IsV5 ? copy : copy with { Identifiers = [] });
        var all = session.Owed.Concat(Shared(session, seen.Message.Number)).ToList();
        var copy = all.Where(IsIt).MinBy(copy => copy.Shared?.IsOptional ?? copy.IsOptional);
        Require(copy is not null, $"gets {seen}, DUP {packet.Duplicate}, which it is not owed; owed: [{string.Join("; ", all)}]", connection);
        copy!.IsVague |= !connection.IsV5;
        if (copy.Shared is null)
            return copy;
        (copy.Shared.Holder, copy.Shared.HeldAt) = (session, copy.QoS);
        session.Owed.Add(copy);
        if (copy.QoS == QoS0)
            shared.Remove(copy.Shared);
        return copy;
    }

    private IEnumerable<Copy> Shared(Session session, int number) =>
        from message in shared
        where message.Message.Number == number && message.IsOpen
        orderby message.IsOptional, message.May.Count
        from may in message.May
        where may.ClientId == session.ClientId
        let retain = message.Message.Retain && may.Terms.AsPublished
        select new Copy(message.Message, Min(message.Message.QoS, may.Terms.QoS), retain, Identifiers([may.Terms])) { Shared = message, MayHaveBeenSent = true };

    private void CheckExpiry(Connection connection, Copy copy, PublishPacket packet)
    {
        if (!connection.IsV5)
            return;
        var expiresAt = copy.Message.ExpiresAt;
        Require((packet.MessageExpiryInterval is null) == (expiresAt == Never), $"gets {copy} with expiry {packet.MessageExpiryInterval}", connection);
        if (packet.MessageExpiryInterval is not { } left)
            return;
        Require(left >= SecondsTo(expiresAt, now) && left <= SecondsTo(expiresAt, lastQuiet), $"gets {copy} with {left} s left at {now}", connection);
    }

    // What is left in whole seconds, rounded up; what was sent before its time ran out has one.
    private static long SecondsTo(long expiresAt, long at) => Math.Max(1, (expiresAt - at + 999) / 1000);

    /// <summary>All is quiet. What must have come by now has come, unless it may wait for the store.</summary>
    public void OnQuiet(bool allIsSafe)
    {
        lastQuiet = now;
        if (!allIsSafe)
            return;
        OnAllSafe();
        foreach (var session in sessions.Values)
        {
            session.Late.Clear();
            session.WasLostWaiting = false;
        }

        foreach (var session in sessions.Values.Where(session => session.Connection is not null))
        {
            var connection = session.Connection!;
            Require(connection.Answers.Count == 0, $"still waits for {connection.Answers.FirstOrDefault()}", connection);
            if (!session.HasRoom)
                continue;
            bool MustHaveCome(Copy copy) => copy.IsDue && !copy.IsOptional && (copy.Message.ExpiresAt > now || (copy.PacketId != 0 && copy.QoS == QoS2));
            var missing = session.Owed.Find(MustHaveCome);
            Require(missing is null, $"does not get {missing}", connection);
            session.Owed.RemoveAll(copy => copy.IsDue);
        }

        foreach (var message in shared.Where(message => !message.IsOptional && message.IsOpen && message.Message.ExpiresAt > now))
        {
            var members = sessions.Values.Where(session => session.Subscriptions.ContainsKey(message.Filter)).ToList();
            if (members.TrueForAll(session => session.HasRoom))
                throw new ModelException($"No member of {message.Filter} gets {message.Message}: {string.Join(", ", members.Select(session => session.ClientId))}");
        }
    }

    private static void Require(
        [DoesNotReturnIf(false)] bool isRight, [InterpolatedStringHandlerArgument(nameof(isRight))] Complaint complaint, Connection connection)
    {
        if (!isRight)
            throw Wrong(complaint.ToString(), connection);
    }

    private static ModelException Wrong(string what, Connection connection) => new($"{connection.ClientId} ({connection.Version}) {what}.");
}
