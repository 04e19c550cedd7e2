using Mqtt.Protocol.Channels;
using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Broker.Rules;
using Mqtt.Server.Broker.Sessions;
using Mqtt.Server.Time;

namespace Mqtt.Server.Broker.Flows;

/// <summary>Messages that wait for their time. One deadline serves all of them. Any thread; its lock is a leaf.</summary>
internal sealed class DelayFlow(SessionContext context, PublishFlow publishing, DelayedPublish options) : Deadline
{
    private readonly Lock gate = new();
    private readonly PriorityQueue<Waiting, (long Due, long Number)> waiting = new();
    private long bytes;
    private long lastNumber;

    public DelayedPublish Options => options;

    /// <summary>Takes a message; false if there is no room for it.</summary>
    public bool TryAdd(in MessageParts message, TimeSpan delay, Attachment? from, Func<string, bool>? receivers, string? willOf)
    {
        // The clock may be a tick behind, and nothing is to come too early.
        var due = context.Now + (long)delay.TotalMilliseconds + DeadlineWheel.TickMilliseconds;
        lock (gate)
        {
            if (waiting.Count >= options.MaximumCount || bytes + message.Bytes > options.MaximumBytes)
                return false;
            bytes += message.Bytes;
            waiting.Enqueue(new Waiting(StoredMessage.Copy(message), from, receivers, willOf), (due, ++lastNumber));
            waiting.TryPeek(out _, out var first);
            context.Heartbeat.Set(this, first.Due);
            return true;
        }
    }

    /// <summary>Lets go of what still waits: the broker has ended.</summary>
    public void Clear()
    {
        context.Heartbeat.Clear(this);
        lock (gate)
        {
            if (waiting.Count > 0)
                context.Options.Logger.DelayedMessagesLost(waiting.Count);
            while (waiting.TryDequeue(out var next, out _))
                next.Message.Release();
            bytes = 0;
        }
    }

    protected internal override long OnDue(long now)
    {
        using (Turn.Enter(out var turn))
        {
            while (TryTake(now, out var next))
            {
                if (next.Message.ExpiresAt > now)
                    publishing.Publish(next.Message, next.From, next.Receivers, next.WillOf, turn);
                else
                    context.Statistics.OnDropped(DropCause.Expired);
                next.Message.Release();
            }
        }

        lock (gate)
            return waiting.TryPeek(out _, out var first) ? first.Due : Never;
    }

    private bool TryTake(long now, out Waiting next)
    {
        lock (gate)
        {
            if (!waiting.TryPeek(out next, out var at) || at.Due > now)
                return false;
            waiting.Dequeue();
            bytes -= next.Message.Bytes;
            return true;
        }
    }

    private readonly record struct Waiting(StoredMessage Message, Attachment? From, Func<string, bool>? Receivers, string? WillOf);
}
