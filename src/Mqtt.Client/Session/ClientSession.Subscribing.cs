using Mqtt.Protocol.Channels;

namespace Mqtt.Client;

// What is subscribed to: asked for, renewed on a new connection, and ended.
internal sealed partial class ClientSession
{
    private const int FiltersOfOneRequest = 8;

    /// <summary>Registers a subscription; asks the server for it if there is a connection.</summary>
    /// <param name="subscription">The subscription.</param>
    /// <param name="needsConnection">Somebody waits for the answer: fail without a connection, unless one is being made.</param>
    public void Add(MqttSubscription subscription, bool needsConnection)
    {
        using (Turn.Enter(out var turn))
        {
            lock (gate)
            {
                ObjectDisposedException.ThrowIf(isDisposed, typeof(MqttClient));
                if (needsConnection)
                    RequireConnection(orAttempt: true);
                subscription.ExpectsAnswer = needsConnection;
                members.Add(subscription);
                var entries = subscriptions.Add(subscription);
                if (connection is not null)
                    SendSubscribe(connection, entries, turn);
            }
        }
    }

    /// <summary>Takes a subscription out; what nobody else subscribes to is ended at the server, and its answer awaited.</summary>
    public async ValueTask RemoveAsync(MqttSubscription subscription)
    {
        var requests = new List<UnsubscribeFlight>();
        using (Turn.Enter(out var turn))
        {
            lock (gate)
            {
                if (members.Remove(subscription))
                    droppedBefore += subscription.DroppedCount;
                foreach (var entry in subscriptions.Entries.Where(entry => entry.Members.Contains(subscription)).ToArray())
                    Remove(entry, subscription, requests, turn);
            }
        }

        foreach (var request in requests)
            await request.Answer.ConfigureAwait(false);
    }

    /// <summary>Ends every subscription to a filter, here and at the server.</summary>
    /// <exception cref="MqttConnectionException">There is no connection and none is being made, or the client stopped making one.</exception>
    /// <exception cref="MqttRefusedException">The server refused.</exception>
    public async ValueTask<ReasonCode> UnsubscribeAsync(MqttString filter, CancellationToken cancellationToken)
    {
        UnsubscribeFlight request;
        using (Turn.Enter(out var turn))
        {
            lock (gate)
            {
                RequireConnection(orAttempt: true);
                var entry = subscriptions.FindOrCreate(filter);
                request = new UnsubscribeFlight(entry, entry.Members);
                if (connection is not null)
                    SendUnsubscribe(connection, request, turn);
                else
                    unanswered.Add(request);
            }
        }

        var (reasonCode, error) = await request.Answer.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (error is not null)
            throw new MqttConnectionException(error.Message, error);
        return reasonCode < ReasonCode.UnspecifiedError ? reasonCode : throw MqttRefusedException.For($"The server refused to unsubscribe from {filter}", reasonCode);
    }

    private void RenewSubscriptions(MqttConn conn, bool resumed, Turn turn)
    {
        UnsubscribeFlight[] again = [.. unanswered];
        unanswered.Clear();
        foreach (var request in again)
        {
            // A server that has lost the session has no such subscription any more.
            if (resumed)
                SendUnsubscribe(conn, request, turn);
            else
                OnUnsubscribed(request, Options.ProtocolVersion == MqttProtocolVersion.V500 ? ReasonCode.NoSubscriptionExisted : ReasonCode.Success);
        }

        foreach (var entry in subscriptions.Entries.Where(entry => entry.IsLeaving).ToArray())
            SendUnsubscribe(conn, new UnsubscribeFlight(entry, []), turn);
        SendSubscribe(conn, [.. subscriptions.Entries.Where(entry => entry is { IsGranted: false, Members.Length: > 0 } && !again.Any(request => request.Entry == entry))], turn);
    }

    // With subscription identifiers each filter needs a packet of its own; they leave together all the same.
    private void SendSubscribe(MqttConn conn, FilterEntry[] entries, Turn turn)
    {
        var withIdentifiers = Options.ProtocolVersion == MqttProtocolVersion.V500 && conn.Accepted!.SubscriptionIdentifierAvailable;
        foreach (var chunk in entries.Where(entry => !IsRefusedAtOnce(conn, entry)).ToArray().Chunk(withIdentifiers ? 1 : FiltersOfOneRequest))
        {
            var packet = new SubscribePacket { Subscriptions = [.. chunk.Select(entry => entry.Request())] };
            if (withIdentifiers)
                packet.SubscriptionIdentifier = chunk[0].Identifier;
            foreach (var member in chunk.SelectMany(entry => entry.Members))
                member.ExpectsAnswer = true;
            packet.PacketId = outgoing.Reserve(new SubscribeFlight(chunk), conn.Now);
            conn.Send(packet, turn);
            conn.ReadOn();
        }
    }

    private bool IsRefusedAtOnce(MqttConn conn, FilterEntry entry)
    {
        var reasonCode = ServerLimits.Check(entry, conn.Accepted!);
        if (reasonCode != ReasonCode.Success)
            OnAnswer(entry, reasonCode);
        return reasonCode != ReasonCode.Success;
    }

    private void SendUnsubscribe(MqttConn conn, UnsubscribeFlight request, Turn turn)
    {
        conn.Send(new UnsubscribePacket { PacketId = outgoing.Reserve(request, conn.Now), Filters = [request.Entry.Filter] }, turn);
        conn.ReadOn();
    }

    private void Remove(FilterEntry entry, MqttSubscription subscription, List<UnsubscribeFlight> requests, Turn turn)
    {
        subscriptions.RemoveMember(entry, subscription);
        if (entry.Members.Length > 0)
            return;
        entry.IsKept = !subscription.Options.UnsubscribeOnDispose;
        entry.IsLeaving = !entry.IsKept;
        if (!hasState)
        {
            subscriptions.RemoveIfUnused(entry);
            return;
        }

        if (!entry.IsLeaving || connection is null)
            return;
        requests.Add(new UnsubscribeFlight(entry, []));
        SendUnsubscribe(connection, requests[^1], turn);
    }

    private void OnSubAck(SubAckPacket packet)
    {
        if (outgoing.TryTakeRaw(packet.PacketId, packet.Type, out var raw))
        {
            raw.OnAnswer(new SubAckPacket { PacketId = packet.PacketId, ReasonCodes = [.. packet.ReasonCodes], Properties = packet.Properties.ToOwned() });
            return;
        }

        var request = outgoing.OnAnswer<SubscribeFlight>(packet.PacketId);
        if (packet.ReasonCodes.Count != request.Entries.Length)
            throw new MqttProtocolException(ReasonCode.ProtocolError, $"SUBACK has {packet.ReasonCodes.Count} reason codes for {request.Entries.Length} filters.");
        for (var i = 0; i < request.Entries.Length; i++)
            OnAnswer(request.Entries[i], packet.ReasonCodes[i]);
    }

    private void OnAnswer(FilterEntry entry, ReasonCode reasonCode)
    {
        entry.IsGranted = reasonCode < ReasonCode.UnspecifiedError;
        foreach (var member in entry.Members)
        {
            member.OnAnswer(entry.Filter, reasonCode);
            if (!entry.IsGranted)
                subscriptions.RemoveMember(entry, member);
        }

        if (entry.IsGranted)
            return;
        subscriptions.RemoveIfUnused(entry);
        status.Tell(new MqttSubscriptionRefusedEvent(entry.Filter, reasonCode));
    }

    private void OnUnsubAck(UnsubAckPacket packet)
    {
        if (outgoing.TryTakeRaw(packet.PacketId, packet.Type, out var raw))
        {
            raw.OnAnswer(new UnsubAckPacket { PacketId = packet.PacketId, ReasonCodes = [.. packet.ReasonCodes], Properties = packet.Properties.ToOwned() });
            return;
        }

        var request = outgoing.OnAnswer<UnsubscribeFlight>(packet.PacketId);
        if (Options.ProtocolVersion == MqttProtocolVersion.V500 && packet.ReasonCodes.Count != 1)
            throw new MqttProtocolException(ReasonCode.ProtocolError, $"UNSUBACK has {packet.ReasonCodes.Count} reason codes for 1 filter.");
        var reasonCode = packet.ReasonCodes.Count == 0 ? ReasonCode.Success : packet.ReasonCodes[0];
        OnUnsubscribed(request, reasonCode);
    }

    private void OnUnsubscribed(UnsubscribeFlight request, ReasonCode reasonCode)
    {
        if (reasonCode < ReasonCode.UnspecifiedError)
            Leave(request.Entry, request.Leaving);
        request.OnAnswer(reasonCode);
    }

    private void Leave(FilterEntry entry, MqttSubscription[] leaving)
    {
        foreach (var member in leaving)
        {
            subscriptions.RemoveMember(entry, member);
            if (!subscriptions.Entries.Any(other => other.Members.Contains(member)))
                member.Inbox.Complete();
        }

        subscriptions.RemoveIfUnused(entry);
    }
}
