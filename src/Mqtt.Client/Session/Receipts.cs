using Mqtt.Protocol.Delivery;

namespace Mqtt.Client;

/// <summary>
/// What is owed to the server for messages that it delivered: one PUBACK or PUBREC each, once every stream and handler that got
/// the message is done with it, in the order of arrival [MQTT-4.6.0-2] [MQTT-4.6.0-3]. The session's lock guards it.
/// <para>
/// A QoS 1 message that is unacknowledged when the connection ends is forgotten: the server sends it again, and it counts as new. A
/// QoS 2 message is remembered, so that its second delivery is not handed out while somebody still holds the first.
/// </para>
/// </summary>
internal sealed class Receipts
{
    private readonly IncomingFlights flights = new(ushort.MaxValue);

    // What arrived on this connection and is not acknowledged: numbers from first on, up to next; a ring of a power of two.
    private Entry[] entries = new Entry[16];
    private long first;
    private long next;

    // QoS 2 messages that somebody still holds, from this connection or an earlier one.
    private readonly Dictionary<ushort, Held> held = [];

    // Which life of the session this is, and which connection.
    private int session;
    private int connection;

    /// <summary>A new connection. If the session is resumed, the QoS 2 identifiers stay; else everything is forgotten.</summary>
    public void Reconnect(bool resumed, int receiveMaximum)
    {
        first = next = 0;
        connection++;
        flights.Reconnect(receiveMaximum);
        if (!resumed)
        {
            session++;
            flights.Clear();
            held.Clear();
        }

        foreach (var packetId in held.Keys.ToArray())
            held[packetId] = held[packetId] with { Sequence = -1 };
    }

    /// <summary>Takes a PUBLISH of QoS 1 or 2; true if it is a new message, to be handed out with the receipt.</summary>
    /// <exception cref="MqttProtocolException">0x93: more than the Receive Maximum.</exception>
    public bool OnPublish(PublishPacket packet, int holders, out Receipt receipt)
    {
        var outcome = flights.OnPublish(packet.QualityOfService, packet.PacketId);
        if (outcome == ArrivalOutcome.QuotaExceeded)
            throw new MqttProtocolException(ReasonCode.ReceiveMaximumExceeded, $"More than {flights.ReceiveMaximum} messages are unacknowledged.");
        if (packet.QualityOfService == QualityOfService.ExactlyOnce)
            return OnPublishOfQoS2(packet.PacketId, outcome, holders, out receipt);

        receipt = new(packet.QualityOfService, packet.PacketId, session, connection, Enter(new(packet.PacketId, packet.QualityOfService, holders)));
        return true;
    }

    /// <summary>
    /// One stream or handler is done with a message. Without a reason code it is to stay unacknowledged: it comes again on the next
    /// connection that resumes the session, as a new message.
    /// </summary>
    public void OnDone(in Receipt receipt, ReasonCode? reasonCode)
    {
        if (receipt.QualityOfService == QualityOfService.ExactlyOnce)
            OnDoneWithQoS2(receipt, reasonCode);
        else if (receipt.Connection == connection)
            Finish(receipt.Sequence, reasonCode);
    }

    /// <summary>The next acknowledgement that may leave.</summary>
    public bool TryNext(out QualityOfService qualityOfService, out ushort packetId, out ReasonCode reasonCode)
    {
        while (HasNext)
        {
            ref var entry = ref At(first++);
            (qualityOfService, packetId, reasonCode) = (entry.QualityOfService, entry.PacketId, entry.ReasonCode.GetValueOrDefault());
            if (entry.ReasonCode is null)
                continue;
            if (qualityOfService == QualityOfService.AtLeastOnce)
                flights.OnPubAckSent();
            return true;
        }

        (qualityOfService, packetId, reasonCode) = (default, 0, default);
        return false;
    }

    /// <summary>True if the oldest message is done with.</summary>
    public bool HasNext => first != next && At(first).Holders == 0;

    /// <summary>Takes a PUBREL; true if the identifier was known.</summary>
    /// <exception cref="MqttProtocolException">0x82: its PUBREC has not been sent.</exception>
    public bool OnPubRel(ushort packetId)
    {
        if (held.ContainsKey(packetId))
            throw new MqttProtocolException(ReasonCode.ProtocolError, $"PUBREL for {packetId} came before its PUBREC was sent.");
        return flights.OnPubRel(packetId);
    }

    private bool OnPublishOfQoS2(ushort packetId, ArrivalOutcome outcome, int holders, out Receipt receipt)
    {
        var isNew = outcome == ArrivalOutcome.New;
        if (isNew)
            held[packetId] = new(Math.Max(holders, 1), ReasonCode.Success, Enter(new(packetId, QualityOfService.ExactlyOnce, 1)));
        else if (!held.TryGetValue(packetId, out var earlier))
            Enter(new(packetId, QualityOfService.ExactlyOnce, 0)); // PUBREC was sent, perhaps in vain: once more [MQTT-4.3.3-10].
        else if (earlier.Sequence < 0)
            held[packetId] = earlier with { Sequence = Enter(new(packetId, QualityOfService.ExactlyOnce, 1)) };

        receipt = new(QualityOfService.ExactlyOnce, packetId, session, connection, Sequence: 0);
        if (isNew && holders == 0)
            OnDoneWithQoS2(receipt, ReasonCode.Success);
        return isNew;
    }

    private void OnDoneWithQoS2(in Receipt receipt, ReasonCode? reasonCode)
    {
        if (receipt.Session != session || !held.TryGetValue(receipt.PacketId, out var message))
            return;
        message = message with { Holders = message.Holders - 1, ReasonCode = Worse(message.ReasonCode, reasonCode) };
        held[receipt.PacketId] = message;
        if (message.Holders > 0)
            return;
        held.Remove(receipt.PacketId);
        if (message.ReasonCode is null or >= ReasonCode.UnspecifiedError)
            flights.OnRefused(receipt.PacketId);
        if (message.Sequence >= 0)
            Finish(message.Sequence, message.ReasonCode);
    }

    private long Enter(in Entry entry)
    {
        if (next - first == entries.Length)
            Grow();
        At(next) = entry;
        return next++;
    }

    private void Finish(long sequence, ReasonCode? reasonCode)
    {
        ref var entry = ref At(sequence);
        entry.Holders--;
        entry.ReasonCode = Worse(entry.ReasonCode, reasonCode);
    }

    private ref Entry At(long sequence) => ref entries[sequence & (entries.Length - 1)];

    private void Grow()
    {
        var old = entries;
        entries = new Entry[old.Length * 2];
        for (var sequence = first; sequence < next; sequence++)
            At(sequence) = old[sequence & (old.Length - 1)];
    }

    // Nothing at all is the worst.
    private static ReasonCode? Worse(ReasonCode? one, ReasonCode? other) => one is null || other is null ? null : one > other ? one : other;

    private struct Entry(ushort packetId, QualityOfService qualityOfService, int holders)
    {
        public readonly ushort PacketId = packetId;
        public readonly QualityOfService QualityOfService = qualityOfService;
        public int Holders = holders;
        public ReasonCode? ReasonCode = Mqtt.Protocol.ReasonCode.Success;
    }

    /// <summary>A QoS 2 message in somebody's hands.</summary>
    /// <param name="Holders">How many streams and handlers are not done.</param>
    /// <param name="ReasonCode">The worst that one of them said.</param>
    /// <param name="Sequence">Its place in the order of this connection; -1 if it has not come on this one.</param>
    private readonly record struct Held(int Holders, ReasonCode? ReasonCode, long Sequence);
}
