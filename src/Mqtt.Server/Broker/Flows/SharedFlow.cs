using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Broker.Routing;
using Mqtt.Server.Broker.Sessions;
using Mqtt.Server.Broker.Sharing;

namespace Mqtt.Server.Broker.Flows;

/// <summary>
/// Shared subscriptions (section 4.8.2): finds the member that gets a message, and another one for a message whose member can no longer get
/// it. One session's lock at a time: what moves is taken out under one and brought under the next. In the store a copy moves in one
/// unit, so that a crash finds it in exactly one place.
/// </summary>
internal sealed class SharedFlow
{
    private readonly SessionContext context;
    private readonly Router<Session> router;

    // Copies that their session cannot send, until they go elsewhere.
    private readonly Lock gate = new();
    private List<(Session From, MovingCopy Moving)> strays = [];

    public SharedFlow(SessionContext context, Router<Session> router)
    {
        this.context = context;
        this.router = router;
        context.OnStray = OnStray;
    }

    /// <summary>Delivers a message to one member of each shared subscription; see <see cref="Session.Deliver"/> for what is returned.</summary>
    public long Deliver(Publication publication, ShareGroup<Session>[] groups, Turn turn, ref int receivers, ref Session? slow)
    {
        var position = 0L;
        foreach (var group in groups)
        {
            if (group.Members.Length == 0)
                continue;
            receivers++;
            var (taken, cause) = Deliver(publication, group, ShareRoom.Away, mustStore: false, turn, ref slow, out var at);
            if (!taken)
                context.Statistics.OnDropped(cause);
            position = Math.Max(position, at);
        }

        return position;
    }

    /// <summary>The session has left shared subscriptions, and what it was not sent goes to the others. The position is that of all that moved.</summary>
    public long OnLeft(Session session, Predicate<Share> left) =>
        session.TakeOutShared(left, inFlight: false) is { } moving ? Move(session, moving, isDeleted: false) : 0;

    /// <summary>The session ends: nothing comes to it any more, and what it has not got goes to the others. Returns the position of its deletion.</summary>
    public long End(Session session)
    {
        var moving = session.BeginEnd();
        if (moving is null)
            return Delete(session);
        using (context.Unit())
        {
            return Math.Max(Bring(session, moving, isDeleted: true), Delete(session));
        }
    }

    /// <summary>The session has lost its connection, and goes on without: what others can send at once they get.</summary>
    public void OnConnectionLost(Session session)
    {
        if (session.TakeOutShared(share => HasOther((ShareGroup<Session>)share, session), context.Options.SharedMovesOnConnectionLoss) is { } moving)
            Move(session, moving, isDeleted: false, upTo: ShareRoom.Queue);
    }

    /// <summary>A message that a store kept for a session that is no more, or no member any more.</summary>
    public void Recover(Session from, in Copy copy) => Move(from, [new(copy, 0)], isDeleted: false);

    /// <summary>Lets go of what is on its way between two sessions.</summary>
    public void Clear()
    {
        foreach (var (_, moving) in TakeStrays())
            moving.Copy.Message!.Release();
    }

    private long Delete(Session session) => session.IsStored ? context.Store!.Sessions.Delete(session.ClientId) : 0;

    private static bool HasOther(ShareGroup<Session> group, Session session) =>
        Array.Exists(group.Members, member => member.Subscriber != session && member.Subscriber.Attachment is not null);

    private long Move(Session from, List<MovingCopy> moving, bool isDeleted, ShareRoom upTo = ShareRoom.Away)
    {
        using (context.Unit())
        {
            return Bring(from, moving, isDeleted, upTo);
        }
    }

    // Each to another member. What nobody takes is dropped, or stays where it was if its session goes on without a connection.
    private long Bring(Session from, List<MovingCopy> moving, bool isDeleted, ShareRoom upTo = ShareRoom.Away)
    {
        var position = 0L;
        List<MovingCopy>? stay = null;
        var publication = new Publication();
        using (Turn.Enter(out var turn))
        {
            foreach (var moved in moving)
            {
                var cause = BringOne(publication, moved.Copy, upTo, turn, ref position);
                if (cause is not null && cause != DropCause.Expired && upTo != ShareRoom.Away)
                {
                    (stay ??= []).Add(moved);
                    continue;
                }

                if (cause is { } why)
                    OnDropped(from, moved.Copy, why);
                moved.Copy.Message!.Release();
                if (moved.Copy.Sequence != 0 && !isDeleted)
                    position = Math.Max(position, context.Store!.Messages.Remove(from.ClientId, moved.Copy.Sequence));
            }
        }

        if (stay is not null)
            from.PutBackShared(stay);
        return position;
    }

    private void OnDropped(Session from, in Copy copy, DropCause cause)
    {
        context.Statistics.OnDropped(cause);
        context.Deliveries?.OnDropped(from.ClientId, copy, cause);
    }

    private DropCause? BringOne(Publication publication, in Copy copy, ShareRoom upTo, Turn turn, ref long position)
    {
        if (copy.Message!.ExpiresAt <= context.Now)
            return DropCause.Expired;
        publication.Begin(copy.Message, context.Now);
        try
        {
            Session? slow = null;
            var (taken, cause) = Deliver(publication, (ShareGroup<Session>)copy.Share!, upTo, copy.Sequence != 0, turn, ref slow, out var at);
            position = Math.Max(position, at);
            return taken ? null : cause;
        }
        finally
        {
            publication.End();
        }
    }

    private (bool Taken, DropCause Cause) Deliver(
        Publication publication, ShareGroup<Session> group, ShareRoom upTo, bool mustStore, Turn turn, ref Session? slow, out long position)
    {
        position = 0;
        var members = group.Members;
        if (members.Length == 0)
            return (false, DropCause.GroupEnded);
        ref readonly var message = ref publication.Parts;
        mustStore |= message.QualityOfService != QualityOfService.AtMostOnce && IsDurable(members);
        var first = First(message, group, members);
        var isTooLarge = false;
        for (var room = ShareRoom.Now; room <= upTo; room++)
        {
            for (var step = 0; step < members.Length; step++)
            {
                var index = (first + step) % members.Length;
                ref readonly var member = ref members[index];
                if (publication.Receivers is { } isReceiver && !IsChosen(member.Subscriber, isReceiver))
                    continue;
                var isCongested = false;

                // What was for chosen clients must not move on to one that was not.
                var share = publication.Receivers is null ? group : null;
                var outcome = member.Subscriber.TakeShared(publication, member.Terms, share, room, mustStore, turn, ref isCongested, out position);
                isTooLarge |= outcome == ShareOutcome.TooLarge;
                if (outcome != ShareOutcome.Taken)
                    continue;
                group.Last = index;
                if (isCongested)
                    slow = member.Subscriber;
                return (true, default);
            }
        }

        return (false, isTooLarge ? DropCause.TooLarge : CauseFor(message.QualityOfService, members));
    }

    private int First(in MessageParts message, ShareGroup<Session> group, ShareMember<Session>[] members)
    {
        var picked = -1;
        try
        {
            picked = context.Options.SharedPick.Pick(new SharedDelivery(in message, group, members));
        }
        catch (Exception failure)
        {
            context.Options.Logger.SharedPickFailed(failure, group.Filter);
        }

        return picked >= 0 && picked < members.Length ? picked : (group.Last + 1) % members.Length;
    }

    // What the hooks of this message let through.
    private bool IsChosen(Session member, Func<string, bool> isReceiver)
    {
        try
        {
            return isReceiver(member.ClientId);
        }
        catch (Exception failure)
        {
            context.Hooks.OnFilterFailed(failure);
            return false;
        }
    }

    // If any member outlives the broker, so does what the group is owed, whoever has it at present.
    private bool IsDurable(ShareMember<Session>[] members) =>
        context.Store is not null && Array.Exists(members, static member => member.Subscriber.IsDurable);

    private static DropCause CauseFor(QualityOfService qualityOfService, ShareMember<Session>[] members)
    {
        if (qualityOfService != QualityOfService.AtMostOnce)
            return DropCause.QueueFull;
        return Array.Exists(members, static member => member.Subscriber.Attachment is not null) ? DropCause.OutboxFull : DropCause.Offline;
    }

    private void OnStray(Session from, Copy copy)
    {
        bool isFirst;
        lock (gate)
        {
            isFirst = strays.Count == 0;
            strays.Add((from, new MovingCopy(copy, 0)));
        }

        if (isFirst)
            context.Options.Scheduler.Schedule(static flow => ((SharedFlow)flow!).BringStrays(), this);
    }

    private void BringStrays()
    {
        foreach (var run in TakeStrays().GroupBy(static stray => stray.From))
            Move(run.Key, [.. run.Select(static stray => stray.Moving)], isDeleted: false);
    }

    private List<(Session From, MovingCopy Moving)> TakeStrays()
    {
        lock (gate)
        {
            var taken = strays;
            strays = [];
            return taken;
        }
    }
}
