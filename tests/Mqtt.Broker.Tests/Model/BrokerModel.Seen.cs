using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Mqtt.Broker.Tests.Model;

// What clients see, compared with what they are owed; and what must have come once all is quiet.
internal sealed partial class BrokerModel
{
    public void OnSent(Connection connection, MqttPacket packet)
    {
        if (packet is PublishPacket publish)
            OnPublishSent(sessions.GetValueOrDefault(connection.ClientId), connection, publish);
        else if (packet is DisconnectPacket { ReasonCode: var code })
            Require(connection.IsV5 && connection.Goodbye == code && code != ReasonCode.NormalDisconnection, $"is dismissed with {code}", connection);
        else
            OnAnswered(connection, packet);
    }

    public static void OnClosed(Connection connection, bool hasSeenGoodbye) => Require(
        connection.Goodbye is { } code && hasSeenGoodbye == (connection.IsV5 && code != ReasonCode.NormalDisconnection), $"was closed, and should be with {connection.Goodbye}", connection);

    // Answers come in the order of what they answer, but SUBACK may be ahead of those that wait for the store.
    private void OnAnswered(Connection connection, MqttPacket packet)
    {
        var (id, code) = packet switch
        {
            ConnAckPacket answer => (answer.SessionPresent ? 1 : 0, answer.ReasonCode),
            SubAckPacket answer => (answer.PacketId, answer.ReasonCodes[0]),
            UnsubAckPacket answer => (answer.PacketId, connection.IsV5 ? answer.ReasonCodes[0] : ReasonCode.Success),
            PublishResponsePacket answer => (answer.PacketId, answer.ReasonCode),
            _ => throw Wrong($"gets {packet.Type}", connection),
        };
        var due = connection.Answers.Find(answer => packet is not SubAckPacket || answer.Type == MqttPacketType.SubAck);
        Require(due is not null, $"gets {packet.Type} {id}, which answers nothing", connection);
        connection.Answers.Remove(due);
        var expected = !connection.IsV5 && due.Type != MqttPacketType.SubAck ? ReasonCode.Success : due.Code;
        Require((due.Type, due.Id, expected) == (packet.Type, id, code), $"gets {packet.Type} {id} {code} in place of {due.Type} {due.Id} {expected}", connection);
        due.Then?.Invoke();
        NoteAnswered(sessions[connection.ClientId], due);
    }

    // Section 4.4: what the client has seen comes again as it was, under its identifier and with DUP, but never twice on one connection. All else is new to it: its own,
    // or one that it shares.
    private void OnPublishSent(Session? session, Connection connection, PublishPacket packet)
    {
        var message = new Message(NumberOf(packet.Payload), "somebody", packet.Topic.ToString(), packet.QualityOfService, packet.Retain, 0);
        var seen = new Copy(message, packet.QualityOfService, packet.Retain, [.. packet.SubscriptionIdentifiers]) { PacketId = packet.PacketId };
        Require(session is not null && session.Connection == connection && connection.IsAccepted, $"gets {seen}, and is not connected", connection);
        Require(connection.Takes(message), $"gets {seen}, which is too large for it", connection);
        var known = session.Owed.Exists(copy => copy.PacketId == packet.PacketId) ? packet.PacketId : (ushort)0;
        bool IsIt(Copy copy) => copy.IsDue && copy.PacketId == known && seen.LooksLike(copy, withIdentifiers: connection.IsV5 && !copy.IsVague)
            && (known != 0 ? packet.Duplicate : copy.MayHaveBeenSent || (!packet.Duplicate && copy.Message.ExpiresAt > lastQuiet));
        List<Copy> all = [.. session.Owed, .. SharedWith(session, message.Number)];
        var copy = all.Where(IsIt).MinBy(copy => (copy.Shared?.IsOptional ?? copy.IsOptional, copy.Message.ExpiresAt <= now));
        Require(copy is not null, $"gets {seen}, DUP {packet.Duplicate}, which it is not owed; owed: [{string.Join("; ", all)}]", connection);
        var earlier = session.Owed.TakeWhile(other => other != copy).FirstOrDefault(other => MustCome(other) && other.IsInOrderWith(copy));
        Require(earlier is null, $"gets {copy} before {earlier}", connection);
        CheckExpiry(connection, copy, packet);
        Require(copy.QoS == QoS0 || session.HasRoom, $"gets {copy} beyond its Receive Maximum of {connection.Window}", connection);
        (copy.IsDue, copy.PacketId, copy.IsVague) = (false, packet.PacketId, copy.IsVague || (known == 0 && !connection.IsV5));
        if (copy.Shared is { } one && known == 0)
        {
            (one.Holder, one.HeldAt) = (session, copy.QoS);
            session.Owed.Add(copy);
        }

        if (copy.QoS == QoS0 && session.Owed.Remove(copy))
            shared.Remove(copy.Shared!);
    }

    private IEnumerable<Copy> SharedWith(Session session, int number) =>
        from one in shared
        where one.Message.Number == number && one.IsOpen
        orderby one.IsOptional, one.May.Count
        from may in one.May
        where may.ClientId == session.ClientId
        select CopyOf(one.Message, [may.Terms], one.Message.Retain && may.Terms.AsPublished) with { Shared = one, MayHaveBeenSent = true };

    // Section 3.3.2.3.3: what is left in whole seconds, rounded up; what was sent before its time ran out has one.
    private void CheckExpiry(Connection connection, Copy copy, PublishPacket packet)
    {
        long LeftAt(long at) => Math.Max(1, (copy.Message.ExpiresAt - at + 999) / 1000);
        var isRight = packet.MessageExpiryInterval is not { } left ? copy.Message.ExpiresAt == Never : left >= LeftAt(now) && left <= LeftAt(lastQuiet);
        Require(isRight || !connection.IsV5, $"gets {copy} with expiry {packet.MessageExpiryInterval} at {now}", connection);
    }

    // A QoS 2 message that was sent is completed, expired or not.
    private bool MustCome(Copy copy) => copy is { IsDue: true, IsOptional: false } && (copy.Message.ExpiresAt > now || (copy.PacketId != 0 && copy.QoS == QoS2));

    // All is quiet. What must have come by now has come, unless it may wait for the store.
    public void OnQuiet(bool allIsSafe)
    {
        lastQuiet = now;
        isSafe = allIsSafe;
        if (!allIsSafe)
            return;
        NoteAllSafe();
        foreach (var session in sessions.Values)
        {
            session.WasLostWaiting = false;
            if (session.Connection is not { } connection)
                continue;
            Require(connection.Answers.Count == 0, $"still waits for {connection.Answers.FirstOrDefault()}", connection);
            if (!session.HasRoom)
                continue;
            var missing = session.Owed.Find(MustCome);
            Require(missing is null, $"does not get {missing}", connection);
            session.Owed.RemoveAll(copy => copy.IsDue);
        }

        foreach (var one in shared.Where(one => !one.IsOptional && one.IsOpen && one.Message.ExpiresAt > now))
        {
            var members = sessions.Values.Where(session => session.Subscriptions.ContainsKey(one.Filter)).ToList();
            if (members.TrueForAll(session => session.HasRoom))
                throw new ModelException($"No member of {one.Filter} gets {one.Message}: {string.Join(", ", members.Select(session => session.ClientId))}");
        }
    }

    private static void Require([DoesNotReturnIf(false)] bool isRight, [InterpolatedStringHandlerArgument(nameof(isRight))] Complaint complaint, Connection connection)
    {
        if (!isRight)
            throw Wrong(complaint.ToString(), connection);
    }

    private static ModelException Wrong(string what, Connection connection) => new($"{connection.ClientId} ({connection.Version}) {what}.");
}
