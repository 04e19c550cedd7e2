using System.Diagnostics.CodeAnalysis;
using Mqtt.Protocol.Channels;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Client;

/// <summary>
/// The messages that the client owes to the server, and the packet identifiers of all its requests: what is in flight, what waits
/// for the server's Receive Maximum, and what waits for room in the outbox. The session's lock guards it.
/// </summary>
internal sealed class OutgoingMessages(MqttClientQueue bounds)
{
    private readonly OutgoingFlights<Flight> flights = new(ushort.MaxValue);

    // What waits to be sent.
    private readonly OutgoingQueue queue = new(bounds);

    /// <summary>True if a QoS 0 message must wait its turn.</summary>
    public bool HasWaitingAtQoS0 => queue.HasAtMostOnce;

    /// <summary>How many messages wait to be sent.</summary>
    public int QueuedCount => queue.Count;

    /// <summary>How many messages were dropped because too many waited.</summary>
    public long DroppedCount => queue.DroppedCount;

    /// <summary>Takes a message in, to be sent as soon as it may.</summary>
    /// <exception cref="MqttConnectionException">There is no room for it, and its policy is to fail.</exception>
    public void Add(OutgoingPublish message) => queue.Add(message);

    /// <summary>Nobody waits for a message any more. If it was not sent, it never will be.</summary>
    public void Cancel(OutgoingPublish message)
    {
        message.IsAbandoned = true;
        if (message.Place.List is null)
            return;
        queue.Remove(message);
        message.Release();
    }

    /// <summary>An identifier for a SUBSCRIBE or UNSUBSCRIBE.</summary>
    /// <exception cref="InvalidOperationException">All are in use.</exception>
    public ushort Reserve(Flight request, long now)
    {
        if (!flights.TryReserve(request, out var packetId))
            throw new InvalidOperationException("All 65,535 packet identifiers are in use.");
        request.SentAt = now;
        return packetId;
    }

    /// <summary>Sends what waits, as far as the server's window and the outbox let it: first what is sent again, then in order.</summary>
    public void Pump(MqttConn conn, Turn turn)
    {
        while (conn.HasRoom() && flights.TryNextResend(out var packetId, out var state, out var flight))
            SendAgain(conn, turn, packetId, state, (OutgoingPublish)flight!);
        while (TryPeek(QualityOfService.AtLeastOnce, conn, out var message) && conn.HasRoom(message.Bytes) && flights.TryBegin(message.QualityOfService, message, out var packetId))
            Send(conn, turn, message, packetId);
        while (TryPeek(QualityOfService.AtMostOnce, conn, out var message) && conn.HasRoom(message.Bytes))
        {
            Send(conn, turn, message, 0);
            message.Complete(default);
        }
    }

    /// <summary>Takes a PUBACK.</summary>
    public void OnPubAck(PubAckPacket packet)
    {
        var outcome = flights.OnPubAck(packet.PacketId, out var flight);
        ThrowIfWrong(outcome, packet);
        (flight as OutgoingPublish)?.Complete(ResultOf(packet));
    }

    /// <summary>Takes a PUBREC; true if PUBREL is due, with this reason code [MQTT-4.3.3-4].</summary>
    public bool OnPubRec(PubRecPacket packet, long now, out ReasonCode reasonCode)
    {
        var failed = packet.ReasonCode >= ReasonCode.UnspecifiedError;
        var outcome = flights.OnPubRec(packet.PacketId, failed, out var flight);
        ThrowIfWrong(outcome, packet);
        reasonCode = outcome == FlightOutcome.Unknown ? ReasonCode.PacketIdentifierNotFound : ReasonCode.Success;
        if (outcome == FlightOutcome.Completed)
            (flight as OutgoingPublish)?.Complete(ResultOf(packet));
        else if (flight is OutgoingPublish message)
            message.OnReceived(ResultOf(packet), now);
        return outcome == FlightOutcome.Release || (outcome == FlightOutcome.Unknown && !failed);
    }

    /// <summary>Takes a PUBCOMP.</summary>
    public void OnPubComp(PubCompPacket packet)
    {
        ThrowIfWrong(flights.OnPubComp(packet.PacketId, out var flight), packet);
        if (flight is OutgoingPublish message)
            message.Complete(message.Received);
    }

    /// <summary>Takes a SUBACK or UNSUBACK; the request that it answers.</summary>
    /// <exception cref="MqttProtocolException">There is no such request.</exception>
    public T OnAnswer<T>(ushort packetId)
        where T : Flight
    {
        return flights.OnAnswer(packetId, out var request) == FlightOutcome.Completed && request is T answered
            ? answered
            : throw new MqttProtocolException(ReasonCode.ProtocolError, $"Nothing that was asked under the identifier {packetId} has this answer.");
    }

    /// <summary>A new connection resumes the session: what is unacknowledged is sent again.</summary>
    public void Resume(int receiveMaximum)
    {
        foreach (var message in InFlight())
            message.SentAt = Flight.NotSent;
        flights.Reconnect(receiveMaximum);
    }

    /// <summary>
    /// A new connection has a new session: what is unacknowledged at QoS 1 and still awaited goes out anew, before what waits; at
    /// QoS 2 nobody can know what became of it.
    /// </summary>
    public void StartAnew(int receiveMaximum)
    {
        var inFlight = InFlight().ToArray();
        flights.Clear();
        flights.Window = receiveMaximum;
        var again = new List<OutgoingPublish>();
        foreach (var message in inFlight)
        {
            if (message is { QualityOfService: QualityOfService.AtLeastOnce, IsAbandoned: false })
                again.Add(message);
            else
                message.Fail(new MqttConnectionException("The server has lost the session: the outcome of this message is unknown."));
        }

        queue.PutFirst(again);
    }

    /// <summary>The connection ended. Messages stay owed, but those that are not to wait for another; requests are handed back, to be made again.</summary>
    public IEnumerable<Flight> Suspend(Exception error)
    {
        var unanswered = flights.Flights().Where(flight => flight.State == FlightState.AwaitingAnswer).ToArray();
        foreach (var (packetId, _, _) in unanswered)
            flights.OnAnswer(packetId, out _);
        queue.Fail(error, MqttQueuePolicy.FailOffline);
        return unanswered.Select(flight => flight.Message);
    }

    /// <summary>There will be no connection: whoever waits is told. What was sent stays owed, what was never sent is forgotten.</summary>
    public void GiveUp(Exception error)
    {
        queue.Fail(error);
        foreach (var message in InFlight())
            message.Abandon(error);
    }

    /// <summary>The client is gone: nothing is owed any more.</summary>
    public void Dispose(Exception error)
    {
        queue.Fail(error);
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

    private void Send(MqttConn conn, Turn turn, OutgoingPublish message, ushort packetId)
    {
        queue.Remove(message);
        message.SentAt = conn.Now;
        conn.SendPublish(message.Topic, message.Frame(packetId, duplicate: false), turn);
    }

    private void SendAgain(MqttConn conn, Turn turn, ushort packetId, FlightState state, OutgoingPublish message)
    {
        message.SentAt = conn.Now;
        if (state == FlightState.AwaitingPubComp)
        {
            conn.SendResponse(MqttPacketType.PubRel, packetId, ReasonCode.Success, turn);
            return;
        }

        if (message.Refusal(conn.Accepted!) is { } refusal)
        {
            // The identifier is free again, as if the server had refused the message.
            if (state == FlightState.AwaitingPubAck)
                flights.OnPubAck(packetId, out _);
            else
                flights.OnPubRec(packetId, failed: true, out _);
            message.Fail(refusal);
            return;
        }

        // With the full topic: an alias of an earlier connection means nothing on this one.
        conn.SendPublishAgain(message.Frame(packetId, duplicate: true), turn);
    }

    // What this server does not take is passed over.
    private bool TryPeek(QualityOfService line, MqttConn conn, [NotNullWhen(true)] out OutgoingPublish? message)
    {
        while ((message = queue.Peek(line)) is not null)
        {
            if (message.Refusal(conn.Accepted!) is not { } refusal)
                return true;
            queue.Remove(message);
            message.Fail(refusal);
        }

        return false;
    }

    private IEnumerable<OutgoingPublish> InFlight() => flights.Flights().Select(flight => flight.Message).OfType<OutgoingPublish>();
}
