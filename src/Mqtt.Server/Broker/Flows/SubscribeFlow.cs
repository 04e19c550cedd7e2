using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Broker.Routing;
using Mqtt.Server.Broker.Sessions;

namespace Mqtt.Server.Broker.Flows;

/// <summary>SUBSCRIBE and UNSUBSCRIBE: change the router, store the change, answer, and bring the retained messages.</summary>
internal sealed class SubscribeFlow(SessionContext context, Router<Session> router, RetainedFlow bringing, SharedFlow sharing)
{
    /// <summary>Takes a SUBSCRIBE. The answer leaves once every publisher sees the subscriptions and the store has them.</summary>
    public async ValueTask OnSubscribeAsync(Attachment from, SubscribePacket packet)
    {
        if (from.IsV5)
            from.Limits.Check(packet);
        var codes = new ReasonCode[packet.Subscriptions.Count];
        var retained = new long[codes.Length];
        var asked = new SubscribePlan(packet, codes);
        if (context.Hooks is var hooks && SubscribeHooks.AreNeeded(hooks))
            await SubscribeHooks.AskAsync(hooks, from, asked).ConfigureAwait(false);
        var position = Subscribe(from, asked, retained);
        if (context.Watch is { } watch)
            await watch.WaitAsync(position).ConfigureAwait(false);

        using (Turn.Enter(out var turn))
        {
            var answer = new SubAckPacket { PacketId = packet.PacketId, ReasonCodes = Shown(codes) };
            if (Array.IndexOf(codes, ReasonCode.QuotaExceeded) >= 0)
                answer.ReasonString = $"No more than {from.Limits.MaximumSubscriptions} subscriptions.";
            from.Session.AnswerAhead(from, new Departure(MqttPacketType.SubAck, packet.PacketId, ReasonCode.Success, 0, answer), turn);
            BringRetained(from.Session, asked.Subscriptions, retained, turn);
        }

        SubscribeHooks.Tell(context.Hooks, from, asked);
    }

    /// <summary>Subscribes for a client: nobody is asked, and no answer is sent; the retained messages come.</summary>
    public void SubscribeFor(Attachment client, IReadOnlyList<TopicSubscription> subscriptions, Turn turn)
    {
        if (subscriptions.Count == 0)
            return;
        var plan = new SubscribePlan(new SubscribePacket { Subscriptions = subscriptions }, new ReasonCode[subscriptions.Count]);
        var retained = new long[subscriptions.Count];
        Subscribe(client, plan, retained);
        BringRetained(client.Session, subscriptions, retained, turn);
        SubscribeHooks.Tell(context.Hooks, client, plan);
    }

    /// <summary>Subscribes for a session that may have no connection: nobody is asked, and no answer is sent; the retained messages come. Inside the client's gate.</summary>
    public long SubscribeFor(Session session, IReadOnlyList<TopicSubscription> subscriptions, uint identifier, Turn turn, out ReasonCode[] codes)
    {
        codes = new ReasonCode[subscriptions.Count];
        var plan = new SubscribePlan(new SubscribePacket { Subscriptions = subscriptions }, codes);
        plan.Identifiers.AsSpan().Fill(identifier);
        var retained = new long[codes.Length];
        long position;
        lock (session.Gate)
            position = Subscribe(session, plan, retained);
        BringRetained(session, subscriptions, retained, turn);
        return position;
    }

    /// <summary>Unsubscribes for a session that may have no connection. Inside the client's gate.</summary>
    public long UnsubscribeFor(Session session, IReadOnlyList<MqttString> filters, ReasonCode[] codes)
    {
        var position = Unsubscribe(session, null, filters, codes);
        using (Turn.Enter(out var turn))
            session.GoOn(turn);
        return position;
    }

    /// <summary>Takes an UNSUBSCRIBE.</summary>
    public async ValueTask OnUnsubscribeAsync(Attachment from, UnsubscribePacket packet)
    {
        var codes = new ReasonCode[packet.Filters.Count];
        var filters = packet.Filters;
        if (context.Hooks.Subscribing is { } hooks)
            filters = await SubscribeHooks.AskAsync(hooks, from, filters, codes).ConfigureAwait(false);
        var position = Unsubscribe(from.Session, from, filters, codes);
        if (context.Watch is { } watch)
            await watch.WaitAsync(position).ConfigureAwait(false);

        var answer = new UnsubAckPacket { PacketId = packet.PacketId, ReasonCodes = codes };
        using (Turn.Enter(out var turn))
        {
            from.Session.Answer(from, new Departure(MqttPacketType.UnsubAck, packet.PacketId, ReasonCode.Success, 0, answer), turn);
            from.Session.GoOn(turn);
        }

        SubscribeHooks.Tell(context.Hooks, from, filters, codes);
    }

    // A packet with several filters is like several packets with one [MQTT-3.8.4-5].
    private long Subscribe(Attachment from, SubscribePlan asked, long[] retained)
    {
        lock (from.Session.Gate)
            return from.Session.Attachment == from ? Subscribe(from.Session, asked, retained) : 0;
    }

    // Under the session's lock. Of each subscription it learns up to which number retained messages are to be brought; 0 for none.
    private long Subscribe(Session session, SubscribePlan asked, long[] retained)
    {
        var (subscriptions, codes) = (asked.Subscriptions, asked.Codes);
        var position = 0L;
        var known = session.Subscriptions;
        if (known.Count == 0)
            known.EnsureCapacity(Math.Min(codes.Length, session.Limits.MaximumSubscriptions ?? int.MaxValue));
        for (var i = 0; i < codes.Length; i++)
        {
            if (codes[i] < ReasonCode.UnspecifiedError)
                codes[i] = Grant(session, subscriptions[i]);
            if (codes[i] >= ReasonCode.UnspecifiedError)
                continue;
            var granted = Granted(session.Attachment, subscriptions[i]) with { QualityOfService = (QualityOfService)codes[i] };
            retained[i] = AddAndLook(session, granted, asked.Identifiers[i]);
            if (session.IsDurable)
                position = Save(session.ClientId, granted, asked.Identifiers[i], retained[i] != 0);
        }

        return position;
    }

    // SUBACK asserts the subscription and, with it, the retained messages that it causes.
    private long Save(string clientId, TopicSubscription granted, uint identifier, bool wantsRetained)
    {
        var store = context.Store!;
        if (!wantsRetained)
            return store.Subscriptions.Save(clientId, granted, identifier);
        store.BeginUnit();
        try
        {
            store.Subscriptions.Save(clientId, granted, identifier);
            return store.Subscriptions.SaveRetained(clientId, granted.Filter, default(MqttString));
        }
        finally
        {
            store.EndUnit();
        }
    }

    // What 5.0 says by options, bridges of 3.x say by their level: nothing comes back to them, and RETAIN stays as it was published.
    private static TopicSubscription Granted(Attachment? client, TopicSubscription asked)
    {
        var owned = asked with { Filter = asked.Filter.ToOwned() };
        return client is { IsBridge: true } ? owned with { NoLocal = !MqttTopic.IsShared(owned.Filter.Span), RetainAsPublished = true } : owned;
    }

    // A shared subscription gets no retained messages (section 4.8.2).
    private long AddAndLook(Session session, in TopicSubscription granted, uint identifier)
    {
        if (granted.RetainHandling == RetainHandling.DoNotSend || MqttTopic.IsShared(granted.Filter.Span))
        {
            Add(session, granted, identifier);
            return 0;
        }

        using (bringing.Hold())
        {
            var isNew = Add(session, granted, identifier);
            return isNew || granted.RetainHandling == RetainHandling.SendAtSubscribe ? bringing.NewestFor(granted.Filter) : 0;
        }
    }

    /// <summary>Puts a subscription, which owns its filter, into session and router; true if it is new. Under the session's lock.</summary>
    public bool Add(Session session, in TopicSubscription granted, uint identifier)
    {
        session.Subscriptions[granted.Filter] = new SessionSubscription(granted, identifier);
        var terms = new DeliveryTerms(granted.QualityOfService, granted.RetainAsPublished, identifier == 0 ? null : [identifier]);
        return router.Add(granted.Filter, new Subscription<Session>(session, terms, granted.NoLocal));
    }

    private long Unsubscribe(Session session, Attachment? from, IReadOnlyList<MqttString> filters, ReasonCode[] codes)
    {
        var position = 0L;
        List<MqttString>? left = null;
        lock (session.Gate)
        {
            if (from is not null && session.Attachment != from)
                return 0;
            for (var i = 0; i < codes.Length; i++)
            {
                if (codes[i] >= ReasonCode.UnspecifiedError)
                    continue;
                if (!session.Subscriptions.Remove(filters[i]))
                {
                    codes[i] = ReasonCode.NoSubscriptionExisted;
                    continue;
                }

                router.Remove(filters[i], session);
                session.DropCursor(filters[i]);
                if (MqttTopic.IsShared(filters[i].Span))
                    (left ??= []).Add(filters[i]);
                if (session.IsDurable)
                    position = context.Store!.Subscriptions.Delete(session.ClientId, filters[i]);
            }
        }

        return left is null ? position : Math.Max(position, sharing.OnLeft(session, share => left.Contains(share.Filter)));
    }

    // Ill-formed shared filters close in 5.0, where the codec finds them; 3.x, where they were ordinary once, has 0x80.
    private static ReasonCode Grant(Session session, TopicSubscription subscription)
    {
        var limits = session.Limits;
        if (MqttTopic.IsShared(subscription.Filter.Span) && !MqttTopic.TryParseShared(subscription.Filter.Span, out _, out _))
            return ReasonCode.TopicFilterInvalid;
        if (limits.RefusalOf(subscription.Filter) is { } refusal)
            return refusal;
        var subscriptions = session.Subscriptions;
        if (subscriptions.Count >= limits.MaximumSubscriptions && !subscriptions.ContainsKey(subscription.Filter))
            return ReasonCode.QuotaExceeded;
        return (ReasonCode)Math.Min((int)subscription.QualityOfService, (int)limits.MaximumQualityOfService);
    }

    private ReasonCode[] Shown(ReasonCode[] codes) =>
        context.Options.Compatibility.HideNotAuthorized ? Array.ConvertAll(codes, context.Options.Compatibility.Shown) : codes;

    private void BringRetained(Session session, IReadOnlyList<TopicSubscription> subscriptions, long[] retained, Turn turn)
    {
        for (var i = 0; i < retained.Length; i++)
        {
            if (retained[i] != 0)
                BringRetained(session, subscriptions[i].Filter, retained[i], turn);
        }
    }

    private void BringRetained(Session session, MqttString filter, long newest, Turn turn)
    {
        // It may have been taken back by now, on somebody's behalf.
        SessionSubscription subscription;
        bool isThere;
        lock (session.Gate)
            isThere = session.Subscriptions.TryGetValue(filter, out subscription);
        if (isThere)
            bringing.Bring(session, filter, subscription, newest, turn);
    }
}
