using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Protocol.Delivery;
using Mqtt.Server.Broker.Messages;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>
/// The session as a member of shared subscriptions (section 4.8.2): it may say no to a message, and hands over what another member
/// may get.
/// </summary>
internal sealed partial class Session
{
    /// <summary>True if a message would most likely leave now. Without the lock: a hint, for whoever picks a member.</summary>
    public bool CanTakeShared => Attachment is not null && queue.IsEmpty && flights.HasRoom;

    /// <summary>Takes a message as a member of a shared subscription, if the session is in the state that is asked for.</summary>
    /// <param name="publication">The message.</param>
    /// <param name="terms">What the client's own subscription says about its copy.</param>
    /// <param name="share">The shared subscription; <see langword="null"/> for a message that must not move to another member.</param>
    /// <param name="room">The state.</param>
    /// <param name="mustStore">Also a session that ends with its connection keeps the copy in the store: another member can outlive the broker.</param>
    /// <param name="turn">The turn in which the outbox is flushed.</param>
    /// <param name="isCongested">See <see cref="Deliver"/>.</param>
    /// <param name="position">See <see cref="Deliver"/>.</param>
    public ShareOutcome TakeShared(
        Publication publication, in DeliveryTerms terms, Share? share, ShareRoom room, bool mustStore, Turn turn, ref bool isCongested, out long position)
    {
        position = 0;
        ref readonly var message = ref publication.Parts;
        var qualityOfService = terms.QualityOf(message.QualityOfService);
        var retain = terms.RetainAsPublished && message.Retain;
        using (Enter())
        {
            if (HasEnded || Attachment is null != (room == ShareRoom.Away))
                return ShareOutcome.Refused;
            if (Refusal(message, qualityOfService, terms.Identifiers, room) is { } refusal)
                return refusal;
            if (qualityOfService == QualityOfService.AtMostOnce)
            {
                DeliverAtMostOnce(publication, retain, terms.Identifiers, turn);
                return ShareOutcome.Taken;
            }

            if (ownPause is not null)
                EndOwnPause();
            IsStored |= mustStore;
            position = DeliverAcknowledged(publication, qualityOfService, retain, terms.Identifiers, share, mustStore || IsDurable, turn);
            isCongested |= Attachment is not null && queue.IsHigh;
            return ShareOutcome.Taken;
        }
    }

    /// <summary>
    /// Takes out the copies that another member may get: those that were never sent, whatever their QoS, and if asked those of QoS 1 that
    /// are not acknowledged. A QoS 2 message that was sent stays with this client [MQTT-4.8.2-4] [MQTT-4.8.2-5]. In their old order;
    /// the store still has them as this session's. <see langword="null"/> if there are none.
    /// </summary>
    public List<MovingCopy>? TakeOutShared(Predicate<Share> wanted, bool inFlight)
    {
        using (Enter())
            return TakeOutLocked(wanted, inFlight);
    }

    /// <summary>The first half of the session's end: nothing is delivered to it any more, and what others may get is taken out.</summary>
    public List<MovingCopy>? BeginEnd()
    {
        using (Enter())
        {
            HasEnded = true;
            return TakeOutLocked(static _ => true, inFlight: true);
        }
    }

    /// <summary>Puts back what nobody else took, in its old place.</summary>
    public void PutBackShared(List<MovingCopy> moving)
    {
        using (Enter())
        {
            foreach (var (copy, packetId) in moving)
            {
                if (packetId != 0)
                    flights.Restore(packetId, FlightState.AwaitingPubAck, copy);
            }

            queue.PutBack(moving.Where(moved => moved.PacketId == 0).Select(moved => moved.Copy));
        }
    }

    private List<MovingCopy>? TakeOutLocked(Predicate<Share> wanted, bool inFlight)
    {
        if (queue.IsEmpty && (!inFlight || flights.Count == 0))
            return null;
        var taken = new List<MovingCopy>();
        foreach (var (packetId, state, copy) in inFlight ? flights.Flights() : [])
        {
            if (state != FlightState.AwaitingPubAck || copy.Share is null || !wanted(copy.Share))
                continue;
            flights.OnPubAck(packetId, out _);
            taken.Add(new(copy, packetId));
        }

        var queued = new List<Copy>();
        queue.TakeOut(copy => copy.Share is not null && wanted(copy.Share), queued);
        taken.AddRange(queued.Select(static copy => new MovingCopy(copy, 0)));
        return taken.Count == 0 ? null : taken;
    }

    // The connection is gone, and these QoS 2 messages were still waiting for their identifiers to be safe: they were never sent.
    private void TakeBackShared(Attachment from)
    {
        var unsent = new List<Copy>();
        foreach (var departure in from.Waiting!.All.Where(static departure => departure.Kind == MqttPacketType.Publish))
        {
            if (!flights.TryGet(departure.PacketId, out var state, out var copy) || state != FlightState.AwaitingPubRec || copy.Share is null)
                continue;
            flights.OnPubRec(departure.PacketId, failed: true, out _);
            context.Store!.Messages.SetState(ClientId, copy.Sequence, 0, FlightState.None);
            unsent.Add(copy);
        }

        if (unsent.Count > 0)
            queue.PutBack(unsent);
    }

    // The client accepts no packet of this size: as if it had been delivered [MQTT-3.1.2-25], unless another member may take it.
    private void OnTooLarge(in Copy copy)
    {
        if (copy.Share is not null)
            context.OnStray!(this, copy);
        else
            Drop(copy, DropCause.TooLarge);
    }

    private ShareOutcome? Refusal(in MessageParts message, QualityOfService qualityOfService, uint[]? identifiers, ShareRoom room)
    {
        if (Attachment is not { } to)
            return qualityOfService != QualityOfService.AtMostOnce && queue.HasRoomFor(message) ? null : ShareOutcome.Refused;
        var size = PublishFrame.Measure(message, to.IsV5, qualityOfService, message.ExpiryAt(context.Now), identifiers);
        if (size > to.MaximumPacketBytes)
            return ShareOutcome.TooLarge;
        var isAtMostOnce = qualityOfService == QualityOfService.AtMostOnce;
        var hasRoom = room == ShareRoom.Queue
            ? queue.HasRoomFor(message) && (queue.HasRetained || !isAtMostOnce)
            : to.HasRoom(size) && (isAtMostOnce ? !queue.HasRetained : queue.IsEmpty && flights.HasRoom);
        return hasRoom ? null : ShareOutcome.Refused;
    }
}
