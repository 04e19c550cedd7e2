using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Broker.Retained;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>
/// The retained messages of the session's new subscriptions: pulled by a cursor for each, a few at a time. Everything else waits behind
/// them. A durable session's store knows where a cursor stands: each message of QoS 1 or 2 is written together with it.
/// </summary>
internal sealed partial class Session
{
    // Those that are not at their end, or whose last messages have not left. Under the gate.
    private List<RetainedCursor>? cursors;
    private bool isPulling;

    /// <summary>A subscription is owed its retained messages; true if the caller is to pull them, false if somebody else does or will.</summary>
    public bool AwaitRetained(RetainedCursor cursor)
    {
        lock (Gate)
        {
            if (HasEnded)
                return false;
            DropCursor(cursor.Filter);
            (cursors ??= []).Add(cursor);
            queue.AwaitsRetained = true;
            return !isPulling && (isPulling = true);
        }
    }

    /// <summary>The subscription is no more, and neither is what it was owed.</summary>
    public void DropCursor(MqttString filter)
    {
        cursors?.RemoveAll(cursor => cursor.Filter.Equals(filter));
        if (cursors is { Count: 0 })
            EndRetained();
    }

    /// <summary>What waited behind retained messages that are not owed any more goes on.</summary>
    public void GoOn(Turn turn)
    {
        using (Enter())
        {
            if (!queue.IsEmpty)
                Pump(turn);
        }
    }

    /// <summary>The cursor to pull with; <see langword="null"/> if the client has enough for now, and asks again when it has not.</summary>
    public RetainedCursor? NextCursor()
    {
        lock (Gate)
        {
            if (!HasEnded && Attachment is not null && queue.RetainedCount == 0 && cursors is not null)
                return cursors[0];
            isPulling = false;
            return null;
        }
    }

    /// <summary>Takes messages that were pulled, each held by the caller and handed over.</summary>
    public void DeliverRetained(RetainedCursor cursor, List<StoredMessage> messages, Turn turn)
    {
        using (Enter())
        {
            if (HasEnded || cursors?.Contains(cursor) is not true)
            {
                messages.ForEach(static message => message.Release());
                return;
            }

            foreach (var message in messages)
            {
                var published = message.QualityOfService;
                var quality = published < cursor.Granted ? published : cursor.Granted;
                queue.AddRetained(new Copy(message, quality, Retain: true, cursor.Identifiers, 0), cursor.Filter);
            }

            Pump(turn);
        }
    }

    /// <summary>Goes on where the broker left off when it ended. What is in the queue already was published since, and is not meant.</summary>
    public void RestoreRetained(MqttString filter, in SessionSubscription subscription, MqttString after, long newest)
    {
        (cursors ??= []).Add(new RetainedCursor(filter.ToOwned(), subscription.QualityOfService, subscription.Identifier, newest)
        {
            After = after,
            Known = queue.RetainedTopics(),
        });
        queue.AwaitsRetained = true;
    }

    // True if the last retained message has left, so that what waited behind it can go on.
    private bool FinishRetained()
    {
        if (cursors is null || queue.RetainedCount > 0)
            return false;
        while (cursors is [{ IsDone: true } done, ..])
        {
            if (IsDurable)
                context.Store!.Subscriptions.SaveRetained(ClientId, done.Filter, null);
            DropCursor(done.Filter);
        }

        return cursors is null;
    }

    private void EndRetained()
    {
        cursors = null;
        queue.AwaitsRetained = false;
    }

    private void AskForRetained()
    {
        if (cursors is null || isPulling || queue.RetainedCount > 0)
            return;
        isPulling = true;
        context.OnRetainedWanted!(this);
    }
}
