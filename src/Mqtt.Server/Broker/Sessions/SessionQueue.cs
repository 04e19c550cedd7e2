using Mqtt.Protocol;
using Mqtt.Server.Broker.Messages;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>
/// What waits for a session: first the retained messages of new subscriptions, which come at the client's pace and count against no
/// limit, then everything else, bounded in number and bytes. The session's lock guards it.
/// </summary>
internal sealed class SessionQueue(ClientLimits limits)
{
    // What a copy costs beside its bytes, roughly: the entry and its share of the message.
    private const int OverheadBytes = 96;

    private Queue<(Copy Copy, MqttString Filter)>? retained;
    private Queue<Copy>? messages;
    private long bytes;

    // A full queue must not be searched for each message that does not fit: how many of QoS 0 wait, and when the first of all expires, or earlier.
    private int atMostOnceCount;
    private long firstExpiry = MessageParts.NeverExpires;

    /// <summary>How much may wait; those of the last connection.</summary>
    public ClientLimits Limits { get; set; } = limits;

    /// <summary>True while retained messages are to come, before which nothing else leaves.</summary>
    public bool AwaitsRetained
    {
        get;
        set
        {
            field = value;
            if (!value && RetainedCount == 0)
                retained = null;
        }
    }

    /// <summary>How many of them have come.</summary>
    public int RetainedCount => retained?.Count ?? 0;

    /// <summary>True if nothing waits.</summary>
    public bool IsEmpty => Count == 0 && !AwaitsRetained;

    /// <summary>How many copies wait.</summary>
    public int Count => (retained?.Count ?? 0) + (messages?.Count ?? 0);

    /// <summary>True if so much waits that publishers should slow down: half of either bound.</summary>
    public bool IsHigh => messages is not null && (messages.Count >= Limits.QueueCount - (Limits.QueueCount / 2) || bytes >= Limits.QueueBytes / 2);

    /// <summary>True if they may go on: a quarter of both bounds.</summary>
    public bool IsLow => messages is null || (messages.Count <= Limits.QueueCount / 4 && bytes <= Limits.QueueBytes / 4);

    /// <summary>True while retained messages wait.</summary>
    public bool HasRetained => RetainedCount > 0 || AwaitsRetained;

    /// <summary>True while messages of QoS 0 wait that are no retained ones.</summary>
    public bool HasQoS0 => atMostOnceCount > 0;

    /// <summary>Adds the retained message of a new subscription, whose filter this is; empty if the store has the message already.</summary>
    public void AddRetained(in Copy copy, MqttString filter) => (retained ??= new()).Enqueue((copy, filter));

    /// <summary>The topics of the messages that wait and were published to be retained; <see langword="null"/> if there are none.</summary>
    public HashSet<MqttString>? RetainedTopics()
    {
        var topics = (messages ?? []).Where(copy => copy.Message!.Retain).Select(copy => MqttString.FromUtf8(copy.Message!.Topic.ToArray())).ToHashSet(Utf8Comparer.Instance);
        return topics.Count == 0 ? null : topics;
    }

    /// <summary>
    /// Adds a message. If there is no room, others make room as the policy says; false if there is still none.
    /// What was pushed out comes back in <paramref name="dropped"/>, and is the caller's to release.
    /// </summary>
    public bool TryAdd(in Copy copy, long now, ref List<Copy>? dropped)
    {
        var size = SizeOf(copy);
        if (!HasRoom(size))
            MakeRoom(size, now, ref dropped);
        if (!HasRoom(size))
            return false;
        (messages ??= new()).Enqueue(copy);
        Add(copy);
        return true;
    }

    /// <summary>True if a message fits without pushing any other out.</summary>
    public bool HasRoomFor(in MessageParts message) => HasRoom(message.Bytes + OverheadBytes);

    /// <summary>Takes out all messages of a kind, in their order; each is the caller's then.</summary>
    public void TakeOut(Predicate<Copy> wanted, List<Copy> taken)
    {
        if (messages is null)
            return;
        firstExpiry = MessageParts.NeverExpires;
        for (var left = messages.Count; left > 0; left--)
        {
            var copy = messages.Dequeue();
            if (wanted(copy))
            {
                Uncount(copy);
                taken.Add(copy);
            }
            else
            {
                messages.Enqueue(copy);
                firstExpiry = Math.Min(firstExpiry, copy.Message!.ExpiresAt);
            }
        }
    }

    /// <summary>Puts messages back that were taken out: before all that have come since, and whatever the bounds are.</summary>
    public void PutBack(IEnumerable<Copy> taken)
    {
        var later = messages ?? [];
        messages = new();
        foreach (var copy in taken)
        {
            messages.Enqueue(copy);
            Add(copy);
        }

        foreach (var copy in later)
            messages.Enqueue(copy);
    }

    /// <summary>The next copy to send, and of which new subscription it is the retained message; empty if of none.</summary>
    public bool TryPeek(out Copy copy, out MqttString retainedOf)
    {
        (copy, retainedOf) = (default, default);
        if (RetainedCount > 0)
        {
            (copy, retainedOf) = retained!.Peek();
            return true;
        }

        return !AwaitsRetained && messages is not null && messages.TryPeek(out copy);
    }

    /// <summary>Takes out what <see cref="TryPeek"/> showed.</summary>
    public void Remove()
    {
        if (retained is not null && retained.TryDequeue(out _))
        {
            if (retained.Count == 0 && !AwaitsRetained)
                retained = null;
            return;
        }

        Uncount(messages!.Dequeue());
    }

    /// <summary>Takes out everything; each copy is the caller's to release.</summary>
    public IEnumerable<Copy> Clear()
    {
        List<Copy> all = [.. (retained ?? []).Select(static next => next.Copy), .. messages ?? []];
        (retained, messages) = (null, null);
        bytes = 0;
        atMostOnceCount = 0;
        firstExpiry = MessageParts.NeverExpires;
        return all;
    }

    // Where nothing waits, a message of any size may: it is perhaps on its way in a moment.
    private bool HasRoom(int size) => messages is null or { Count: 0 } || (messages.Count < Limits.QueueCount && bytes + size <= Limits.QueueBytes);

    private void MakeRoom(int size, long now, ref List<Copy>? dropped)
    {
        if (Limits.QueuePolicy == QueuePolicy.RefuseNewest)
            return;
        if (firstExpiry <= now)
            DropWhere(copy => copy.Message!.ExpiresAt <= now, int.MaxValue, ref dropped);
        while (!HasRoom(size) && atMostOnceCount > 0)
            DropWhere(static copy => copy.QualityOfService == QualityOfService.AtMostOnce, 1, ref dropped);
        while (Limits.QueuePolicy == QueuePolicy.DropOldest && !HasRoom(size))
        {
            (dropped ??= []).Add(messages!.Peek());
            Uncount(messages.Dequeue());
        }
    }

    private void DropWhere(Predicate<Copy> condition, int most, ref List<Copy>? dropped)
    {
        firstExpiry = MessageParts.NeverExpires;
        for (var left = messages?.Count ?? 0; left > 0; left--)
        {
            var copy = messages!.Dequeue();
            if (most > 0 && condition(copy))
            {
                (dropped ??= []).Add(copy);
                Uncount(copy);
                most--;
            }
            else
            {
                messages.Enqueue(copy);
                firstExpiry = Math.Min(firstExpiry, copy.Message!.ExpiresAt);
            }
        }
    }

    private void Add(in Copy copy)
    {
        bytes += SizeOf(copy);
        if (copy.QualityOfService == QualityOfService.AtMostOnce)
            atMostOnceCount++;
        firstExpiry = Math.Min(firstExpiry, copy.Message!.ExpiresAt);
    }

    private void Uncount(in Copy copy)
    {
        bytes -= SizeOf(copy);
        if (copy.QualityOfService == QualityOfService.AtMostOnce)
            atMostOnceCount--;
    }

    private static int SizeOf(in Copy copy) => copy.Message!.Bytes + OverheadBytes;
}
