using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Protocol.Delivery;
using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Broker.Retained;
using Mqtt.Server.Broker.Routing;
using Mqtt.Server.Broker.Sessions;

namespace Mqtt.Server.Broker.Flows;

/// <summary>PUBLISH from a client, or from the broker itself: retain it, find who gets it, deliver, acknowledge.</summary>
internal sealed class PublishFlow(SessionContext context, Router<Session> router, RetainedMessages retained, SharedFlow sharing, SessionTable table)
{
    private volatile ReservedTopics reserved = new(context.Options.ReservedRoots);
    private volatile PointToPoint? pointToPoint = PointToPoint.Create(context.Options.PointToPointParents, table);

    private MqttBrokerOptions Options => context.Options;

    /// <summary>The options may have changed.</summary>
    public void Reconfigure()
    {
        reserved = new ReservedTopics(Options.ReservedRoots);
        pointToPoint = PointToPoint.Create(Options.PointToPointParents, table);
    }

    /// <summary>Has the processor fetch from memory what the next messages of a connection will need to be routed.</summary>
    /// <returns>After how many packets to look again.</returns>
    public int LookAhead(ReadOnlySpan<byte> unread)
    {
        const int MostAtOnce = 16;
        if (!router.LooksAhead)
            return int.MaxValue;
        Span<TopicPlace> topics = stackalloc TopicPlace[MostAtOnce];
        var packets = UpcomingTopics.Find(unread, topics, out var count);
        if (count > 1)
            router.Fetch(unread, topics[..count]);
        return Math.Max(1, packets);
    }

    /// <summary>
    /// Takes a PUBLISH of a client. Never waits for the store: the acknowledgement leaves when what it asserts is safe. Returns the
    /// subscriber for whose sake the publisher should slow down, if there is one.
    /// </summary>
    public Session? OnPublish(Attachment from, PublishPacket packet, Turn turn) =>
        Accept(from, packet, TopicOf(from, packet), packet.QualityOfService, null, turn);

    /// <summary>The topic of a packet, with its alias resolved.</summary>
    public static MqttString TopicOf(Attachment from, PublishPacket packet) =>
        packet.Properties.IsEmpty || packet.TopicAlias is not { } alias ? packet.Topic : from.Aliases.Resolve(alias, packet.Topic);

    /// <summary>Takes a PUBLISH as it came, or as hooks have left it.</summary>
    /// <param name="from">Who publishes.</param>
    /// <param name="packet">The message.</param>
    /// <param name="topic">Its topic.</param>
    /// <param name="qualityOfService">The QoS with which the client published it, and gets its acknowledgements.</param>
    /// <param name="receivers">Who may get it; <see langword="null"/> for everybody.</param>
    /// <param name="turn">The turn in which outboxes are flushed.</param>
    public Session? Accept(Attachment from, PublishPacket packet, MqttString topic, QualityOfService qualityOfService, Func<string, bool>? receivers, Turn turn)
    {
        if (qualityOfService != QualityOfService.AtMostOnce && !IsNew(from, qualityOfService, packet.PacketId, turn))
            return null;
        if (qualityOfService != QualityOfService.ExactlyOnce)
            return AcceptNew(from, packet, topic, qualityOfService, receivers, turn);
        try
        {
            return AcceptNew(from, packet, topic, qualityOfService, receivers, turn);
        }
        finally
        {
            from.IsPublishingOnce = false;
        }
    }

    private Session? AcceptNew(Attachment from, PublishPacket packet, MqttString topic, QualityOfService qualityOfService, Func<string, bool>? receivers, Turn turn)
    {
        var packetId = packet.PacketId;
        if (reserved.Has(topic.Span) && !(from.BypassesRights && ReservedTopics.IsWritable(topic.Span)))
        {
            context.Statistics.OnDropped(DropCause.NotAuthorized);
            Refuse(from, qualityOfService, packetId, ReasonCode.TopicNameInvalid, turn, "This topic is the broker's own.");
            return null;
        }

        if (Options.CheckPayloadFormat && !PayloadFormat.IsValid(packet.Properties, packet.Payload.Span))
        {
            context.Statistics.OnDropped(DropCause.PayloadFormat);
            Refuse(from, qualityOfService, packetId, ReasonCode.PayloadFormatInvalid, turn, "The payload is not UTF-8.");
            return null;
        }

        if (packet.Retain && !packet.Payload.IsEmpty && !MayRetain(topic, packet))
        {
            context.Statistics.OnDropped(DropCause.RetainedFull);
            Refuse(from, qualityOfService, packetId, ReasonCode.QuotaExceeded, turn, "No more messages are retained.");
            return null;
        }

        if (context.IsMemoryFull)
        {
            RefuseForMemory(from, qualityOfService, packetId, turn);
            return null;
        }

        var publication = Publication.OfThread;
        publication.Begin(packet, topic, from.IsV5, context.Now, context.LatestExpiry);
        publication.Receivers = receivers;
        try
        {
            return qualityOfService == QualityOfService.ExactlyOnce
                ? PublishOnce(publication, from, packetId, turn)
                : PublishAndAcknowledge(publication, from, qualityOfService, packetId, turn);
        }
        finally
        {
            publication.End();
        }
    }

    private Session? PublishAndAcknowledge(Publication publication, Attachment from, QualityOfService qualityOfService, ushort packetId, Turn turn)
    {
        var position = Publish(publication, from, from.Session, turn, out var receivers, out var slow);
        if (qualityOfService == QualityOfService.AtLeastOnce)
            from.Session.Answer(from, new Departure(MqttPacketType.PubAck, packetId, CodeFor(receivers), position), turn);
        return slow;
    }

    // The identifier and the message's place in every queue are one unit: kept apart, a crash between them would lose the message or
    // deliver it twice.
    private Session? PublishOnce(Publication publication, Attachment from, ushort packetId, Turn turn)
    {
        long position;
        int receivers;
        Session? slow;
        using (context.Unit())
        {
            position = Publish(publication, from, from.Session, turn, out receivers, out slow);
            position = Math.Max(position, from.Session.StoreArrival(packetId));
        }

        from.Session.Answer(from, new Departure(MqttPacketType.PubRec, packetId, CodeFor(receivers), position), turn);
        return slow;
    }

    private ReasonCode CodeFor(int receivers) => receivers == 0 && Options.TellNoSubscribers ? ReasonCode.NoMatchingSubscribers : ReasonCode.Success;

    /// <summary>Publishes a will. One for a topic that clients must not write is dropped; No Local removes it as it removes all that its client publishes.</summary>
    public long Publish(in MessageParts message, Turn turn, Session willOf)
    {
        if (reserved.Has(message.Topic.Span))
        {
            context.Statistics.OnDropped(DropCause.NotAuthorized);
            return 0;
        }

        var publication = new Publication();
        publication.Begin(message, context.Now);
        return Publish(publication, null, willOf, willOf.ClientId, turn);
    }

    /// <summary>Publishes what a client published to be published later, or a will that was.</summary>
    public void Publish(StoredMessage message, Attachment? from, Func<string, bool>? receivers, string? willOf, Turn turn)
    {
        var publication = new Publication { Receivers = receivers };
        publication.Begin(message, context.Now);
        Publish(publication, from, from?.Session, willOf, turn);
    }

    private long Publish(Publication publication, Attachment? client, Session? from, string? willOf, Turn turn)
    {
        try
        {
            var position = Publish(publication, client, from, turn, out var receivers, out _);
            if (willOf is not null)
                context.Hooks.Wills?.Tell(publication, context.Now, (willOf, receivers), static (observer, what, message) => observer.OnWillPublishedAsync(what.willOf, message, what.receivers));
            return position;
        }
        finally
        {
            publication.End();
        }
    }

    /// <summary>Publishes for the program itself: to everybody who subscribes, or to those who are chosen among them.</summary>
    public long PublishDirect(PublishPacket message, Func<string, bool>? chosen, Turn turn, out int receivers)
    {
        var publication = new Publication();
        publication.Begin(message, message.Topic, isV5: true, context.Now, context.LatestExpiry);
        publication.Receivers = chosen;
        try
        {
            return Publish(publication, null, null, turn, out receivers, out _);
        }
        finally
        {
            publication.End();
        }
    }

    /// <summary>Publishes for the program itself, to these sessions whether they subscribe or not.</summary>
    public long PublishTo(IEnumerable<Session> sessions, PublishPacket message, Turn turn, out int receivers)
    {
        var publication = new Publication();
        publication.Begin(message, message.Topic, isV5: true, context.Now, context.LatestExpiry);
        var position = 0L;
        receivers = 0;
        Session? slow = null;
        try
        {
            foreach (var session in sessions)
            {
                receivers++;
                position = Math.Max(position, DeliverTo(session, publication, turn, ref slow));
            }
        }
        finally
        {
            publication.End();
        }

        return position;
    }

    /// <summary>Publishes a message of the broker's own about itself: not stored if it is retained, and no hook is told.</summary>
    public void PublishSystem(in MessageParts message, Turn turn)
    {
        var publication = new Publication();
        publication.Begin(message, context.Now);
        try
        {
            var match = message.Retain ? KeepAndFind(publication, isStored: false, out _, out _) : router.Find(message.Topic.Span);
            var isCongested = false;
            foreach (ref readonly var target in match.Targets)
                target.Subscriber.Deliver(publication, target.Terms, turn, ref isCongested);
        }
        finally
        {
            publication.End();
        }
    }

    private static long DeliverTo(Session session, Publication publication, Turn turn, ref Session? slow)
    {
        var isCongested = false;
        var position = session.Deliver(publication, new DeliveryTerms(QualityOfService.ExactlyOnce, RetainAsPublished: false, null), turn, ref isCongested);
        if (isCongested)
            slow = session;
        return position;
    }

    // Straight to the client that the topic names; it need not subscribe, and nothing is retained.
    private static long PublishToPoint(Publication publication, PointToPoint points, Turn turn, out int receivers, out Session? slow)
    {
        slow = null;
        var session = points.Find(publication.Parts.Topic.Span);
        receivers = session is null ? 0 : 1;
        return session is null ? 0 : DeliverTo(session, publication, turn, ref slow);
    }

    private long Publish(Publication publication, Attachment? client, Session? from, Turn turn, out int receivers, out Session? slow)
    {
        if (pointToPoint is { } points && points.IsMeant(publication.Parts.Topic.Span))
            return PublishToPoint(publication, points, turn, out receivers, out slow);
        slow = null;
        var position = 0L;
        var match = publication.Parts.Retain ? RetainAndFind(publication, out position) : router.Find(publication.Parts.Topic.Span);
        var targets = match.Targets;
        if (publication.Receivers is not null)
            targets = new(Chosen(targets, publication.Receivers));
        receivers = targets.Length;
        foreach (ref readonly var target in targets)
        {
            var isCongested = false;
            if (!ReferenceEquals(target.Subscriber, from))
                position = Math.Max(position, target.Subscriber.Deliver(publication, target.Terms, turn, ref isCongested));
            else if (target.OwnTerms is { } terms)
                position = Math.Max(position, target.Subscriber.Deliver(publication, terms, turn, ref isCongested));
            if (isCongested)
                slow = target.Subscriber;
        }

        if (match.Groups is { } groups)
            position = Math.Max(position, sharing.Deliver(publication, groups, turn, ref receivers, ref slow));
        context.Hooks.Messages?.Tell(
            publication, context.Now, (client, receivers), static (observer, what, message) => observer.OnPublishedAsync(what.client, message, what.receivers));
        return position;
    }

    // What the hooks of this message let through.
    private Target<Session>[] Chosen(in Receivers<Session> targets, Func<string, bool> isReceiver)
    {
        List<Target<Session>> chosen = [];
        foreach (ref readonly var target in targets)
        {
            try
            {
                if (isReceiver(target.Subscriber.ClientId))
                    chosen.Add(target);
            }
            catch (Exception failure)
            {
                context.Hooks.OnFilterFailed(failure);
            }
        }

        return [.. chosen];
    }

    /// <summary>Refuses a message that hooks refused, or drops it without a word.</summary>
    public void Refuse(Attachment from, PublishPacket packet, ReasonCode reasonCode, Turn turn)
    {
        var (qualityOfService, packetId) = (packet.QualityOfService, packet.PacketId);
        if (qualityOfService == QualityOfService.AtMostOnce || !IsNew(from, qualityOfService, packetId, turn))
            return;
        try
        {
            if (reasonCode >= ReasonCode.UnspecifiedError)
                Refuse(from, qualityOfService, packetId, reasonCode, turn);
            else
                from.Session.Answer(from, new Departure(qualityOfService == QualityOfService.ExactlyOnce ? MqttPacketType.PubRec : MqttPacketType.PubAck, packetId, reasonCode, 0), turn);
        }
        finally
        {
            from.IsPublishingOnce = false;
        }
    }

    private Match<Session> RetainAndFind(Publication publication, out long position)
    {
        var match = KeepAndFind(publication, isStored: true, out var isRemoved, out position);
        if (!publication.Parts.Payload.IsEmpty)
        {
            context.Hooks.Retained?.Tell(publication, context.Now, 0, static (observer, _, message) => observer.OnRetainedAsync(message));
        }
        else if (isRemoved)
        {
            context.Hooks.Retained?.Tell(
                MqttString.FromUtf8(publication.Parts.Topic).ToOwned(), static (observer, topic) => observer.OnRetainedRemovedAsync(topic));
        }

        return match;
    }

    // An empty payload is forwarded, and never kept [MQTT-3.3.1-6] [MQTT-3.3.1-7].
    private Match<Session> KeepAndFind(Publication publication, bool isStored, out bool isRemoved, out long position)
    {
        ref readonly var parts = ref publication.Parts;
        var message = parts.Payload.IsEmpty ? null : publication.Stored;
        isRemoved = false;
        position = 0;
        using (retained.Hold())
        {
            var match = router.Find(parts.Topic.Span);
            if (message is null)
                isRemoved = retained.Remove(parts.Topic.Span, out position);
            else if (isStored)
                position = retained.Keep(message, context.RecordOf(parts));
            else
                retained.Set(message);
            return match;
        }
    }

    // A repeated QoS 2 message is acknowledged again, and that is all [MQTT-4.3.3-10]. The first copy may have come by the connection before,
    // and not be safe yet: the identifier is handed in again for a position behind it.
    private static bool IsNew(Attachment from, QualityOfService qualityOfService, ushort packetId, Turn turn)
    {
        switch (from.Session.OnArrival(from, qualityOfService, packetId))
        {
            case ArrivalOutcome.QuotaExceeded:
                throw new MqttProtocolException(ReasonCode.ReceiveMaximumExceeded, "More unacknowledged messages than Receive Maximum.");
            case ArrivalOutcome.Duplicate:
                from.Session.Answer(from, new Departure(MqttPacketType.PubRec, packetId, ReasonCode.Success, from.Session.StoreArrival(packetId)), turn);
                return false;
            default:
                return true;
        }
    }

    // Publishers that ask at the same moment may together go a little beyond.
    private bool MayRetain(MqttString topic, PublishPacket packet)
    {
        var (most, mostBytes) = (Options.MaximumRetained, Options.MaximumRetainedBytes);
        return (most is null && mostBytes is null)
            || retained.HasRoomFor(topic.Span, topic.Length + packet.Properties.Encoded.Length + packet.Payload.Length, most ?? int.MaxValue, mostBytes ?? long.MaxValue);
    }

    private void RefuseForMemory(Attachment from, QualityOfService qualityOfService, ushort packetId, Turn turn)
    {
        context.Statistics.OnDropped(DropCause.MemoryFull);
        if (qualityOfService != QualityOfService.AtMostOnce && !from.IsV5)
            from.Connection.Close(ReasonCode.QuotaExceeded);
        else
            Refuse(from, qualityOfService, packetId, ReasonCode.QuotaExceeded, turn);
    }

    // Refused in 5.0; acknowledged and dropped in 3.x, which has no word for it, or closed; dropped at QoS 0.
    private void Refuse(Attachment from, QualityOfService qualityOfService, ushort packetId, ReasonCode reasonCode, Turn turn, string? reasonString = null)
    {
        if (qualityOfService == QualityOfService.AtMostOnce)
            return;
        if (!from.IsV5 && Options.Compatibility.CloseOnRefusedPublish)
        {
            from.Connection.Close(reasonCode);
            return;
        }

        var code = from.IsV5 ? Options.Compatibility.Shown(reasonCode) : ReasonCode.Success;
        var kind = qualityOfService == QualityOfService.ExactlyOnce ? MqttPacketType.PubRec : MqttPacketType.PubAck;
        if (kind == MqttPacketType.PubRec && from.IsV5)
            from.Session.OnRefused(from, packetId);
        var explained = from.IsV5 && reasonString is not null ? Explained(kind, packetId, code, reasonString) : null;
        from.Session.Answer(from, new Departure(kind, packetId, code, 0, explained), turn);
    }

    /// <summary>True for topics that are the broker's: clients must not write them.</summary>
    public bool IsReserved(ReadOnlySpan<byte> topic) => reserved.Has(topic);

    private static PublishResponsePacket Explained(MqttPacketType kind, ushort packetId, ReasonCode code, string reasonString) =>
        kind == MqttPacketType.PubRec
            ? new PubRecPacket { PacketId = packetId, ReasonCode = code, ReasonString = reasonString }
            : new PubAckPacket { PacketId = packetId, ReasonCode = code, ReasonString = reasonString };
}
