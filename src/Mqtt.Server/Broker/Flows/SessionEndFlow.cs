using Mqtt.Protocol;
using Mqtt.Server.Broker.Hooks;
using Mqtt.Server.Broker.Routing;
using Mqtt.Server.Broker.Sessions;
using Mqtt.Server.Broker.Storage;
using Mqtt.Server.Time;

namespace Mqtt.Server.Broker.Flows;

/// <summary>
/// What happens when a connection ends, and when a session does: the will, the time that the session still has, its end. Called inside
/// the client's gate.
/// </summary>
internal sealed class SessionEndFlow(SessionContext context, SessionTable table, Router<Session> router, WillFlow wills, SharedFlow sharing, ClientGates gates)
{
    private const uint NeverExpires = uint.MaxValue;

    private Func<Session, long, long, long>? onDue;

    /// <summary>The connection is over; the attachment is untied already. The will is due at once, or after its delay, but not later than the session ends.</summary>
    public async ValueTask OnConnectionEndedAsync(Session session, bool endedNormally)
    {
        context.SystemTopics?.Notify(session.ClientId, isOnline: false);
        if (endedNormally)
            session.Will = null;
        if (session.ExpirySeconds == 0)
        {
            await EndAsync(session, SessionEnd.Disconnected).ConfigureAwait(false);
            return;
        }

        var isDue = (session.Will?.DelayInterval ?? 0) == 0;
        var will = isDue ? await AskWillAsync(session).ConfigureAwait(false) : null;
        if (!session.HasEnded)
            Lose(session, isDue, will);
    }

    // The will, and that it was published, are one unit: kept apart, a crash between them would publish it twice.
    private void Lose(Session session, bool isDue, WillMessage? will)
    {
        using (context.Unit())
        {
            if (isDue)
                PublishWill(session, will);
            Save(session, context.Heartbeat.UtcNow);
        }

        sharing.OnConnectionLost(session);
        Schedule(session, context.Now, context.Now);
    }

    /// <summary>Asks about the will, and ends the session. Returns the position of its deletion.</summary>
    public async ValueTask<long> EndAsync(Session session, SessionEnd cause)
    {
        var will = await AskWillAsync(session).ConfigureAwait(false);
        return session.HasEnded ? 0 : End(session, cause, will);
    }

    /// <summary>Ends a session: its will if it is still due, its subscriptions, everything it owes. Returns the position of its deletion.</summary>
    public long End(Session session, SessionEnd cause, WillMessage? will)
    {
        using var unit = context.Unit();
        PublishWill(session, will);
        if (session.Deadline is { } deadline)
            context.Heartbeat.Clear(deadline);
        lock (session.Gate)
        {
            foreach (var filter in session.Subscriptions.Keys)
                router.Remove(filter, session);
            session.Subscriptions.Clear();
        }

        var position = sharing.End(session);
        session.End();
        table.Remove(session);
        context.Statistics.OnSessionEnded(cause);
        context.Hooks.Sessions?.Tell((session.ClientId, cause), static (observer, what) => observer.OnSessionEndedAsync(what.ClientId, what.cause));
        return position;
    }

    /// <summary>The client is back: nothing is due any more.</summary>
    public void Cancel(Session session)
    {
        if (session.Deadline is { } deadline)
            context.Heartbeat.Clear(deadline);
        session.Will = null;
    }

    /// <summary>Asks whoever has a say about a will that is due. Returns what is to be published; <see langword="null"/> for nothing.</summary>
    public ValueTask<WillMessage?> AskWillAsync(Session session) => wills.AskAsync(session);

    /// <summary>Forgets the will, and publishes what was answered about it [MQTT-3.1.2-10].</summary>
    public void PublishWill(Session session, WillMessage? will)
    {
        session.Will = null;
        if (will is not null)
            wills.Publish(session, will);
    }

    /// <summary>Writes down what must be known of a session that may outlive the broker, or that the store knows.</summary>
    public long Save(Session session, DateTimeOffset? disconnectedAt)
    {
        if (!session.IsDurable && !session.IsStored)
            return 0;
        session.IsStored = true;
        return context.Store!.Sessions.Save(
            new SessionRecord(session.ClientId, session.ExpirySeconds, disconnectedAt, session.Will?.ToRecord(), session.Will?.DelayInterval ?? 0, session.Owner));
    }

    /// <summary>Takes up a session that a store has kept; one that was to end with its connection ends here.</summary>
    public void TakeUp(Session session, long since)
    {
        session.IsStored = true;
        if (session.ExpirySeconds == 0 && gates.TryEnter(session.ClientId, out var holder))
        {
            Follow(DoDueAsync(session, since, context.Now, holder));
            return;
        }

        Save(session, context.Heartbeat.UtcNow.AddMilliseconds(since - context.Now));
        Schedule(session, since, context.Now);
    }

    /// <summary>Sets the time of the will, then that of the session's end, for a connection that ended at <paramref name="since"/>.</summary>
    private void Schedule(Session session, long since, long now)
    {
        var due = NextDue(session, since);
        if (due == Deadline.Never)
            return;
        session.Deadline = new SessionDeadline(session, since, onDue ??= OnDue);
        context.Heartbeat.Set(session.Deadline, Math.Max(due, now));
    }

    private long OnDue(Session session, long since, long now)
    {
        // Somebody is just connecting, or leaving: he clears the deadline or sets it anew.
        if (!gates.TryEnter(session.ClientId, out var holder))
            return now + DeadlineWheel.TickMilliseconds;
        return Follow(DoDueAsync(session, since, now, holder));
    }

    private long Follow(ValueTask<long> doing)
    {
        if (doing.IsCompleted)
            return doing.Result;
        wills.Track(doing.AsTask());
        return Deadline.Never;
    }

    // Returns when something is due again. If it had to wait, it has set the deadline itself.
    private async ValueTask<long> DoDueAsync(Session session, long since, long now, ClientGates.Holder holder)
    {
        using (holder)
        {
            if (session.HasEnded || session.Attachment is not null)
                return Deadline.Never;
            var isExpired = now >= ExpiryDue(session, since);
            if (isExpired || now >= WillDue(session, since))
            {
                var asking = AskWillAsync(session);
                var hasToWait = !asking.IsCompleted;
                var will = await asking.ConfigureAwait(false);

                // The broker has ended meanwhile: what is left is the next one's.
                if (session.HasEnded)
                    return Deadline.Never;
                if (isExpired)
                {
                    End(session, session.ExpirySeconds == 0 ? SessionEnd.Disconnected : SessionEnd.Expired, will);
                    return Deadline.Never;
                }

                PublishAndSave(session, since, will);
                if (hasToWait)
                    Schedule(session, since, context.Now);
            }

            return NextDue(session, since);
        }
    }

    private void PublishAndSave(Session session, long since, WillMessage? will)
    {
        using (context.Unit())
        {
            PublishWill(session, will);
            Save(session, context.Heartbeat.UtcNow.AddMilliseconds(since - context.Now));
        }
    }

    private static long NextDue(Session session, long since) => Math.Min(ExpiryDue(session, since), WillDue(session, since));

    private static long ExpiryDue(Session session, long since) =>
        session.ExpirySeconds == NeverExpires ? Deadline.Never : since + (session.ExpirySeconds * 1000L);

    private static long WillDue(Session session, long since) =>
        session.Will is { } will ? since + ((will.DelayInterval ?? 0) * 1000L) : Deadline.Never;
}
