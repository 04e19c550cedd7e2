using System.Diagnostics.CodeAnalysis;
using Mqtt.Protocol.Channels;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Client;

/// <summary>
/// The messages that the client owes to the server, and the packet identifiers of all its requests: what is in flight, what waits
/// for the server's Receive Maximum, and what waits for room in the outbox. The session's lock guards it.
/// </summary>
/// <param name="bounds">How many messages wait at most.</param>
/// <param name="losses">Who is told of messages that are not published.</param>
/// <param name="journal">The store of what is owed: a packet leaves once it is safe there. Default: none, and packets leave at once.</param>
internal sealed class OutgoingMessages(MqttClientQueue bounds, PublishLosses losses, PublishJournal? journal)
{
    private readonly OutgoingFlights<Flight> flights = new(ushort.MaxValue);

    // What waits to be sent.
    private readonly OutgoingQueue queue = new(bounds, losses, journal);

    // What may leave when the store has it.
    private readonly Departures departures = new();

    /// <summary>True if a QoS 0 message must wait its turn.</summary>
    public bool HasWaitingAtQoS0 => queue.HasAtMostOnce;

    /// <summary>How many messages wait to be sent.</summary>
    public int QueuedCount => queue.Count;

    /// <summary>True if somebody may be waiting for an answer of the server, or for the server to read.</summary>
    public bool AwaitsServer => flights.Count > 0 || queue.Count > 0;

    /// <summary>True if an earlier process has left messages that it had sent: the session, if the server has it, is not unknown here.</summary>
    public bool HasEarlierFlights { get; private set; }

    /// <summary>Takes a message in, to be sent as soon as it may.</summary>
    /// <exception cref="MqttConnectionException">There is no room for it, and its policy is to fail.</exception>
    /// <exception cref="MqttStoreException">The store takes nothing at present.</exception>
    public void Add(OutgoingPublish message) => queue.Add(message);

    /// <summary>Takes in what an earlier process has left, in front of what waits, and stores what waits: the store is open.</summary>
    public void Restore(IReadOnlyList<(MqttStoredPublish Stored, OutgoingPublish Message)> earlier)
    {
        journal!.Begin([.. earlier.Select(one => one.Stored)]);
        foreach (var (stored, message) in earlier.Where(one => one.Stored.State != FlightState.None).OrderBy(one => one.Stored.Order))
        {
            flights.Restore(stored.PacketId, stored.State, message);
            HasEarlierFlights = true;
        }

        var newer = queue.Inside();
        queue.PutFirst(earlier.Where(one => one.Stored.State == FlightState.None).Select(one => one.Message));
        foreach (var message in newer)
            journal.Add(message);
    }

    /// <summary>The store does not open: nothing that was to be stored is in the queue.</summary>
    public void OnStoreNotOpened(MqttStoreException error) => queue.LoseAll(error);

    /// <summary>A message could not be stored. It has not left, for it would have left only afterwards.</summary>
    public void OnNotStored(OutgoingPublish message, MqttStoreException error)
    {
        if (!message.HasPacket)
            return; // It was withdrawn meanwhile.
        var packetId = message.Entry!.PacketId;
        if (flights.TryGet(packetId, out var state, out var flight) && flight == message)
            EndFlight(packetId, state);
        queue.Lose(message, error);
    }

    /// <summary>Nobody waits for a message any more. If it was not sent, it never will be.</summary>
    public void Cancel(OutgoingPublish message)
    {
        message.IsAbandoned = true;
        if (message.Place.List is null)
            return;
        queue.Discard(message);
        message.Release();
    }

    /// <summary>Takes back a message that waits for room in the queue; false if it is in the queue, or was.</summary>
    public bool TryWithdraw(OutgoingPublish message) => queue.TryWithdraw(message);

    /// <summary>An identifier for a SUBSCRIBE or UNSUBSCRIBE.</summary>
    /// <exception cref="InvalidOperationException">All are in use.</exception>
    public ushort Reserve(Flight request, long now)
    {
        if (!flights.TryReserve(request, out var packetId))
            throw new InvalidOperationException("All 65,535 packet identifiers are in use.");
        request.SentAt = now;
        return packetId;
    }

    /// <summary>Sends what waits, as far as the store, the server's window and the outbox let it: first what is sent again, then in order.</summary>
    public void Pump(MqttConn conn, Turn turn)
    {
        if (journal is not null)
            DepartWhatIsSafe(conn, turn);
        while (conn.HasRoom() && flights.TryNextResend(out var packetId, out var state, out var flight))
            SendAgain(conn, turn, packetId, state, (OutgoingPublish)flight!);
        while (TryPeek(QualityOfService.AtLeastOnce, conn, out var message) && conn.HasRoom(message.Bytes) && flights.TryBegin(message.QualityOfService, message, out var packetId))
            Send(conn, turn, message, packetId);
        while (TryPeek(QualityOfService.AtMostOnce, conn, out var message) && conn.HasRoom(message.Bytes))
            Send(conn, turn, message, 0);
    }

    /// <summary>Takes a PUBACK.</summary>
    public void OnPubAck(PubAckPacket packet)
    {
        var outcome = flights.OnPubAck(packet.PacketId, out var flight);
        ThrowIfWrong(outcome, packet);
        if (flight is OutgoingPublish message)
            Complete(message, ResultOf(packet));
    }

    /// <summary>Takes a PUBREC, and answers it with PUBREL where that is due [MQTT-4.3.3-4].</summary>
    public void OnPubRec(PubRecPacket packet, MqttConn conn, Turn turn)
    {
        var failed = packet.ReasonCode >= ReasonCode.UnspecifiedError;
        var isFirst = journal is not null && flights.StateOf(packet.PacketId) == FlightState.AwaitingPubRec;
        var outcome = flights.OnPubRec(packet.PacketId, failed, out var flight);
        ThrowIfWrong(outcome, packet);
        var message = flight as OutgoingPublish;
        if (outcome == FlightOutcome.Completed && message is not null)
        {
            Complete(message, ResultOf(packet));
            return;
        }

        if (message is not null)
        {
            message.OnReceived(ResultOf(packet), conn.Now);
            if (isFirst)
                journal!.SetState(message, FlightState.AwaitingPubComp, packet.PacketId);
            Depart(conn, turn, new(message, packet.PacketId, FlightState.AwaitingPubComp, message.Entry?.SafeAt ?? 0));
        }
        else if (outcome == FlightOutcome.Unknown && !failed)
        {
            conn.SendResponse(MqttPacketType.PubRel, packet.PacketId, ReasonCode.PacketIdentifierNotFound, turn);
        }
    }

    /// <summary>Takes a PUBCOMP.</summary>
    public void OnPubComp(PubCompPacket packet)
    {
        ThrowIfWrong(flights.OnPubComp(packet.PacketId, out var flight), packet);
        if (flight is OutgoingPublish message)
            Complete(message, message.Received);
    }

    /// <summary>Takes a SUBACK or UNSUBACK; the request that it answers.</summary>
    /// <exception cref="MqttProtocolException">There is no such request.</exception>
    public T OnAnswer<T>(ushort packetId)
        where T : Flight
    {
        // One that is answered with the wrong packet stays, and fails with the connection.
        if (!flights.TryGet(packetId, out _, out var flight) || flight is not T request)
            throw new MqttProtocolException(ReasonCode.ProtocolError, $"Nothing that was asked under the identifier {packetId} has this answer.");
        flights.OnAnswer(packetId, out _);
        return request;
    }

    /// <summary>Takes the answer to a request that the application itself has made; false if it answers none.</summary>
    public bool TryTakeRaw(ushort packetId, MqttPacketType answerType, [NotNullWhen(true)] out RawFlight? request)
    {
        flights.TryGet(packetId, out _, out var flight);
        request = flight as RawFlight;
        return request?.AnswerType == answerType && flights.OnAnswer(packetId, out _) == FlightOutcome.Completed;
    }

    /// <summary>A new connection resumes the session: what is unacknowledged is sent again.</summary>
    public void Resume(int receiveMaximum)
    {
        foreach (var message in InFlight())
            message.SentAt = Flight.NotSent;
        flights.Reconnect(receiveMaximum);
    }

    /// <summary>
    /// A new connection has a new session: what is unacknowledged at QoS 1 and still awaited, or stored, goes out anew, before what waits; at
    /// QoS 2 nobody can know what became of it, unless it never left.
    /// </summary>
    public void StartAnew(int receiveMaximum)
    {
        var inFlight = InFlight().ToArray();
        flights.Clear();
        flights.Window = receiveMaximum;
        var again = new List<OutgoingPublish>();
        foreach (var message in inFlight)
        {
            if (!MayGoAnew(message))
            {
                FailUnknown(message);
                continue;
            }

            journal?.SetState(message, FlightState.None, 0);
            message.WasSent = false;
            again.Add(message);
        }

        queue.PutFirst(again);
    }

    /// <summary>The connection ended. Messages stay owed, but those that are not to wait for another; requests are handed back, to be made again.</summary>
    public IEnumerable<Flight> Suspend(Exception error)
    {
        var unanswered = flights.Flights().Where(flight => flight.State == FlightState.AwaitingAnswer).ToArray();
        foreach (var (packetId, _, _) in unanswered)
            flights.OnAnswer(packetId, out _);
        PutBackWhatHasNotLeft();
        queue.Fail(error, MqttQueuePolicy.FailOffline);
        return unanswered.Select(flight => flight.Message);
    }

    /// <summary>There will be no connection: whoever waits is told. What was sent stays owed; what was never sent does so if it is stored, else it is forgotten.</summary>
    public void GiveUp(Exception error)
    {
        queue.GiveUp(error);
        foreach (var message in InFlight())
            message.Abandon(error);
    }

    /// <summary>The client is gone: nothing is owed any more, but what is stored, by the next one.</summary>
    public void Dispose(Exception error)
    {
        queue.Dispose(error);
        departures.Clear();
        foreach (var message in InFlight().ToArray())
            message.Fail(error);
        flights.Clear();
    }

    /// <summary>True if something that was sent before <paramref name="limit"/> on this connection has no answer.</summary>
    public bool HasOlderThan(long limit) => flights.Flights().Any(flight => flight.Message.SentAt < limit);

    /// <summary>A PUBREL, PUBACK or the like whose identifier is in flight for something else breaks the protocol; one that is unknown does not.</summary>
    private static void ThrowIfWrong(FlightOutcome outcome, PublishResponsePacket packet)
    {
        if (outcome == FlightOutcome.WrongKind)
            throw new MqttProtocolException(ReasonCode.ProtocolError, $"{packet.Type} for {packet.PacketId} does not fit what was sent.");
    }

    private static MqttPublishResult ResultOf(PublishResponsePacket packet) => packet.Properties.IsEmpty
        ? new(packet.ReasonCode)
        : new(packet.ReasonCode, packet.ReasonString?.ToString()) { UserProperties = packet.Properties.ToOwned().UserProperties };

    private void Complete(OutgoingPublish message, in MqttPublishResult result)
    {
        journal?.Remove(message);
        if (!result.IsSuccess)
            losses.On(message, MqttPublishLoss.Refused, result.ReasonString ?? $"{result.ReasonCode}");
        message.Complete(result);
    }

    private void Send(MqttConn conn, Turn turn, OutgoingPublish message, ushort packetId)
    {
        queue.Remove(message);
        var state = message.QualityOfService switch
        {
            QualityOfService.AtMostOnce => FlightState.None,
            QualityOfService.AtLeastOnce => FlightState.AwaitingPubAck,
            _ => FlightState.AwaitingPubRec,
        };

        // At QoS 0 it is gone from the store before it leaves: it must not come twice.
        if (state == FlightState.None)
            journal?.Remove(message);
        else
            journal?.SetState(message, state, packetId);
        Depart(conn, turn, new(message, packetId, state, message.Entry?.SafeAt ?? 0));
    }

    private void SendAgain(MqttConn conn, Turn turn, ushort packetId, FlightState state, OutgoingPublish message)
    {
        if (state != FlightState.AwaitingPubComp && message.Refusal(conn.Accepted!) is { } refusal)
        {
            // The identifier is free again, as if the server had refused the message.
            EndFlight(packetId, state);
            journal?.Remove(message);
            Refuse(message, refusal);
            return;
        }

        Depart(conn, turn, new(message, packetId, state, message.Entry?.SafeAt ?? 0));
    }

    // Sends a packet, or lets it wait for the store, and behind what waits for it already.
    private void Depart(MqttConn conn, Turn turn, in Departures.Departure departure)
    {
        if (journal is null)
        {
            Transmit(conn, turn, departure);
            return;
        }

        departures.Add(departure);
        DepartWhatIsSafe(conn, turn);
    }

    private void DepartWhatIsSafe(MqttConn conn, Turn turn)
    {
        while (departures.TryPeek(journal!.SafePosition, out var next) && (next.Value.State == FlightState.AwaitingPubComp || conn.HasRoom(next.Value.Message.Bytes)))
        {
            departures.Remove();
            if (IsDue(next.Value))
                Transmit(conn, turn, next.Value);
        }
    }

    // A server that answers what it was not sent yet is not sent it any more.
    private bool IsDue(in Departures.Departure departure) => departure.PacketId == 0 ? departure.Message.HasPacket
        : flights.TryGet(departure.PacketId, out var state, out var flight) && flight == departure.Message && state == departure.State;

    private static void Transmit(MqttConn conn, Turn turn, in Departures.Departure departure)
    {
        var (message, packetId, state, _) = departure;
        var isAgain = message.WasSent;
        message.OnSent(conn.Now);
        if (state == FlightState.AwaitingPubComp)
            conn.SendResponse(MqttPacketType.PubRel, packetId, ReasonCode.Success, turn);
        else if (isAgain)
            conn.SendPublishAgain(message.Frame(packetId, duplicate: true), turn); // With the full topic: an alias of an earlier connection means nothing on this one.
        else
            conn.SendPublish(message.Topic, message.Frame(packetId, duplicate: false), turn);
        if (state == FlightState.None)
            message.Complete(default);
    }

    // A message whose PUBLISH waits for the store is in flight, and is sent again as such; but for QoS 0, which waits again as if nothing had been.
    private void PutBackWhatHasNotLeft()
    {
        var unsent = departures.Clear().Where(departure => departure.PacketId == 0).Select(departure => departure.Message).ToArray();
        queue.PutFirst(unsent);
        foreach (var message in unsent)
            journal!.Add(message);
    }

    private bool MayGoAnew(OutgoingPublish message) => message.QualityOfService == QualityOfService.AtLeastOnce
        ? !message.IsAbandoned || journal is not null
        : !message.WasSent;

    private void FailUnknown(OutgoingPublish message)
    {
        const string reason = "The server has lost the session: the outcome of this message is unknown.";
        journal?.Remove(message);
        losses.On(message, MqttPublishLoss.OutcomeUnknown, reason);
        message.Fail(new MqttConnectionException(reason));
    }

    private void Refuse(OutgoingPublish message, MqttRefusedException refusal)
    {
        losses.On(message, MqttPublishLoss.Refused, refusal.Message);
        message.Fail(refusal);
    }

    private void EndFlight(ushort packetId, FlightState state)
    {
        if (state == FlightState.AwaitingPubAck)
            flights.OnPubAck(packetId, out _);
        else
            flights.OnPubRec(packetId, failed: true, out _);
    }

    // What is of no use any more, or what this server does not take, is passed over.
    private bool TryPeek(QualityOfService line, MqttConn conn, [NotNullWhen(true)] out OutgoingPublish? message)
    {
        while ((message = queue.Peek(line)) is not null)
        {
            if (message.Expiry is { HasRunOut: true })
            {
                queue.DropExpired(message);
            }
            else if (message.Refusal(conn.Accepted!) is { } refusal)
            {
                queue.Discard(message);
                Refuse(message, refusal);
            }
            else
            {
                return true;
            }
        }

        return false;
    }

    private IEnumerable<OutgoingPublish> InFlight() => flights.Flights().Select(flight => flight.Message).OfType<OutgoingPublish>();
}
