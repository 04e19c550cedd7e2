namespace Mqtt.Protocol.Delivery;

/// <summary>What a PUBLISH of QoS 1 or 2 means to its receiver.</summary>
public enum ArrivalOutcome : byte
{
    /// <summary>A new message: take ownership and acknowledge it.</summary>
    New,

    /// <summary>A QoS 2 message that was received before and not released: acknowledge it again, and do nothing else [MQTT-4.3.3-10].</summary>
    Duplicate,

    /// <summary>One more than the Receive Maximum that this side gave: a protocol error, 0x93.</summary>
    QuotaExceeded,
}

/// <summary>
/// The receiver's side of QoS 1 and 2 (sections 4.3.2, 4.3.3 and 4.9): the QoS 2 identifiers that were received and not released,
/// and how much of the Receive Maximum that this side gave is used. Plain rules: no I/O, no clock; its owner's lock guards it.
/// </summary>
public sealed class IncomingFlights
{
    // Received and not completed, QoS 2; true if it counts on this connection.
    private Dictionary<ushort, bool>? received;
    private int unacknowledged;
    private int counted;

    /// <summary>Creates the rules.</summary>
    /// <param name="receiveMaximum">The Receive Maximum that this side gave, 1 to 65,535.</param>
    public IncomingFlights(int receiveMaximum)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(receiveMaximum, 1);
        ReceiveMaximum = receiveMaximum;
    }

    /// <summary>The Receive Maximum that this side gave.</summary>
    public int ReceiveMaximum { get; set; }

    /// <summary>The QoS 2 identifiers that were received and not completed.</summary>
    public IReadOnlyCollection<ushort> PacketIds => received is null ? [] : received.Keys;

    /// <summary>How much of the Receive Maximum is used.</summary>
    public int Unacknowledged => unacknowledged + counted;

    /// <summary>True if a QoS 2 message with this identifier was received and not completed.</summary>
    public bool Contains(ushort packetId) => received is not null && received.ContainsKey(packetId);

    /// <summary>Takes a PUBLISH of QoS 1 or 2.</summary>
    public ArrivalOutcome OnPublish(QualityOfService qualityOfService, ushort packetId)
    {
        if (qualityOfService == QualityOfService.AtLeastOnce)
        {
            // After its PUBACK the same identifier is a new message, whatever DUP says [MQTT-4.3.2-5].
            if (Unacknowledged >= ReceiveMaximum)
                return ArrivalOutcome.QuotaExceeded;
            unacknowledged++;
            return ArrivalOutcome.New;
        }

        received ??= [];
        if (received.TryGetValue(packetId, out var counts))
            return counts || Count(packetId) ? ArrivalOutcome.Duplicate : ArrivalOutcome.QuotaExceeded;
        return Count(packetId) ? ArrivalOutcome.New : ArrivalOutcome.QuotaExceeded;
    }

    /// <summary>The PUBACK of a QoS 1 message leaves.</summary>
    public void OnPubAckSent() => unacknowledged = Math.Max(0, unacknowledged - 1);

    /// <summary>A PUBREC that refuses leaves: the identifier is free, and the next PUBLISH with it a new message [MQTT-4.3.3-9].</summary>
    public void OnRefused(ushort packetId) => Remove(packetId);

    /// <summary>Takes a PUBREL: true if the identifier was known. Either way PUBCOMP is the answer; afterwards the identifier means a new message [MQTT-4.3.3-12].</summary>
    public bool OnPubRel(ushort packetId) => Remove(packetId);

    /// <summary>Puts an identifier of a stored session back.</summary>
    public void Restore(ushort packetId) => (received ??= [])[packetId] = false;

    /// <summary>A new connection of the same session: the identifiers stay, the count starts anew.</summary>
    public void Reconnect(int receiveMaximum)
    {
        ReceiveMaximum = receiveMaximum;
        unacknowledged = counted = 0;
        if (received is null)
            return;
        foreach (var packetId in received.Keys.ToArray())
            received[packetId] = false;
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        received = null;
        unacknowledged = counted = 0;
    }

    private bool Count(ushort packetId)
    {
        if (Unacknowledged >= ReceiveMaximum)
            return false;
        received![packetId] = true;
        counted++;
        return true;
    }

    private bool Remove(ushort packetId)
    {
        if (received is null || !received.Remove(packetId, out var counts))
            return false;
        if (counts)
            counted--;
        return true;
    }
}
