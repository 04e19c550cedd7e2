namespace Mqtt.Client;

/// <summary>
/// Messages that wait to be sent, within bounds, and beyond them those whose policy is to wait for room. QoS 0 has a line of its own, since no window
/// holds it back. The session's lock guards it.
/// </summary>
/// <param name="bounds">How many wait at most.</param>
/// <param name="losses">Who is told of those that are dropped.</param>
/// <param name="journal">Where what is let in is noted, and what leaves without having been sent. Default: nowhere.</param>
internal sealed class OutgoingQueue(MqttClientQueue bounds, PublishLosses losses, PublishJournal? journal)
{
    private readonly LinkedList<OutgoingPublish> acknowledged = new();
    private readonly LinkedList<OutgoingPublish> atMostOnce = new();

    // In the order in which they came; they count for nothing until they are let in.
    private readonly LinkedList<OutgoingPublish> outside = new();

    // No message within the bounds expires before this one did, or does; it may have left. Null: none of them ever expires.
    private Countdown? soonest;

    /// <summary>How many messages wait, within the bounds or outside.</summary>
    public int Count => acknowledged.Count + atMostOnce.Count + outside.Count;

    /// <summary>How many bytes count for the bound.</summary>
    public long Bytes { get; private set; }

    /// <summary>True if a QoS 0 message must wait its turn.</summary>
    public bool HasAtMostOnce => atMostOnce.Count > 0 || outside.Count > 0;

    /// <summary>Takes a message in, or does with it what its policy says.</summary>
    /// <exception cref="MqttConnectionException">There is no room, and the policy is to fail.</exception>
    /// <exception cref="MqttStoreException">The store takes nothing at present.</exception>
    public void Add(OutgoingPublish message)
    {
        if (journal?.Failure is { } failure)
        {
            message.Release();
            throw new MqttStoreException(failure.Message, failure);
        }

        if (soonest is not null && !HasRoom(message.Bytes))
            DropExpired();
        if (message.Policy == MqttQueuePolicy.DropOldest)
            MakeRoom(message.Bytes);
        if (HasRoom(message.Bytes) && outside.Count == 0)
        {
            Enter(message);
            return;
        }

        switch (message.Policy)
        {
            case MqttQueuePolicy.FailWhenFull:
                message.Release();
                throw new MqttConnectionException($"{Count} messages wait to be sent, and there is no room for more.");
            case MqttQueuePolicy.DropNewest:
                Drop(message);
                break;
            default:
                outside.AddLast(message.Place);
                break;
        }
    }

    /// <summary>The message that is next in its line.</summary>
    public OutgoingPublish? Peek(QualityOfService line) => LineOf(line).First?.Value;

    /// <summary>Takes a message out, wherever it waits; those that wait for room follow. No harm if it does not wait.</summary>
    public void Remove(OutgoingPublish message)
    {
        var place = message.Place;
        if (place.List != outside && place.List is not null)
            Bytes -= message.Bytes;
        place.List?.Remove(place);
        LetIn();
    }

    /// <summary>Takes a message out that is not to be sent, here and in the store.</summary>
    public void Discard(OutgoingPublish message)
    {
        Remove(message);
        journal?.Remove(message);
    }

    /// <summary>Takes a message out that is of no use any more.</summary>
    public void DropExpired(OutgoingPublish message)
    {
        Discard(message);
        losses.On(message, MqttPublishLoss.Expired, "It was of no use any more before it could be sent.");
        message.Drop(new(ReasonCode.ImplementationSpecificError, "The message has expired while it waited to be sent."));
    }

    /// <summary>A message could not be stored: it never was in the queue.</summary>
    public void Lose(OutgoingPublish message, MqttStoreException error)
    {
        Remove(message);
        FailStoring(message, error);
    }

    /// <summary>None of them could be stored.</summary>
    public void LoseAll(MqttStoreException error)
    {
        foreach (var message in (OutgoingPublish[])[.. outside, .. acknowledged, .. atMostOnce])
            Lose(message, error);
    }

    /// <summary>Takes back a message that waits for room; false if it does not.</summary>
    public bool TryWithdraw(OutgoingPublish message)
    {
        if (message.Place.List != outside)
            return false;
        outside.Remove(message.Place);
        message.Release();
        return true;
    }

    /// <summary>Puts messages before all others of their line, in this order and whatever the bounds say: what was sent, or is older.</summary>
    public void PutFirst(IEnumerable<OutgoingPublish> messages)
    {
        foreach (var message in messages.Reverse())
        {
            LineOf(message.QualityOfService).AddFirst(message.Place);
            CountIn(message);
        }
    }

    /// <summary>What waits within the bounds, line by line.</summary>
    public IEnumerable<OutgoingPublish> Inside() => [.. acknowledged, .. atMostOnce];

    /// <summary>Fails every message that waits, or those with this policy.</summary>
    public void Fail(Exception error, MqttQueuePolicy? only = null)
    {
        foreach (var message in (OutgoingPublish[])[.. acknowledged, .. atMostOnce, .. outside])
        {
            if (only is null || message.Policy == only)
                Fail(message, error);
        }
    }

    /// <summary>Nobody connects any more: what is stored stays, and whoever waits is told; all else fails.</summary>
    public void GiveUp(Exception error)
    {
        foreach (var message in (OutgoingPublish[])[.. outside, .. acknowledged, .. atMostOnce])
        {
            if (journal is null || message.Place.List == outside || message.Policy == MqttQueuePolicy.FailOffline)
                Fail(message, error);
            else
                message.Abandon(error);
        }
    }

    /// <summary>The client is gone: everything fails, and what is stored stays so.</summary>
    public void Dispose(Exception error)
    {
        foreach (var message in (OutgoingPublish[])[.. acknowledged, .. atMostOnce, .. outside])
        {
            message.Place.List!.Remove(message.Place);
            message.Fail(error);
        }

        Bytes = 0;
    }

    private LinkedList<OutgoingPublish> LineOf(QualityOfService qualityOfService) => qualityOfService == QualityOfService.AtMostOnce ? atMostOnce : acknowledged;

    private bool HasRoom(int bytes)
    {
        var count = acknowledged.Count + atMostOnce.Count;
        return count == 0 || (count < bounds.Count && Bytes + bytes <= bounds.Bytes);
    }

    private void Enter(OutgoingPublish message)
    {
        LineOf(message.QualityOfService).AddLast(message.Place);
        CountIn(message);
        if (journal is null)
            message.Entry?.OnTaken(isInQueue: true);
        else
            journal.Add(message);
    }

    private void CountIn(OutgoingPublish message)
    {
        Bytes += message.Bytes;
        soonest = Sooner(soonest, message.Expiry);
    }

    private static Countdown? Sooner(Countdown? one, Countdown? other) => one is null || other?.End < one.End ? other : one;

    private void LetIn()
    {
        while (outside.First?.Value is { } next && HasRoom(next.Bytes))
        {
            outside.RemoveFirst();
            if (journal?.Failure is { } failure)
                FailStoring(next, failure);
            else
                Enter(next);
        }
    }

    // Goes through the queue only if at least one has expired since the last time.
    private void DropExpired()
    {
        if (!soonest!.HasRunOut)
            return;
        foreach (var message in Inside())
        {
            if (message.Expiry is { HasRunOut: true })
                DropExpired(message);
        }

        soonest = Inside().Select(message => message.Expiry).Aggregate(default(Countdown), Sooner);
    }

    private void MakeRoom(int bytes)
    {
        while ((!HasRoom(bytes) || outside.Count > 0) && (Peek(QualityOfService.AtMostOnce) ?? Peek(QualityOfService.AtLeastOnce)) is { } oldest)
        {
            Discard(oldest);
            Drop(oldest);
        }
    }

    private void Drop(OutgoingPublish message)
    {
        losses.On(message, MqttPublishLoss.QueueFull, "Too many messages wait to be sent.");
        message.Drop(new(ReasonCode.QuotaExceeded, "Too many messages wait to be sent."));
    }

    private void FailStoring(OutgoingPublish message, MqttStoreException error)
    {
        losses.On(message, MqttPublishLoss.StoreFailed, error.Message);
        message.Entry!.OnNotTaken(error);
        message.Fail(error);
    }

    private void Fail(OutgoingPublish message, Exception error)
    {
        Discard(message);
        losses.On(message, MqttPublishLoss.Offline, error.Message);
        message.Fail(error);
    }
}
