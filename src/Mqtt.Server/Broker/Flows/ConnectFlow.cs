using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server.Broker.Hooks;
using Mqtt.Server.Broker.Sessions;

namespace Mqtt.Server.Broker.Flows;

/// <summary>CONNECT: check it, take the client identifier over from an older connection, resume or begin the session, answer.</summary>
internal sealed class ConnectFlow(SessionContext context, SessionTable table, ClientGates gates, SessionEndFlow ending, SubscribeFlow subscribing)
{
    /// <summary>Takes a CONNECT. May wait for another flow of the same client and for the store.</summary>
    public async ValueTask OnConnectAsync(MqttConnection connection, ConnectPacket packet)
    {
        var assigned = packet.ClientId.IsEmpty ? Guid.NewGuid().ToString("N") : null;
        var answer = Answer(packet, assigned);
        if (Refusal(packet, answer) is { } refusal)
        {
            connection.Send(new ConnAckPacket { ReasonCode = refusal });
            return;
        }

        var clientId = assigned ?? packet.ClientId.ToString();
        var client = new ConnectingClient(connection, packet, clientId, context.Options.Limits);
        var request = new ConnectRequest(connection, packet, clientId, client.UserName);
        if (await ConnectHooks.AskAsync(context, client, packet, request).ConfigureAwait(false) is { } refused)
        {
            connection.Send(refused);
            return;
        }

        using (await gates.EnterAsync(clientId).ConfigureAwait(false))
        {
            var (session, resumed, position) = Begin(clientId, packet);
            await ending.WillsOf(clientId).ConfigureAwait(false);
            if (context.Watch is { } watch)
                await watch.WaitAsync(position).ConfigureAwait(false);

            var attachment = new Attachment(session, connection, packet, context.Options.Limits);
            connection.State = attachment;
            answer.SessionPresent = resumed;
            using (Turn.Enter(out var turn))
            {
                session.Attach(attachment, answer, turn);
                subscribing.SubscribeFor(attachment, request.Subscriptions, turn);
            }

            ConnectHooks.Tell(context.Hooks, attachment, resumed);
        }
    }

    private static ReasonCode? Refusal(ConnectPacket packet, ConnAckPacket answer)
    {
        if (packet.AuthenticationMethod is not null)
            return ReasonCode.BadAuthenticationMethod;

        // A client must be told the limits, and this one does not take a packet of that size [MQTT-3.1.2-24].
        if (MqttPacketWriter.Measure(answer, packet.Version) > (packet.MaximumPacketSize ?? uint.MaxValue))
            return ReasonCode.PacketTooLarge;
        if (!packet.ClientId.IsEmpty)
            return null;

        // Without an identifier there is no session to keep, and 3.1 knows no such client at all.
        var mayBeAssigned = packet.Version == MqttProtocolVersion.V500 || (packet.Version == MqttProtocolVersion.V311 && packet.CleanStart);
        return mayBeAssigned ? null : ReasonCode.ClientIdentifierNotValid;
    }

    private (Session Session, bool Resumed, long Position) Begin(string clientId, ConnectPacket packet)
    {
        var position = 0L;
        if (table.TryFind(clientId, out var session))
        {
            var wasConnected = session.Attachment is not null;
            var endsWithConnection = TakeOver(session);
            if (packet.CleanStart || endsWithConnection)
            {
                position = ending.End(session, wasConnected ? SessionEnd.TakenOver : SessionEnd.CleanStart);
                session = null;
            }
            else
            {
                ending.Cancel(session);
            }
        }

        var resumed = session is not null;
        if (session is null)
            table.Add(session = new Session(clientId, context));
        session.ExpirySeconds = ExpiryOf(packet);
        session.Will = packet.Will?.ToOwned();
        return (session, resumed, Math.Max(position, ending.Save(session, null)));
    }

    // The older connection is untied at once: its late events touch nothing, and nobody waits for its socket. Its will is published
    // and retained before the newcomer's CONNACK unless it is delayed and the session goes on. Tells whether the session ends with it.
    private bool TakeOver(Session session)
    {
        if (session.Attachment is not { } old || !session.Detach(old))
            return false;
        old.Connection.Close(ReasonCode.SessionTakenOver);

        // It said goodbye, and nobody has noticed its end yet.
        if (old.EndedNormally)
            session.Will = null;
        if ((session.Will?.DelayInterval ?? 0) == 0)
            ending.PublishWill(session);
        return session.ExpirySeconds == 0;
    }

    private uint ExpiryOf(ConnectPacket packet)
    {
        var asked = packet.Version == MqttProtocolVersion.V500
            ? packet.SessionExpiryInterval ?? 0
            : packet.CleanStart ? 0 : uint.MaxValue;
        return Cap(asked);
    }

    /// <summary>A session expiry as far as the broker allows it.</summary>
    public uint Cap(uint seconds) =>
        context.Options.Limits.MaximumSessionExpiry is { } cap ? (uint)Math.Min(seconds, cap.TotalSeconds) : seconds;

    private ConnAckPacket Answer(ConnectPacket packet, string? assigned)
    {
        var answer = new ConnAckPacket();
        if (packet.Version != MqttProtocolVersion.V500)
            return answer;
        var options = context.Options.Limits;
        answer.ReceiveMaximum = (ushort)options.ReceiveMaximum;
        answer.MaximumPacketSize = (uint)options.MaximumPacketBytes;
        if (options.TopicAliasMaximum > 0)
            answer.TopicAliasMaximum = (ushort)options.TopicAliasMaximum;
        if (assigned is not null)
            answer.AssignedClientIdentifier = assigned;
        if (ExpiryOf(packet) is var expiry && expiry != (packet.SessionExpiryInterval ?? 0))
            answer.SessionExpiryInterval = expiry;
        return answer;
    }
}
