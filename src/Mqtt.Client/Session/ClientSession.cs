using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Mqtt.Protocol.Channels;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Client;

/// <summary>
/// What client and server owe each other, whatever becomes of connections: subscriptions, messages in flight both ways, messages that
/// wait to be sent. It has at most one connection at a time, whose read loop hands it packets; everything else calls it from any thread.
/// <para>
/// <see cref="gate"/> is its one lock, and guards the outbox of the present connection as well. Nothing is awaited, no user code
/// runs and nothing is written to the network under it.
/// </para>
/// </summary>
internal sealed class ClientSession : IThreadPoolWorkItem, IAsyncDisposable
{
    private const int FiltersOfOneRequest = 8;

    private readonly Lock gate = new();
    private readonly ILogger logger;
    private readonly ClientStatus status;

    // What is owed. Under the gate.
    private readonly OutgoingMessages outgoing;
    private readonly SubscriptionTable subscriptions = new();
    private readonly Receipts receipts = new();

    // What was asked to be unsubscribed and has no answer yet, while there is no connection. Under the gate.
    private readonly List<UnsubscribeFlight> unanswered = [];

    // Every subscription that was not disposed, since its handler may still run. Under the gate.
    private readonly HashSet<MqttSubscription> members = [];

    // The present connection and what ends with it. Under the gate.
    private MqttConn? connection;
    private AcknowledgementWatch? watch;
    private IncomingTopicAliases aliases = new(0);

    // Under the gate.
    private bool isTrying;
    private bool hasState;
    private bool isDisposed;
    private bool isDrainScheduled;

    public ClientSession(MqttClientOptions options, ClientStatus status, ILogger logger)
    {
        Options = options;
        this.status = status;
        this.logger = logger;
        outgoing = new OutgoingMessages(options.Queue);
        ClientId = options.ClientId ?? $"mqtt-{RandomNumberGenerator.GetHexString(16, lowercase: true)}";
        Unclaimed = new MqttSubscription(this, [], MqttSubscriptionOptions.Default, handler: null);
    }

    public MqttClientOptions Options { get; }

    /// <summary>The client identifier: given, generated, or assigned by the server.</summary>
    public string ClientId { get; private set; }

    /// <summary>Gets what no subscription gets.</summary>
    public MqttSubscription Unclaimed { get; }

    /// <summary>What the server of the present connection said; null if there is none.</summary>
    public MqttConnectResult? Accepted
    {
        get
        {
            lock (gate)
                return connection?.Accepted;
        }
    }

    // --- Connections ---

    /// <summary>Connections are going to be made, until <see cref="GiveUp"/>: who needs one waits for it.</summary>
    public void Begin()
    {
        lock (gate)
            isTrying = true;
    }

    /// <summary>There will be no connection: whoever waits for one is told.</summary>
    public void GiveUp(MqttConnectionException error)
    {
        lock (gate)
            Fail(error);
    }

    /// <summary>A connection was accepted. Called by its read loop, so that no packet after CONNACK is missed.</summary>
    public void Attach(MqttConn conn, MqttConnectResult accepted, Turn turn)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(isDisposed, typeof(MqttClient));
            var resumed = IsResumed(accepted);
            conn.Outbox.Adopt(gate);
            connection = conn;
            ClientId = accepted.ClientId;
            aliases = new IncomingTopicAliases(Options.Limits.TopicAliasMaximum);
            watch = new AcknowledgementWatch(Options.TimeProvider, Options.Timeouts.Acknowledgement, HasOlderThan, () => OnLateAcknowledgement(conn));
            watch.Start();
            Resume(accepted, resumed);
            status.Change(MqttClientState.Connected, new MqttConnectedEvent(accepted));
            RenewSubscriptions(conn, resumed, turn);
            outgoing.Pump(conn, turn);
        }
    }

    /// <summary>A connection has ended, for itself or by <see cref="Disconnect"/>.</summary>
    public void Detach(MqttConn conn, MqttDisconnectCause cause)
    {
        lock (gate)
        {
            if (conn != connection)
                return;
            Detach(cause.ToException());
            if (!Options.Reconnect.Enabled)
                Fail(cause.ToException());
        }
    }

    /// <summary>Sends DISCONNECT and lets go of the connection, if there is one; there will be no other.</summary>
    /// <param name="packet">The packet to send.</param>
    /// <param name="reason">What whoever waits is told.</param>
    public void Disconnect(DisconnectPacket packet, Exception reason)
    {
        using (Turn.Enter(out var turn))
        {
            lock (gate)
            {
                if (connection is { } conn)
                {
                    conn.Disconnect(packet, turn);
                    Detach(reason);
                }

                Fail(reason);
            }
        }
    }

    /// <summary>The outbox of a connection has room again.</summary>
    public void OnDrained(MqttConn conn)
    {
        using (Turn.Enter(out var turn))
        {
            lock (gate)
            {
                if (conn == connection)
                    outgoing.Pump(conn, turn);
            }
        }
    }

    /// <summary>The client is gone: fails whoever waits and ends every stream and handler.</summary>
    public async ValueTask DisposeAsync()
    {
        MqttSubscription[] all;
        lock (gate)
        {
            isDisposed = true;
            outgoing.Dispose(new ObjectDisposedException(nameof(MqttClient)));
            all = [.. members, Unclaimed];
        }

        foreach (var member in all)
            await member.StopAsync(acknowledgeRest: false).ConfigureAwait(false);
    }

    // --- Packets ---

    /// <summary>Takes a packet of the server. Only the connection's read loop calls this, in its turn.</summary>
    /// <exception cref="MqttProtocolException">The packet breaks the protocol.</exception>
    public void OnPacket(MqttConn conn, MqttPacket packet, Turn turn)
    {
        if (packet is PublishPacket publish)
        {
            OnPublish(conn, publish, turn);
            return;
        }

        lock (gate)
        {
            if (conn != connection)
                return;
            OnAnswer(conn, packet, turn);
            outgoing.Pump(conn, turn);
        }
    }

    private void OnPublish(MqttConn conn, PublishPacket packet, Turn turn)
    {
        Route route;
        Receipt receipt = default;
        MqttString topic;
        lock (gate)
        {
            if (conn != connection)
                return;
            topic = packet.TopicAlias is { } alias ? aliases.Resolve(alias, packet.Topic) : packet.Topic;
            route = subscriptions.Route(packet.Properties, topic);
            if (packet.QualityOfService != QualityOfService.AtMostOnce && !TakeReceipt(conn, packet, route, turn, out receipt))
                return;
        }

        var content = new MessageContent(packet, topic);
        foreach (var receiver in route.Receivers)
        {
            if (!receiver.Inbox.TryAdd(content, receipt))
                Acknowledge(receipt, ReasonCode.Success, receiver.Inbox);
        }

        if (route is { Receivers.Length: 0, Leftover: Leftover.Unclaimed })
            Unclaimed.Inbox.TryAdd(content, default);
    }

    // False if the message was delivered before. One that nobody gets is done with at once.
    private bool TakeReceipt(MqttConn conn, PublishPacket packet, in Route route, Turn turn, out Receipt receipt)
    {
        var isNew = receipts.OnPublish(packet, Math.Max(route.Receivers.Length, 1), out receipt);
        if (isNew && route.Receivers.Length == 0)
            receipts.OnDone(receipt, route.Leftover == Leftover.Withhold ? null : ReasonCode.Success);
        SendAcknowledgements(conn, turn);
        return isNew;
    }

    private void OnAnswer(MqttConn conn, MqttPacket packet, Turn turn)
    {
        switch (packet)
        {
            case PubAckPacket pubAck:
                outgoing.OnPubAck(pubAck);
                break;
            case PubRecPacket pubRec:
                if (outgoing.OnPubRec(pubRec, conn.Now, out var reasonCode))
                    conn.SendResponse(MqttPacketType.PubRel, pubRec.PacketId, reasonCode, turn);
                break;
            case PubRelPacket pubRel:
                var known = receipts.OnPubRel(pubRel.PacketId);
                conn.SendResponse(MqttPacketType.PubComp, pubRel.PacketId, known ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound, turn);
                break;
            case PubCompPacket pubComp:
                outgoing.OnPubComp(pubComp);
                break;
            case SubAckPacket subAck:
                OnSubAck(subAck);
                break;
            case UnsubAckPacket unsubAck:
                OnUnsubAck(unsubAck);
                break;
        }
    }

    // --- Publishing ---

    /// <summary>How many messages wait to be sent.</summary>
    public int QueuedCount
    {
        get
        {
            lock (gate)
                return outgoing.QueuedCount;
        }
    }

    /// <summary>How many messages were dropped because too many waited to be sent.</summary>
    public long DroppedCount
    {
        get
        {
            lock (gate)
                return outgoing.DroppedCount;
        }
    }

    /// <summary>Publishes. The packet is only borrowed. Completes at once at QoS 0, if there is room, else with the acknowledgement.</summary>
    /// <exception cref="MqttConnectionException">There is no connection and, at QoS 1 and 2, none is being made; or the client stopped making one.</exception>
    /// <exception cref="MqttRefusedException">The message goes beyond what the server takes.</exception>
    /// <exception cref="ArgumentException">The message cannot be sent in any way.</exception>
    public ValueTask<MqttPublishResult> PublishAsync(PublishPacket packet, MqttQueuePolicy? wanted, CancellationToken cancellationToken)
    {
        var policy = wanted ?? Options.Queue.PolicyFor(packet.QualityOfService);
        OutgoingPublish message;
        using (Turn.Enter(out var turn))
        {
            lock (gate)
            {
                RequireConnection(orAttempt: policy != MqttQueuePolicy.FailOffline);
                var bytes = MqttPacketWriter.Measure(packet, Options.ProtocolVersion);
                if (connection is not null && ServerLimits.Refusal(packet.QualityOfService, packet.Retain, bytes, connection.Accepted!) is { } refusal)
                    throw refusal;
                if (packet.QualityOfService == QualityOfService.AtMostOnce && connection is not null && !outgoing.HasWaitingAtQoS0 && connection.HasRoom(bytes))
                {
                    connection.SendPublish(packet, bytes, turn);
                    return default;
                }

                message = new OutgoingPublish(packet, bytes, Options.ProtocolVersion, policy);
                outgoing.Add(message);
                if (connection is not null)
                    outgoing.Pump(connection, turn);
            }
        }

        return cancellationToken.CanBeCanceled ? WaitAsync(message, cancellationToken) : new(message.Result);
    }

    private async ValueTask<MqttPublishResult> WaitAsync(OutgoingPublish message, CancellationToken cancellationToken)
    {
        try
        {
            return await message.Result.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            lock (gate)
                outgoing.Cancel(message);
            throw;
        }
    }

    // --- Subscribing ---

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
                members.Remove(subscription);
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

    // --- Acknowledging ---

    /// <summary>A stream or handler is done with a message. Without a reason code it stays unacknowledged.</summary>
    /// <param name="receipt">What came with the message.</param>
    /// <param name="reasonCode">What to tell the server.</param>
    /// <param name="inbox">Where the message came from. As long as there is more in it, acknowledgements are gathered, and leave together.</param>
    public void Acknowledge(in Receipt receipt, ReasonCode? reasonCode, Inbox inbox)
    {
        if (!receipt.IsNeeded)
            return;
        var isLast = inbox.IsEmpty;
        using (Turn.Enter(out var turn))
        {
            lock (gate)
            {
                receipts.OnDone(receipt, reasonCode);
                if (connection is null || !receipts.HasNext)
                    return;
                if (isLast)
                    SendAcknowledgements(connection, turn);
                else if (!isDrainScheduled)
                    isDrainScheduled = ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            }
        }
    }

    /// <summary>Sends the acknowledgements that have gathered.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        using (Turn.Enter(out var turn))
        {
            lock (gate)
            {
                isDrainScheduled = false;
                if (connection is not null)
                    SendAcknowledgements(connection, turn);
            }
        }
    }

    /// <summary>A handler has thrown: what to tell the server.</summary>
    public ReasonCode OnHandlerFailed(MqttMessage message, Exception error)
    {
        logger.HandlerFailed(error, message.Topic);
        if (Options.HandlerFailure == MqttHandlerFailure.Acknowledge)
            return ReasonCode.Success;
        if (Options.HandlerFailure == MqttHandlerFailure.Disconnect)
            EndConnection(error);
        return ReasonCode.UnspecifiedError;
    }

    // --- Inside, under the gate ---

    private void RequireConnection(bool orAttempt)
    {
        ObjectDisposedException.ThrowIf(isDisposed, typeof(MqttClient));
        if (connection is null && !(orAttempt && isTrying))
            throw new MqttConnectionException("The client is not connected.");
    }

    // 3.1 does not say whether it has kept the session; it has, unless it was to be clean.
    private bool IsResumed(MqttConnectResult accepted)
    {
        if (Options.ProtocolVersion == MqttProtocolVersion.V310)
            return hasState && !Options.CleanStart;
        if (accepted.SessionPresent && !hasState && Options.RequireKnownSession)
            throw new MqttProtocolException(ReasonCode.ProtocolError, "The server resumes a session of which this client knows nothing.");
        return accepted.SessionPresent;
    }

    private void Resume(MqttConnectResult accepted, bool resumed)
    {
        receipts.Reconnect(resumed, Options.ProtocolVersion == MqttProtocolVersion.V500 ? Options.Limits.ReceiveMaximum : ushort.MaxValue);
        if (resumed)
            outgoing.Resume(accepted.ReceiveMaximum);
        else
            outgoing.StartAnew(accepted.ReceiveMaximum);
        if (!resumed || Options.ProtocolVersion == MqttProtocolVersion.V310)
            subscriptions.ForgetGrants();
        if (resumed && !hasState)
            subscriptions.MayHoldForeign = true;
        hasState = true;
    }

    // What is owed goes on; a subscription is asked for again on the next connection.
    private void Detach(Exception error)
    {
        connection = null;
        watch?.Dispose();
        foreach (var request in outgoing.Suspend(error).OfType<UnsubscribeFlight>())
        {
            // One that nobody asked for but the end of a subscription is sent again, but not waited for.
            if (request.Entry.IsLeaving)
                request.OnNoAnswer(error);
            else
                unanswered.Add(request);
        }
    }

    private void Fail(Exception error)
    {
        isTrying = false;
        outgoing.GiveUp(error);
        foreach (var request in unanswered)
            request.OnNoAnswer(error);
        unanswered.Clear();
        foreach (var member in members.Where(member => member.ExpectsAnswer))
            member.OnNoAnswer(error);
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
        }
    }

    private bool IsRefusedAtOnce(MqttConn conn, FilterEntry entry)
    {
        var reasonCode = ServerLimits.Check(entry, conn.Accepted!);
        if (reasonCode != ReasonCode.Success)
            OnAnswer(entry, reasonCode);
        return reasonCode != ReasonCode.Success;
    }

    private void SendUnsubscribe(MqttConn conn, UnsubscribeFlight request, Turn turn) =>
        conn.Send(new UnsubscribePacket { PacketId = outgoing.Reserve(request, conn.Now), Filters = [request.Entry.Filter] }, turn);

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

    private void SendAcknowledgements(MqttConn conn, Turn turn)
    {
        while (receipts.TryNext(out var qualityOfService, out var packetId, out var reasonCode))
            conn.SendResponse(qualityOfService == QualityOfService.ExactlyOnce ? MqttPacketType.PubRec : MqttPacketType.PubAck, packetId, reasonCode, turn);
    }

    private bool HasOlderThan(long limit)
    {
        lock (gate)
            return outgoing.HasOlderThan(limit);
    }

    private void OnLateAcknowledgement(MqttConn conn) =>
        conn.End(new(
            MqttDisconnectOrigin.Network,
            ReasonCode.UnspecifiedError,
            new MqttConnectionException($"No acknowledgement came within {Options.Timeouts.Acknowledgement}.")));

    private void EndConnection(Exception error)
    {
        lock (gate)
            connection?.End(new(MqttDisconnectOrigin.Client, ReasonCode.UnspecifiedError, error));
    }
}
