namespace Mqtt.Protocol.Delivery;

/// <summary>How far a packet that was sent under a packet identifier has come.</summary>
public enum FlightState : byte
{
    /// <summary>The identifier is free.</summary>
    None,

    /// <summary>A QoS 1 PUBLISH waits for PUBACK.</summary>
    AwaitingPubAck,

    /// <summary>A QoS 2 PUBLISH waits for PUBREC.</summary>
    AwaitingPubRec,

    /// <summary>A PUBREL waits for PUBCOMP.</summary>
    AwaitingPubComp,

    /// <summary>A SUBSCRIBE or UNSUBSCRIBE waits for its answer.</summary>
    AwaitingAnswer,
}

/// <summary>What an acknowledgement means to the sender of the message.</summary>
public enum FlightOutcome : byte
{
    /// <summary>The delivery is complete; the identifier is free again.</summary>
    Completed,

    /// <summary>PUBREC: send PUBREL, now or once more.</summary>
    Release,

    /// <summary>Nothing is in flight under this identifier.</summary>
    Unknown,

    /// <summary>The identifier is in flight, but waits for another kind of acknowledgement: a protocol error.</summary>
    WrongKind,
}

/// <summary>
/// The sender's side of QoS 1 and 2 (sections 4.3.2, 4.3.3, 4.4 and 4.9): gives out packet identifiers, remembers what is in
/// flight under each, keeps the Receive Maximum of the other side, and says what must be sent again after a reconnect.
/// Plain rules: no I/O, no clock; its owner's lock guards it.
/// </summary>
/// <remarks>
/// Identifiers go round, so that slot <c>id mod size</c> of a table twice the number in flight is nearly always free; an
/// identifier whose slot is taken by an older one is passed over. Finding, adding and removing cost no allocation.
/// </remarks>
/// <typeparam name="T">What the owner keeps for a packet in flight.</typeparam>
public sealed class OutgoingFlights<T>
{
    private const int MaximumSlots = 65_536;

    private Slot[] slots = [];
    private int used;
    private ushort lastId;
    private long lastOrder;
    private int window;

    // Identifiers to be sent again on this connection, oldest first, and how far that has come.
    private ushort[] resends = [];
    private int nextResend;

    /// <summary>Creates the table.</summary>
    /// <param name="window">The Receive Maximum of the other side, 1 to 65,535.</param>
    public OutgoingFlights(int window) => Window = window;

    /// <summary>How many QoS 1 and 2 messages may be unacknowledged at once on this connection.</summary>
    public int Window
    {
        get => window;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 65_535);
            window = value;
        }
    }

    /// <summary>How many identifiers are in use.</summary>
    public int Count => used;

    /// <summary>How many of them count against the window: PUBLISH packets sent on this connection and not acknowledged.</summary>
    public int Unacknowledged { get; private set; }

    /// <summary>True while packets of an earlier connection wait to be sent again; new messages come after them.</summary>
    public bool HasResends => nextResend < resends.Length;

    /// <summary>True if a new message may be sent now [MQTT-4.9.0-2].</summary>
    public bool HasRoom => Unacknowledged < window && !HasResends && used < ushort.MaxValue;

    /// <summary>Takes a message in flight under an identifier that is not in use [MQTT-2.2.1-3] [MQTT-2.2.1-4]; false if the window is used up.</summary>
    public bool TryBegin(QualityOfService qualityOfService, T message, out ushort packetId)
    {
        packetId = 0;
        if (!HasRoom)
            return false;
        var state = qualityOfService == QualityOfService.ExactlyOnce ? FlightState.AwaitingPubRec : FlightState.AwaitingPubAck;
        packetId = Add(state, message, counted: true);
        return true;
    }

    /// <summary>Takes an identifier for a SUBSCRIBE or UNSUBSCRIBE, which no window bounds; false if all 65,535 are in use.</summary>
    public bool TryReserve(T owner, out ushort packetId)
    {
        packetId = 0;
        if (used == ushort.MaxValue)
            return false;
        packetId = Add(FlightState.AwaitingAnswer, owner, counted: false);
        return true;
    }

    /// <summary>Puts a flight of a stored session back under its old identifier, in the order of the calls; it is sent again after <see cref="Reconnect"/>.</summary>
    /// <exception cref="ArgumentException">The identifier is 0 or in use.</exception>
    public void Restore(ushort packetId, FlightState state, T message)
    {
        if (packetId == 0 || Find(packetId) >= 0)
            throw new ArgumentException($"Packet identifier {packetId} is in use.", nameof(packetId));
        EnsureSlots(used + 1);
        while (slots[packetId & (slots.Length - 1)].State != FlightState.None)
            Resize(slots.Length * 2);
        Put(packetId, state, message, counted: false);
        lastId = packetId;
    }

    /// <summary>The state of an identifier.</summary>
    public FlightState StateOf(ushort packetId) => Find(packetId) is >= 0 and var index ? slots[index].State : FlightState.None;

    /// <summary>What is in flight under an identifier; false if nothing is.</summary>
    public bool TryGet(ushort packetId, out FlightState state, out T? message)
    {
        var index = Find(packetId);
        (state, message) = index < 0 ? (FlightState.None, default) : (slots[index].State, slots[index].Message);
        return index >= 0;
    }

    /// <summary>Changes what the owner keeps for an identifier in flight.</summary>
    /// <exception cref="ArgumentException">Nothing is in flight under it.</exception>
    public void Replace(ushort packetId, T message)
    {
        var index = Find(packetId);
        if (index < 0)
            throw new ArgumentException($"Packet identifier {packetId} is not in flight.", nameof(packetId));
        slots[index].Message = message;
    }

    /// <summary>Takes a PUBACK.</summary>
    public FlightOutcome OnPubAck(ushort packetId, out T? message) => Finish(packetId, FlightState.AwaitingPubAck, out message);

    /// <summary>
    /// Takes a PUBREC. One that failed completes the delivery [MQTT-4.4.0-2]; else PUBREL is due [MQTT-4.3.3-4], also if it
    /// was due before, and PUBLISH is never sent again [MQTT-4.3.3-6]. What the owner keeps stays in the table until the delivery is
    /// complete; <see cref="Replace"/> lets it keep less from here on.
    /// </summary>
    public FlightOutcome OnPubRec(ushort packetId, bool failed, out T? message)
    {
        message = default;
        var index = Find(packetId);
        if (index < 0)
            return FlightOutcome.Unknown;
        ref var slot = ref slots[index];
        if (slot.State is not (FlightState.AwaitingPubRec or FlightState.AwaitingPubComp))
            return FlightOutcome.WrongKind;
        if (failed)
            return Finish(packetId, slot.State, out message);
        message = slot.Message;
        if (slot.State == FlightState.AwaitingPubRec)
        {
            slot.State = FlightState.AwaitingPubComp;
            slot.Order = ++lastOrder;
        }

        return FlightOutcome.Release;
    }

    /// <summary>Takes a PUBCOMP.</summary>
    public FlightOutcome OnPubComp(ushort packetId, out T? message) => Finish(packetId, FlightState.AwaitingPubComp, out message);

    /// <summary>Takes a SUBACK or UNSUBACK.</summary>
    public FlightOutcome OnAnswer(ushort packetId, out T? owner) => Finish(packetId, FlightState.AwaitingAnswer, out owner);

    /// <summary>
    /// A new connection of the same session: the window starts anew, and what is unacknowledged is to be sent again under the old
    /// identifiers [MQTT-4.4.0-1]: first every PUBREL in the order of the PUBRECs [MQTT-4.6.0-4], since no window holds one back and
    /// none may come after a PUBREL that this connection asks for; then every PUBLISH in the old order [MQTT-4.6.0-1].
    /// </summary>
    public void Reconnect(int newWindow)
    {
        Window = newWindow;
        Unacknowledged = 0;
        nextResend = 0;
        resends = used == 0 ? [] : Unfinished();
        foreach (ref var slot in slots.AsSpan())
            slot.Counted = false;
    }

    /// <summary>
    /// The next packet to send again, if the window lets it: PUBLISH with DUP in the first two states, PUBREL in
    /// <see cref="FlightState.AwaitingPubComp"/>, which no window bounds.
    /// </summary>
    public bool TryNextResend(out ushort packetId, out FlightState state, out T? message)
    {
        for (; nextResend < resends.Length; nextResend++)
        {
            packetId = resends[nextResend];
            // What was completed meanwhile is not sent again, nor whatever uses its identifier now.
            var index = Find(packetId);
            if (index < 0 || slots[index].State == FlightState.AwaitingAnswer)
                continue;
            ref var slot = ref slots[index];
            if (slot.State != FlightState.AwaitingPubComp)
            {
                if (Unacknowledged >= window)
                    break;
                slot.Counted = true;
                Unacknowledged++;
            }

            nextResend++;
            (state, message) = (slot.State, slot.Message);
            return true;
        }

        (packetId, state, message) = (0, FlightState.None, default);
        return false;
    }

    /// <summary>All that is in flight, oldest first.</summary>
    public IReadOnlyList<(ushort PacketId, FlightState State, T Message)> Flights() =>
        [.. slots.Where(slot => slot.State != FlightState.None).OrderBy(slot => slot.Order).Select(slot => (slot.PacketId, slot.State, slot.Message))];

    /// <summary>How many flights have begun a stage so far: a mark for <see cref="FlightsUntil"/>.</summary>
    public long LastOrder => lastOrder;

    /// <summary>What began its present stage when <see cref="LastOrder"/> was no larger than this, and is still in flight; oldest first.</summary>
    public IReadOnlyList<(ushort PacketId, FlightState State, T Message)> FlightsUntil(long order) =>
        [.. slots.Where(slot => slot.State != FlightState.None && slot.Order <= order).OrderBy(slot => slot.Order).Select(slot => (slot.PacketId, slot.State, slot.Message))];

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        slots = [];
        resends = [];
        used = nextResend = Unacknowledged = 0;
    }

    private ushort[] Unfinished() =>
    [
        .. Flights()
            .Where(flight => flight.State != FlightState.AwaitingAnswer)
            .OrderBy(flight => flight.State == FlightState.AwaitingPubComp ? 0 : 1)
            .Select(flight => flight.PacketId),
    ];

    private FlightOutcome Finish(ushort packetId, FlightState expected, out T? message)
    {
        message = default;
        var index = Find(packetId);
        if (index < 0)
            return FlightOutcome.Unknown;
        ref var slot = ref slots[index];
        if (slot.State != expected)
            return FlightOutcome.WrongKind;
        message = slot.Message;
        if (slot.Counted)
            Unacknowledged--;
        slot = default;
        used--;
        return FlightOutcome.Completed;
    }

    private ushort Add(FlightState state, T message, bool counted)
    {
        EnsureSlots(used + 1);
        do
            lastId = lastId == ushort.MaxValue ? (ushort)1 : (ushort)(lastId + 1);
        while (slots[lastId & (slots.Length - 1)].State != FlightState.None);
        Put(lastId, state, message, counted);
        return lastId;
    }

    private void Put(ushort packetId, FlightState state, T message, bool counted)
    {
        slots[packetId & (slots.Length - 1)] = new Slot { PacketId = packetId, State = state, Counted = counted, Order = ++lastOrder, Message = message };
        used++;
        if (counted)
            Unacknowledged++;
    }

    private int Find(ushort packetId)
    {
        if (slots.Length == 0)
            return -1;
        var index = packetId & (slots.Length - 1);
        return slots[index].PacketId == packetId && slots[index].State != FlightState.None ? index : -1;
    }

    // At most half full, so that a free slot is near; at full size every identifier has a slot of its own.
    private void EnsureSlots(int wanted)
    {
        if (wanted * 2 > slots.Length && slots.Length < MaximumSlots)
            Resize(Math.Max(16, slots.Length * 2));
    }

    // Twice the slots never bring two identifiers together that were apart.
    private void Resize(int size)
    {
        var old = slots;
        slots = new Slot[size];
        foreach (ref readonly var slot in old.AsSpan())
        {
            if (slot.State != FlightState.None)
                slots[slot.PacketId & (size - 1)] = slot;
        }
    }

    private struct Slot
    {
        public ushort PacketId;
        public FlightState State;
        public bool Counted;
        public long Order;
        public T Message;
    }
}
