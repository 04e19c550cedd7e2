using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Protocol.Delivery;
using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Broker.Storage;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>
/// What the broker and a client owe each other; it outlives connections. One lock guards its queue, its windows, its packet identifiers
/// and the append to its present outbox, which has taken the same lock for its own: there is no other on the way of a delivery. Nothing is
/// sent, called back or awaited under it, and no other session's lock is taken.
/// </summary>
internal sealed partial class Session
{
    private readonly SessionContext context;
    private readonly SessionQueue queue;
    private readonly OutgoingFlights<Copy> flights = new(1);
    private readonly IncomingFlights arrivals;
    private long lastSequence;

    // A connection that was taken over while it published a QoS 2 message. Under the gate.
    private Attachment? predecessor;

    // Publishers that wait until there is room again, and the wait of this session's own client for another. Under the gate.
    private WaitingPublishers? waiting;
    private Pause? ownPause;

    public Session(string clientId, SessionContext context)
    {
        ClientId = clientId;
        this.context = context;
        queue = new SessionQueue(context.Options.Limits);
        arrivals = new IncomingFlights(context.Options.Limits.ReceiveMaximum);
    }

    /// <summary>Whose session it is.</summary>
    public string ClientId { get; }

    /// <summary>Guards everything below.</summary>
    public Lock Gate { get; } = new();

    /// <summary>The present connection; <see langword="null"/> while there is none.</summary>
    public Attachment? Attachment { get; private set; }

    /// <summary>The user to whom the session belongs; <see langword="null"/> for one without a name.</summary>
    public string? Owner { get; set; }

    /// <summary>What its client may do: the limits of the present or last connection, at first those of all clients.</summary>
    public ClientLimits Limits => queue.Limits;

    /// <summary>How long the session outlives its connection, in seconds; 0xFFFFFFFF for ever.</summary>
    public uint ExpirySeconds { get; set; }

    /// <summary>The will of the present connection, or of the last one while it is due.</summary>
    public WillMessage? Will
    {
        get;
        set => (field, WillClient) = (value, null);
    }

    /// <summary>
    /// With whose rights a will that is due is published: those of the client on its last connection. <see langword="null"/> if nobody asks for rights, and after a
    /// restart.
    /// </summary>
    public BrokerClient? WillClient { get; private set; }

    /// <summary>The subscriptions by their filters; the flows that change them run one at a time for each client.</summary>
    public Dictionary<MqttString, SessionSubscription> Subscriptions => field ??= new(Utf8Comparer.Instance);

    /// <summary>Runs when the session or its will is due.</summary>
    public SessionDeadline? Deadline { get; set; }

    /// <summary>True once the session has ended; nothing is delivered to it any more.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>True once the store knows the session. It stays true if the session is to end with its connection: then it must be deleted there.</summary>
    public bool IsStored { get; set; }

    /// <summary>True if what the session owes must outlive the broker.</summary>
    public bool IsDurable => context.Store is not null && ExpirySeconds > 0;

    // A session that ends with its connection never sends anything again, and need not keep what is in flight, unless somebody wants to be told of it.
    private bool KeepsFlights => ExpirySeconds > 0 || context.Deliveries is not null || context.Options.RetryIntervals.Count > 0;

    /// <summary>How many messages wait.</summary>
    public int QueuedCount
    {
        get
        {
            lock (Gate)
                return queue.Count;
        }
    }

    /// <summary>Ties a connection to the session, sends CONNACK, then what was under way in the old order, then what waits.</summary>
    public void Attach(Attachment attachment, ConnAckPacket answer, Turn turn)
    {
        attachment.Outbox.Adopt(Gate);
        using (Enter())
        {
            Attachment = attachment;
            flights.Reconnect(attachment.Window);
            arrivals.Reconnect(attachment.ReceiveMaximum);
            queue.Limits = attachment.Limits;
            attachment.Connection.Send(answer);
            Pump(turn);
            FlightWatch.Begin(context, attachment);
        }
    }

    /// <summary>Unties the connection; false if it was not this session's any more.</summary>
    public bool Detach(Attachment attachment)
    {
        using (Enter())
        {
            if (Attachment != attachment)
                return false;
            Attachment = null;
            if (Will is not null && context.Hooks.Authorization is not null)
                WillClient = attachment;
            if (attachment.IsPublishingOnce)
                predecessor = attachment;
            waiting?.EndAll();
            attachment.Waiting?.End();
            if (attachment.WaitingCount > 0)
                TakeBackShared(attachment);
            return true;
        }
    }

    /// <summary>Ends the session: everything it owes is let go.</summary>
    public void End()
    {
        using (Enter())
        {
            HasEnded = true;
            Attachment?.Waiting?.End();
            Attachment = null;
            EndRetained();
            waiting?.EndAll();
            foreach (var copy in queue.Clear())
                copy.Message?.Release();
            foreach (var (_, _, copy) in flights.Flights())
                copy.Message?.Release();
            flights.Clear();
            arrivals.Clear();
        }
    }

    /// <summary>
    /// Takes a message for the client: into its outbox if it can leave now, else into the queue. Returns the position in the store at which
    /// the session has taken ownership, 0 if it need not be waited for.
    /// </summary>
    /// <param name="publication">The message.</param>
    /// <param name="terms">What the client's subscriptions say about its copy.</param>
    /// <param name="turn">The turn in which the outbox is flushed.</param>
    /// <param name="isCongested">Set if the client is there, but so much waits for it that the publisher should slow down.</param>
    public long Deliver(Publication publication, in DeliveryTerms terms, Turn turn, ref bool isCongested)
    {
        var qualityOfService = terms.QualityOf(publication.Parts.QualityOfService);
        var retain = terms.RetainAsPublished && publication.Parts.Retain;
        using (Enter())
        {
            if (HasEnded)
                return 0;
            if (qualityOfService == QualityOfService.AtMostOnce)
            {
                DeliverAtMostOnce(publication, retain, terms.Identifiers, turn);
                return 0;
            }

            if (ownPause is not null)
                EndOwnPause();
            var position = DeliverAcknowledged(publication, qualityOfService, retain, terms.Identifiers, null, IsDurable, turn);
            isCongested |= Attachment is not null && queue.IsHigh;
            return position;
        }
    }

    /// <summary>
    /// Lets this client, which publishes too fast for another, wait until that one's queue has shrunk, or for a bounded time. A client
    /// that owes acknowledgements itself does not wait, or no longer: not to read them could keep the other side from ever having room.
    /// </summary>
    public ValueTask WaitForAsync(Session slow)
    {
        if (IsOwed || slow.AddPause() is not { } pause)
            return default;
        lock (Gate)
        {
            ownPause = pause;
            if (flights.Count > 0 || !queue.IsEmpty)
                EndOwnPause();
        }

        return new ValueTask(pause.Ended);
    }

    private bool IsOwed
    {
        get
        {
            lock (Gate)
                return flights.Count > 0 || !queue.IsEmpty;
        }
    }

    private Pause? AddPause()
    {
        lock (Gate)
        {
            if (Attachment is null || !queue.IsHigh || context.Options.PublisherPause == TimeSpan.Zero)
                return null;
            return (waiting ??= new(context)).Add();
        }
    }

    private void EndOwnPause()
    {
        ownPause?.End();
        ownPause = null;
    }

    /// <summary>A QoS 1 or 2 message came in. A new one of QoS 2 counts as being published until <see cref="Attachment.IsPublishingOnce"/> is taken back.</summary>
    public ArrivalOutcome OnArrival(Attachment attachment, QualityOfService qualityOfService, ushort packetId)
    {
        // QoS 1 counts only while its acknowledgement waits to leave, which needs no lock: the client's own loop alone adds to it.
        if (qualityOfService == QualityOfService.AtLeastOnce)
            return attachment.IsV5 && arrivals.Unacknowledged >= arrivals.ReceiveMaximum ? ArrivalOutcome.QuotaExceeded : ArrivalOutcome.New;

        ArrivalOutcome outcome;
        var wait = default(SpinWait);
        while (!TryArrive(attachment, packetId, out outcome))
            wait.SpinOnce();
        return outcome;
    }

    // Not while the connection before, on a thread of its own, is still publishing what it took last: this one sends that again, which is no new message then,
    // and the next one must not overtake it. Publishing never waits, so that this does not for long.
    private bool TryArrive(Attachment attachment, ushort packetId, out ArrivalOutcome outcome)
    {
        outcome = ArrivalOutcome.Duplicate;
        lock (Gate)
        {
            if (Attachment != attachment)
                return true;
            if (predecessor is { IsPublishingOnce: true })
                return false;
            predecessor = null;
            outcome = arrivals.OnPublish(QualityOfService.ExactlyOnce, packetId);
            attachment.IsPublishingOnce = outcome == ArrivalOutcome.New;
            return true;
        }
    }

    /// <summary>True if a QoS 2 message with this identifier has come and was not released.</summary>
    public bool HasArrived(ushort packetId)
    {
        lock (Gate)
            return arrivals.Contains(packetId);
    }

    /// <summary>Keeps a QoS 2 identifier in the store; the position is that of the whole PUBLISH, since it comes last.</summary>
    public long StoreArrival(ushort packetId) => IsDurable ? context.Store!.Sessions.AddArrival(ClientId, packetId) : 0;

    /// <summary>A QoS 2 message is refused: its identifier is free.</summary>
    public void OnRefused(Attachment attachment, ushort packetId)
    {
        lock (Gate)
        {
            if (Attachment == attachment)
                arrivals.OnRefused(packetId);
        }
    }

    /// <summary>The client releases a QoS 2 identifier: PUBCOMP is the answer, whether it was known or not.</summary>
    public void OnPubRel(Attachment attachment, ushort packetId, Turn turn)
    {
        using (Enter())
        {
            if (Attachment != attachment)
                return;
            var known = arrivals.OnPubRel(packetId);
            var position = known && IsDurable ? context.Store!.Sessions.RemoveArrival(ClientId, packetId) : 0;
            var code = known ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound;
            Depart(attachment, new Departure(MqttPacketType.PubComp, packetId, code, position), turn);
        }
    }

    /// <summary>The client acknowledged a QoS 1 message.</summary>
    public FlightOutcome OnPubAck(Attachment attachment, ushort packetId, Turn turn)
    {
        using (Enter())
        {
            if (Attachment != attachment)
                return FlightOutcome.Unknown;
            var outcome = flights.OnPubAck(packetId, out var copy);
            if (outcome == FlightOutcome.Completed)
            {
                context.Deliveries?.OnAcknowledged(ClientId, copy, packetId, refused: false, completed: true);
                Complete(copy, turn);
            }

            return outcome;
        }
    }

    /// <summary>The client acknowledged the first half of a QoS 2 delivery, or refused the message.</summary>
    public FlightOutcome OnPubRec(Attachment attachment, ushort packetId, bool failed, Turn turn)
    {
        using (Enter())
        {
            if (Attachment != attachment)
                return FlightOutcome.Unknown;
            var outcome = flights.OnPubRec(packetId, failed, out var copy);
            if (outcome == FlightOutcome.Completed)
            {
                context.Deliveries?.OnAcknowledged(ClientId, copy, packetId, refused: true, completed: true);
                Complete(copy, turn);
            }
            else if (outcome == FlightOutcome.Release)
            {
                if (copy.Message is not null)
                    context.Deliveries?.OnAcknowledged(ClientId, copy, packetId, refused: false, completed: false);
                copy.Message?.Release();
                flights.Replace(packetId, copy with { Message = null });
                var position = copy.Sequence == 0 ? 0 : context.Store!.Messages.SetState(ClientId, copy.Sequence, packetId, FlightState.AwaitingPubComp);
                Depart(attachment, new Departure(MqttPacketType.PubRel, packetId, ReasonCode.Success, position), turn);
            }
            else if (outcome == FlightOutcome.Unknown && !failed)
            {
                Depart(attachment, new Departure(MqttPacketType.PubRel, packetId, ReasonCode.PacketIdentifierNotFound, 0), turn);
            }

            return outcome;
        }
    }

    /// <summary>The client completed a QoS 2 delivery.</summary>
    public FlightOutcome OnPubComp(Attachment attachment, ushort packetId, Turn turn)
    {
        using (Enter())
        {
            if (Attachment != attachment)
                return FlightOutcome.Unknown;
            var outcome = flights.OnPubComp(packetId, out var copy);
            if (outcome == FlightOutcome.Completed)
            {
                context.Deliveries?.OnCompleted(ClientId, copy, packetId);
                Complete(copy, turn);
            }

            return outcome;
        }
    }

    /// <summary>Answers a packet of the client once the position is safe, behind all earlier answers.</summary>
    public void Answer(Attachment attachment, in Departure departure, Turn turn)
    {
        using (Enter())
        {
            if (Attachment == attachment)
                Depart(attachment, departure, turn);
        }
    }

    /// <summary>Sends an answer whose position is safe, ahead of those that wait: what it lets come must not come before it.</summary>
    public void AnswerAhead(Attachment attachment, in Departure departure, Turn turn)
    {
        lock (Gate)
        {
            if (Attachment == attachment)
                attachment.Write(departure, turn);
        }
    }

    /// <summary>The store has committed: what may leave now leaves.</summary>
    public void OnCommitted(Attachment attachment, Turn turn)
    {
        using (Enter())
        {
            if (Attachment != attachment)
                return;
            LetGo(attachment, turn);
            Pump(turn); // What has expired has left room.
        }
    }

    /// <summary>Puts a stored copy back; in the order of the sequence numbers, before any connection.</summary>
    public void Restore(in Copy copy, ushort packetId, FlightState state, bool isRetained)
    {
        lastSequence = Math.Max(lastSequence, copy.Sequence);
        if (state == FlightState.None && isRetained)
            queue.AddRetained(copy, default);
        else if (state == FlightState.None)
            Enqueue(copy);
        else
            flights.Restore(packetId, state, copy);
        Recount();
    }

    /// <summary>Puts a stored identifier back.</summary>
    public void RestoreArrival(ushort packetId) => arrivals.Restore(packetId);

    private void DeliverAtMostOnce(Publication publication, bool retain, uint[]? identifiers, Turn turn)
    {
        if (Attachment is not { } to)
        {
            if (queue.Limits.QueueQoS0)
            {
                Enqueue(new Copy(publication.Stored.Hold(), QualityOfService.AtMostOnce, retain, identifiers, 0));
                return;
            }

            context.Statistics.OnDropped(DropCause.Offline);
            context.Deliveries?.OnDropped(ClientId, QualityOfService.AtMostOnce, publication, DropCause.Offline);
            return;
        }

        // Behind retained messages and those of QoS 0 that still wait it waits as well: the older message of a topic comes first.
        if (queue.HasRetained || queue.HasQoS0)
        {
            Enqueue(new Copy(publication.Stored.Hold(), QualityOfService.AtMostOnce, retain, identifiers, 0));
            return;
        }

        if ((identifiers is not null || to.OutgoingAliases is not null) && to.IsV5)
        {
            var copy = new Copy(context.Deliveries is null ? null : publication.Stored, QualityOfService.AtMostOnce, retain, identifiers, 0);
            Account(to.Write(publication.Parts, copy, 0, duplicate: false, context.Now, turn), copy);
            return;
        }

        var frame = publication.Encoded(to.IsV5, withId: false, out _);
        var outcome = to.Write(frame, PublishFrame.FirstByte(QualityOfService.AtMostOnce, retain, duplicate: false), 0, 0, turn);
        if (outcome != WriteOutcome.Written || context.Deliveries is not null)
            Account(outcome, new Copy(context.Deliveries is null ? null : publication.Stored, QualityOfService.AtMostOnce, retain, identifiers, 0));
    }

    // QoS 0 is either gone or lost.
    private void Account(WriteOutcome outcome, in Copy copy)
    {
        if (outcome == WriteOutcome.Written)
        {
            context.Deliveries?.OnDelivered(ClientId, copy, 0, duplicate: false);
            return;
        }

        var cause = outcome == WriteOutcome.TooLarge ? DropCause.TooLarge : DropCause.OutboxFull;
        context.Statistics.OnDropped(cause);
        context.Deliveries?.OnDropped(ClientId, copy, cause);
    }

    private long DeliverAcknowledged(
        Publication publication, QualityOfService qualityOfService, bool retain, uint[]? identifiers, Share? share, bool durable, Turn turn)
    {
        if (durable || Attachment is not { WaitingCount: 0 } to || !queue.IsEmpty || !flights.HasRoom || ((identifiers is not null || to.OutgoingAliases is not null) && to.IsV5))
            return QueueAndPump(publication, qualityOfService, retain, identifiers, share, durable, turn);

        var frame = publication.Encoded(to.IsV5, withId: true, out var idAt);
        if (frame.Length > to.MaximumPacketBytes)
        {
            context.Statistics.OnDropped(DropCause.TooLarge);
            context.Deliveries?.OnDropped(ClientId, qualityOfService, publication, DropCause.TooLarge);
            return 0;
        }

        if (!to.HasRoom(frame.Length))
            return QueueAndPump(publication, qualityOfService, retain, identifiers, share, durable, turn);

        var kept = KeepsFlights || share is not null ? publication.Stored.Hold() : null;
        var copy = new Copy(kept, qualityOfService, retain, identifiers, 0, share);
        flights.TryBegin(qualityOfService, copy, out var packetId);
        to.Write(frame, PublishFrame.FirstByte(qualityOfService, retain, duplicate: false), packetId, idAt, turn);
        context.Deliveries?.OnDelivered(ClientId, copy, packetId, duplicate: false);
        return 0;
    }

    private long QueueAndPump(
        Publication publication, QualityOfService qualityOfService, bool retain, uint[]? identifiers, Share? share, bool durable, Turn turn)
    {
        var copy = new Copy(publication.Stored.Hold(), qualityOfService, retain, identifiers, durable ? ++lastSequence : 0, share);
        if (!Enqueue(copy))
            return 0;
        var position = durable ? Store(copy) : 0;

        // Told once: of the first message that has to wait for it.
        if (flights.Count == ushort.MaxValue && queue.Count == 1)
            context.Deliveries?.OnPacketIdsExhausted(ClientId);
        Pump(turn);
        return position;
    }

    private bool Enqueue(in Copy copy)
    {
        List<Copy>? dropped = null;
        var added = queue.TryAdd(copy, context.Now, ref dropped);
        foreach (var old in dropped ?? [])
            Drop(old, old.Message!.ExpiresAt <= context.Now ? DropCause.Expired : DropCause.QueueFull);
        if (!added)
            Drop(copy, DropCause.QueueFull);
        return added;
    }

    // Sends what may leave, and lets publishers go on that waited for room.
    private void Pump(Turn turn)
    {
        PumpQueue(turn);
        if (waiting is not null && (queue.IsLow || Attachment is null))
            waiting.EndAll();
    }

    // First what was under way when the last connection ended, then what waits.
    private void PumpQueue(Turn turn)
    {
        if (Attachment is not { } to)
            return;
        while (flights.HasResends && to.HasRoom(0) && flights.TryNextResend(out var packetId, out var state, out var copy))
            Resend(to, packetId, state, copy, turn);
        do
        {
            while (!flights.HasResends && queue.TryPeek(out var copy, out var retainedOf))
            {
                if (copy.Message!.ExpiresAt <= context.Now)
                {
                    queue.Remove();
                    Drop(copy, DropCause.Expired);
                }
                else if (!SendFromQueue(to, copy, retainedOf, turn))
                {
                    return;
                }
            }
        }
        while (FinishRetained());

        AskForRetained();
    }

    private bool SendFromQueue(Attachment to, in Copy copy, MqttString retainedOf, Turn turn)
    {
        if (copy.QualityOfService == QualityOfService.AtMostOnce)
        {
            var outcome = to.Write(copy, 0, duplicate: false, context.Now, turn);
            if (outcome == WriteOutcome.NoRoom)
                return false;
            Account(outcome, copy);
            queue.Remove();
            copy.Message!.Release();
            return true;
        }

        if (!flights.HasRoom)
            return false;
        var size = to.Measure(copy, context.Now);
        if (size > to.MaximumPacketBytes)
        {
            queue.Remove();
            OnTooLarge(copy);
            return true;
        }

        if (!to.HasRoom(size))
            return false;
        queue.Remove();
        Begin(to, copy, retainedOf, turn);
        return true;
    }

    // At QoS 2 a durable session must know the identifier before the packet leaves, or a crash could deliver it twice.
    private void Begin(Attachment to, in Copy next, MqttString retainedOf, Turn turn)
    {
        var copy = next;
        var exactlyOnce = copy.QualityOfService == QualityOfService.ExactlyOnce;

        // The retained message of a new subscription, which was not stored while it waited; the subscription's cursor goes with it.
        if (copy.Sequence == 0 && !retainedOf.IsEmpty && IsDurable)
        {
            copy = copy with { Sequence = ++lastSequence };
            Store(copy, retainedOf);
        }

        // A session that was durable, and is not any more, may have messages that wait: others must not overtake them.
        var waits = exactlyOnce && (copy.Sequence != 0 || to.WaitingCount > 0);
        var isKept = KeepsFlights || waits || copy.Sequence != 0 || copy.Share is not null;
        flights.TryBegin(copy.QualityOfService, isKept ? copy : copy with { Message = null }, out var packetId);
        var state = exactlyOnce ? FlightState.AwaitingPubRec : FlightState.AwaitingPubAck;
        var position = copy.Sequence == 0 ? 0 : context.Store!.Messages.SetState(ClientId, copy.Sequence, packetId, state);
        if (waits)
            Depart(to, new Departure(MqttPacketType.Publish, packetId, ReasonCode.Success, position), turn);
        else
            Send(to, copy, packetId, turn);
        if (!isKept)
            copy.Message!.Release();
    }

    private void Send(Attachment to, in Copy copy, ushort packetId, Turn turn)
    {
        to.Write(copy, packetId, duplicate: false, context.Now, turn);
        context.Deliveries?.OnDelivered(ClientId, copy, packetId, duplicate: false);
    }

    private long Store(in Copy copy, MqttString retainedOf = default) => context.Store!.Messages.Add(
        ClientId,
        copy.Sequence,
        new QueueEntry(copy.QualityOfService, copy.Retain, copy.Identifiers, copy.Share?.Filter ?? default, retainedOf),
        context.RecordOf(copy.Message!.Parts),
        copy.Message.Id);

    private void Resend(Attachment to, ushort packetId, FlightState state, in Copy copy, Turn turn)
    {
        if (state == FlightState.AwaitingPubComp)
        {
            Depart(to, new Departure(MqttPacketType.PubRel, packetId, ReasonCode.Success, 0), turn);
            return;
        }

        // Too large for the new connection: as if it had been delivered.
        if (to.Write(copy, packetId, duplicate: true, context.Now, turn) != WriteOutcome.TooLarge)
        {
            context.Deliveries?.OnDelivered(ClientId, copy, packetId, duplicate: true);
        }
        else
        {
            if (state == FlightState.AwaitingPubAck)
                flights.OnPubAck(packetId, out _);
            else
                flights.OnPubRec(packetId, failed: true, out _);
            OnTooLarge(copy);
        }
    }

    private void Complete(in Copy copy, Turn turn)
    {
        copy.Message?.Release();
        if (copy.Sequence != 0)
            context.Store!.Messages.Remove(ClientId, copy.Sequence);
        Pump(turn);
    }

    private void Drop(in Copy copy, DropCause cause)
    {
        context.Statistics.OnDropped(cause);
        context.Deliveries?.OnDropped(ClientId, copy, cause);
        copy.Message?.Release();
        if (copy.Sequence != 0)
            context.Store!.Messages.Remove(ClientId, copy.Sequence);
    }

    private void Depart(Attachment to, in Departure departure, Turn turn)
    {
        if (to.WaitingCount == 0 && context.IsSafe(departure.Position))
        {
            WriteDeparture(to, departure, turn);
            return;
        }

        (to.Waiting ??= NewWaiting(to)).Enqueue(departure);
        if (departure.Kind == MqttPacketType.PubAck)
            arrivals.OnPublish(QualityOfService.AtLeastOnce, departure.PacketId);
        LetGo(to, turn);
    }

    private WaitingDepartures NewWaiting(Attachment to) => new(to.IsV5 ? int.MaxValue : to.Limits.ReceiveMaximum, context.Options.Scheduler);

    private void LetGo(Attachment to, Turn turn)
    {
        if (to.WaitingCount == 0)
            return;

        // Watched before the look: a commit in between wakes us again.
        context.Watch?.Add(to);
        while (to.Waiting!.TryPeek(out var departure) && context.IsSafe(departure.Position))
        {
            to.Waiting.Dequeue();
            if (departure.Kind == MqttPacketType.PubAck)
                arrivals.OnPubAckSent();
            WriteDeparture(to, departure, turn);
        }
    }

    private void WriteDeparture(Attachment to, in Departure departure, Turn turn)
    {
        if (departure.Kind != MqttPacketType.Publish)
            to.Write(departure, turn);
        else if (flights.TryGet(departure.PacketId, out var state, out var copy) && state == FlightState.AwaitingPubRec)
            SendUnlessExpired(to, copy, departure.PacketId, turn);
    }

    // A message whose time ran out while its identifier was not yet safe was never sent [MQTT-3.3.2-5].
    private void SendUnlessExpired(Attachment to, in Copy copy, ushort packetId, Turn turn)
    {
        if (copy.Message!.ExpiresAt > context.Now)
        {
            Send(to, copy, packetId, turn);
            return;
        }

        flights.OnPubRec(packetId, failed: true, out _);
        Drop(copy, DropCause.Expired);
    }

    /// <summary>The outbox of a connection has room again.</summary>
    public void OnDrained(Attachment attachment)
    {
        using (Turn.Enter(out var turn))
        {
            using (Enter())
            {
                if (Attachment == attachment)
                    Pump(turn);
            }
        }
    }
}
