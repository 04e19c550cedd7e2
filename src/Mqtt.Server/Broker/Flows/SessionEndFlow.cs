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
    public void OnConnectionEnded(Session session, bool endedNormally)
    {
        context.SystemTopics?.Notify(session.ClientId, isOnline: false);
        if (endedNormally)
            session.Will = null;
        if (session.ExpirySeconds == 0)
        {
            End(session, SessionEnd.Disconnected);
            return;
        }

        // The will, and that it was published, are one unit: kept apart, a crash between them would publish it twice.
        using (context.Unit())
        {
            if ((session.Will?.DelayInterval ?? 0) == 0)
                PublishWill(session);
            Save(session, context.Heartbeat.UtcNow);
        }

        sharing.OnConnectionLost(session);
        Schedule(session, context.Now, context.Now);
    }

    /// <summary>Ends a session: its will if it is still due, its subscriptions, everything it owes. Returns the position of its deletion.</summary>
    public long End(Session session, SessionEnd cause)
    {
        using var unit = context.Unit();
        PublishWill(session);
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

    /// <summary>Publishes the will, if there is one, and forgets it [MQTT-3.1.2-10].</summary>
    public void PublishWill(Session session)
    {
        if (session.Will is not { } will)
            return;
        var client = session.WillClient;
        session.Will = null;
        wills.Publish(session, will, client);
    }

    /// <summary>Completes when the wills of a client that were due up to now are published.</summary>
    public Task WillsOf(string clientId) => wills.PendingOf(clientId);

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
        if (session.ExpirySeconds == 0)
        {
            End(session, SessionEnd.Disconnected);
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
        using (holder)
        {
            if (session.HasEnded || session.Attachment is not null)
                return Deadline.Never;
            if (now >= ExpiryDue(session, since))
            {
                End(session, SessionEnd.Expired);
                return Deadline.Never;
            }

            if (now >= WillDue(session, since))
            {
                using var unit = context.Unit();
                PublishWill(session);
                Save(session, context.Heartbeat.UtcNow.AddMilliseconds(since - now));
            }

            return NextDue(session, since);
        }
    }

    private static long NextDue(Session session, long since) => Math.Min(ExpiryDue(session, since), WillDue(session, since));

    private static long ExpiryDue(Session session, long since) =>
        session.ExpirySeconds == NeverExpires ? Deadline.Never : since + (session.ExpirySeconds * 1000L);

    private static long WillDue(Session session, long since) =>
        session.Will is { } will ? since + ((will.DelayInterval ?? 0) * 1000L) : Deadline.Never;
}
