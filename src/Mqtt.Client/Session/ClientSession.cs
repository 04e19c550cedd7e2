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
    private readonly PublishLosses losses;
    private readonly PublishJournal? journal;
    private readonly SubscriptionTable subscriptions = new();
    private readonly Receipts receipts = new();

    // What was asked to be unsubscribed and has no answer yet, while there is no connection. Under the gate.
    private readonly List<UnsubscribeFlight> unanswered = [];

    // Which streams make reading wait, and how many calls await a message of the server, for which reading must go on.
    private readonly Backlog backlog;
    private int awaitingCount;

    // Every subscription that was not disposed, since its handler may still run. Under the gate.
    private readonly HashSet<MqttSubscription> members = [];

    // What has ended and counts still: bytes of connections, drops of subscriptions. Under the gate.
    private long sentBefore;
    private long droppedBefore;

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
        losses = new PublishLosses(status.Tell);
        if (options.Queue.Store is { } store)
            journal = new PublishJournal(store, options, gate, logger) { OnLost = (message, error) => outgoing!.OnNotStored(message, error), OnSafe = OnStored };
        outgoing = new OutgoingMessages(options.Queue, losses, journal);
        ClientId = options.ClientId ?? $"mqtt-{RandomNumberGenerator.GetHexString(16, lowercase: true)}";
        Statistics = new MqttClientStatistics(this);
        backlog = new Backlog(ReadOn);
        Unclaimed = new MqttSubscription(this, [], MqttSubscriptionOptions.Default, handler: null);
    }

    public MqttClientStatistics Statistics { get; }

    /// <summary>How many bytes the network has taken.</summary>
    public long SentBytes
    {
        get
        {
            lock (gate)
                return sentBefore + (connection?.WrittenBytes ?? 0);
        }
    }

    /// <summary>How many messages found their stream full.</summary>
    public long DroppedCount
    {
        get
        {
            lock (gate)
                return droppedBefore + Unclaimed.DroppedCount + members.Sum(member => member.DroppedCount);
        }
    }

    public MqttClientOptions Options { get; }

    /// <summary>The client identifier: given, generated, or assigned by the server.</summary>
    public string ClientId { get; private set; }

    /// <summary>Gets what no subscription gets.</summary>
    public MqttSubscription Unclaimed { get; }

    /// <summary>Publishes as the user of the client does, for messages that are answered.</summary>
    public required Func<MqttMessage, CancellationToken, ValueTask<MqttPublishResult>> Publish { get; init; }

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
            Statistics.OnConnected();
            ClientId = accepted.ClientId;
            aliases = new IncomingTopicAliases(Options.Limits.TopicAliasMaximum);
            watch = new AcknowledgementWatch(Options.TimeProvider, Options.Timeouts.Acknowledgement, HasOlderThan, () => OnLateAcknowledgement(conn));
            watch.Start();
            status.Change(MqttClientState.Connected, new MqttConnectedEvent(accepted));
            Resume(accepted, resumed);
            RenewSubscriptions(conn, resumed, turn);
            outgoing.Pump(conn, turn);
        }
    }

    /// <summary>A connection has ended, for itself or by <see cref="Disconnect"/>.</summary>
    public void Detach(MqttConn conn, MqttDisconnectCause cause)
    {
        lock (gate)
        {
            if (conn == connection)
                DetachForLoss(cause.ToException());
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

        if (journal is not null)
            await journal.DisposeAsync().ConfigureAwait(false);

        foreach (var member in all)
            await member.StopAsync(acknowledgeRest: false).ConfigureAwait(false);
    }

    // --- Reading ---

    /// <summary>True if a stream is full whose policy is to wait.</summary>
    public bool IsBackedUp => backlog.IsAnyFull;

    /// <summary>
    /// Waits, for the read loop, while a stream is full whose policy is to wait; but never while somebody here awaits an answer of the server, which
    /// stands behind the messages that nobody reads: a handler that uses the client would wait for itself.
    /// </summary>
    public ValueTask WaitForStreamsAsync(MqttConn conn)
    {
        lock (gate)
            return backlog.IsAnyFull && conn == connection && !AwaitsServer ? conn.PauseReading() : default;
    }

    /// <summary>Somebody awaits a message of the server, which is no acknowledgement.</summary>
    public void BeginAwaiting()
    {
        Interlocked.Increment(ref awaitingCount);
        ReadOn();
    }

    /// <summary>The message has come, or is not awaited any more.</summary>
    public void EndAwaiting() => Interlocked.Decrement(ref awaitingCount);

    /// <summary>The inbox of a new subscription.</summary>
    public Inbox CreateInbox(MqttSubscriptionOptions options) =>
        new(new(options.MessageCount ?? Options.Limits.StreamMessageCount, options.Bytes ?? Options.Limits.StreamBytes, options.Overflow, Options.Limits.ExcessBytes), backlog);

    private bool AwaitsServer => outgoing.AwaitsServer || Volatile.Read(ref awaitingCount) > 0;

    private void ReadOn()
    {
        lock (gate)
            connection?.ReadOn();
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
            Statistics.OnMessageReceived();
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
                outgoing.OnPubRec(pubRec, conn, turn);
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

    /// <summary>How many messages were to be published and are lost for this cause.</summary>
    public long LostCount(MqttPublishLoss cause) => losses[cause];

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

                message = new OutgoingPublish(packet, bytes, Options, policy, journal is null ? null : new StoreEntry());
                outgoing.Add(message);
                if (connection is not null)
                    outgoing.Pump(connection, turn);
                connection?.ReadOn();
            }
        }

        return cancellationToken.CanBeCanceled ? WaitAsync(message, cancellationToken) : new(message.Result);
    }

    /// <summary>
    /// Takes a message into the queue. The packet is only borrowed. Completes with true as soon as it is safely there, with false if its policy was to drop it.
    /// </summary>
    /// <exception cref="MqttConnectionException">There is no connection and none is being made, and the queue has no store; or the queue is full, and its policy is to fail.</exception>
    /// <exception cref="MqttStoreException">The store cannot take it in.</exception>
    /// <exception cref="MqttRefusedException">The message goes beyond what the server takes.</exception>
    /// <exception cref="ArgumentException">The message cannot be sent in any way.</exception>
    public ValueTask<bool> EnqueueAsync(PublishPacket packet, MqttQueuePolicy? wanted, CancellationToken cancellationToken)
    {
        var policy = wanted ?? Options.Queue.PolicyToEnqueue(packet.QualityOfService);
        OutgoingPublish message;
        using (Turn.Enter(out var turn))
        {
            lock (gate)
            {
                if (journal is null)
                    RequireConnection(orAttempt: true);
                ObjectDisposedException.ThrowIf(isDisposed, typeof(MqttClient));
                var bytes = MqttPacketWriter.Measure(packet, Options.ProtocolVersion);
                if (connection is not null && ServerLimits.Refusal(packet.QualityOfService, packet.Retain, bytes, connection.Accepted!) is { } refusal)
                    throw refusal;
                message = new OutgoingPublish(packet, bytes, Options, policy, new StoreEntry()) { IsEnqueued = true };
                outgoing.Add(message);
                if (connection is not null)
                    outgoing.Pump(connection, turn);
                connection?.ReadOn();
            }
        }

        return TakenAsync(message, cancellationToken);
    }

    /// <summary>Opens the store of the queue, if there is one and it is not open, and takes in what an earlier process has left.</summary>
    /// <exception cref="MqttStoreException">It cannot be opened.</exception>
    public ValueTask OpenStoreAsync() => journal is null or { IsOpen: true } ? default : new(OpenAsync(journal));

    private async Task OpenAsync(PublishJournal closed)
    {
        try
        {
            var earlier = RestoredPublish.Decode(await closed.OpenAsync().ConfigureAwait(false), Options);
            lock (gate)
            {
                ObjectDisposedException.ThrowIf(isDisposed, typeof(MqttClient));
                if (!closed.IsOpen)
                    outgoing.Restore(earlier);
            }
        }
        catch (MqttStoreException error)
        {
            lock (gate)
                outgoing.OnStoreNotOpened(error);
            throw;
        }
    }

    // More of what was noted is safe.
    private void OnStored()
    {
        using (Turn.Enter(out var turn))
        {
            lock (gate)
            {
                if (connection is not null)
                    outgoing.Pump(connection, turn);
            }
        }
    }

    private async ValueTask<bool> TakenAsync(OutgoingPublish message, CancellationToken cancellationToken)
    {
        await OpenStoreAsync().ConfigureAwait(false);
        var taken = message.Entry!.Taken;
        try
        {
            return await taken.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            lock (gate)
            {
                if (outgoing.TryWithdraw(message))
                    throw;
            }
        }

        // Too late to be taken back: it is in the queue, or is just being stored.
        return await taken.ConfigureAwait(false);
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

    // --- Packets of the application ---

    /// <summary>Sends a SUBSCRIBE, an UNSUBSCRIBE or a PINGREQ of the application; completes with the packet that answers it.</summary>
    /// <exception cref="MqttConnectionException">There is no connection, or it went before the answer.</exception>
    /// <exception cref="MqttRefusedException">The packet is larger than the server takes.</exception>
    /// <exception cref="ArgumentException">The packet cannot be sent in any way.</exception>
    public Task<MqttPacket?> RequestAsync(MqttPacket packet)
    {
        using (Turn.Enter(out var turn))
        {
            lock (gate)
            {
                RequireConnection(orAttempt: false);
                var conn = connection!;
                return packet switch
                {
                    SubscribePacket subscribe => Request(conn, MqttPacketType.SubAck, id => new SubscribePacket { PacketId = id, Subscriptions = subscribe.Subscriptions, Properties = packet.Properties }, turn),
                    UnsubscribePacket unsubscribe => Request(conn, MqttPacketType.UnsubAck, id => new UnsubscribePacket { PacketId = id, Filters = unsubscribe.Filters, Properties = packet.Properties }, turn),
                    _ => conn.PingAsync(turn),
                };
            }
        }
    }

    /// <summary>Authenticates anew.</summary>
    /// <exception cref="MqttConnectionException">There is no connection, or it went meanwhile.</exception>
    public Task ReauthenticateAsync(CancellationToken cancellationToken)
    {
        MqttConn conn;
        lock (gate)
        {
            RequireConnection(orAttempt: false);
            conn = connection!;
        }

        return conn.ReauthenticateAsync(cancellationToken);
    }

    /// <summary>A connection must end because of an error on this side, of which the server is told.</summary>
    public void DisconnectAfter(Exception error, MqttConn conn)
    {
        using (Turn.Enter(out var turn))
        {
            lock (gate)
            {
                if (conn != connection)
                    return;
                conn.Disconnect(new DisconnectPacket { ReasonCode = (error as MqttProtocolException)?.ReasonCode ?? ReasonCode.UnspecifiedError }, turn, error);
                DetachForLoss(new MqttConnectionException(error.Message, error));
            }
        }
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
            return (hasState || outgoing.HasEarlierFlights) && !Options.CleanStart;
        if (accepted.SessionPresent && !hasState && !outgoing.HasEarlierFlights && Options.RequireKnownSession)
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
        sentBefore += connection?.WrittenBytes ?? 0;
        connection = null;
        watch?.Dispose();
        var requests = outgoing.Suspend(error).ToArray();
        foreach (var request in requests.OfType<RawFlight>())
            request.OnNoAnswer(error);
        foreach (var request in requests.OfType<UnsubscribeFlight>())
        {
            // One that nobody asked for but the end of a subscription is sent again, but not waited for.
            if (request.Entry.IsLeaving)
                request.OnNoAnswer(error);
            else
                unanswered.Add(request);
        }
    }

    private void DetachForLoss(MqttConnectionException error)
    {
        Detach(error);
        if (!Options.Reconnect.Enabled)
            Fail(error);
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

    private Task<MqttPacket?> Request(MqttConn conn, MqttPacketType answerType, Func<ushort, MqttPacket> create, Turn turn)
    {
        var bytes = MqttPacketWriter.Measure(create(1), Options.ProtocolVersion);
        if (bytes > conn.Accepted!.MaximumPacketSizeBytes)
            throw new MqttRefusedException(ReasonCode.PacketTooLarge, $"The packet has {bytes} bytes; the server takes {conn.Accepted.MaximumPacketSizeBytes}.");
        var request = new RawFlight(answerType);
        var packetId = outgoing.Reserve(request, conn.Now);
        try
        {
            conn.Send(create(packetId), turn);
        }
        catch (ArgumentException)
        {
            outgoing.OnAnswer<RawFlight>(packetId);
            throw;
        }

        conn.ReadOn();
        return request.Answer;
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
