namespace Mqtt.Client;

/// <summary>
/// Messages that wait to be sent, within bounds, and beyond them those whose policy is to wait for room. QoS 0 has a line of its own, since no window
/// holds it back. The session's lock guards it.
/// </summary>
internal sealed class OutgoingQueue(MqttClientQueue bounds)
{
    private readonly LinkedList<OutgoingPublish> acknowledged = new();
    private readonly LinkedList<OutgoingPublish> atMostOnce = new();

    // In the order in which they came; they count for nothing until they are let in.
    private readonly LinkedList<OutgoingPublish> outside = new();

    /// <summary>How many messages wait, within the bounds or outside.</summary>
    public int Count => acknowledged.Count + atMostOnce.Count + outside.Count;

    /// <summary>How many bytes count for the bound.</summary>
    public long Bytes { get; private set; }

    /// <summary>How many messages were dropped.</summary>
    public long DroppedCount { get; private set; }

    /// <summary>True if a QoS 0 message must wait its turn.</summary>
    public bool HasAtMostOnce => atMostOnce.Count > 0 || outside.Count > 0;

    /// <summary>Takes a message in, or does with it what its policy says.</summary>
    /// <exception cref="MqttConnectionException">There is no room, and the policy is to fail.</exception>
    public void Add(OutgoingPublish message)
    {
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

    /// <summary>Puts messages that were sent before all others that wait, in this order and whatever the bounds say.</summary>
    public void PutFirst(IEnumerable<OutgoingPublish> messages)
    {
        foreach (var message in messages.Reverse())
        {
            acknowledged.AddFirst(message.Place);
            Bytes += message.Bytes;
        }
    }

    /// <summary>Fails every message that waits, or those with this policy.</summary>
    public void Fail(Exception error, MqttQueuePolicy? only = null)
    {
        foreach (var message in (OutgoingPublish[])[.. acknowledged, .. atMostOnce, .. outside])
        {
            if (only is not null && message.Policy != only)
                continue;
            Remove(message);
            message.Fail(error);
        }
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
        Bytes += message.Bytes;
    }

    private void LetIn()
    {
        while (outside.First?.Value is { } next && HasRoom(next.Bytes))
        {
            outside.RemoveFirst();
            Enter(next);
        }
    }

    private void MakeRoom(int bytes)
    {
        while ((!HasRoom(bytes) || outside.Count > 0) && (Peek(QualityOfService.AtMostOnce) ?? Peek(QualityOfService.AtLeastOnce)) is { } oldest)
        {
            Remove(oldest);
            Drop(oldest);
        }
    }

    private void Drop(OutgoingPublish message)
    {
        DroppedCount++;
        message.Complete(new(ReasonCode.QuotaExceeded, "Too many messages wait to be sent."));
    }
}
