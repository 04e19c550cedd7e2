using Mqtt.Protocol.Channels;

namespace Mqtt.Client;

// What comes: messages to their streams and handlers, acknowledgements back; and when reading waits for them.
internal sealed partial class ClientSession
{
    /// <summary>True if a stream is full whose policy is to wait.</summary>
    public bool IsBackedUp => backlog.IsAnyFull;

    /// <summary>
    /// Waits, for the read loop, while a stream is full whose policy is to wait; but never while somebody here awaits an answer of the server, which
    /// stands behind the messages that nobody reads: a handler that uses the client would wait for itself.
    /// </summary>
    public ValueTask WaitForStreamsAsync(MqttConn conn)
    {
        lock (gate)
            return backlog.IsAnyFull && conn == connection && !AwaitsServer ? conn.PauseReading() : default;
    }

    /// <summary>Somebody awaits a message of the server, which is no acknowledgement.</summary>
    public void BeginAwaiting()
    {
        Interlocked.Increment(ref awaitingCount);
        ReadOn();
    }

    /// <summary>The message has come, or is not awaited any more.</summary>
    public void EndAwaiting() => Interlocked.Decrement(ref awaitingCount);

    /// <summary>The inbox of a new subscription.</summary>
    public Inbox CreateInbox(MqttSubscriptionOptions options) =>
        new(new(options.MessageCount ?? Options.Limits.StreamMessageCount, options.Bytes ?? Options.Limits.StreamBytes, options.Overflow, Options.Limits.ExcessBytes), backlog);

    /// <summary>A stream or handler is done with a message. Without a reason code it stays unacknowledged.</summary>
    /// <param name="receipt">What came with the message.</param>
    /// <param name="reasonCode">What to tell the server.</param>
    /// <param name="inbox">Where the message came from. As long as there is more in it, acknowledgements are gathered, and leave together.</param>
    public void Acknowledge(in Receipt receipt, ReasonCode? reasonCode, Inbox inbox)
    {
        if (!receipt.IsNeeded)
            return;
        var isLast = inbox.IsEmpty;
        using (Turn.Enter(out var turn))
        {
            lock (gate)
            {
                receipts.OnDone(receipt, reasonCode);
                if (connection is null || !receipts.HasNext)
                    return;
                if (isLast)
                    SendAcknowledgements(connection, turn);
                else if (!isDrainScheduled)
                    isDrainScheduled = ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            }
        }
    }

    /// <summary>Sends the acknowledgements that have gathered.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        using (Turn.Enter(out var turn))
        {
            lock (gate)
            {
                isDrainScheduled = false;
                if (connection is not null)
                    SendAcknowledgements(connection, turn);
            }
        }
    }

    /// <summary>A handler has thrown: what to tell the server.</summary>
    public ReasonCode OnHandlerFailed(MqttMessage message, Exception error)
    {
        logger.HandlerFailed(error, message.Topic);
        if (Options.HandlerFailure == MqttHandlerFailure.Acknowledge)
            return ReasonCode.Success;
        if (Options.HandlerFailure == MqttHandlerFailure.Disconnect)
            EndConnection(error);
        return ReasonCode.UnspecifiedError;
    }

    private bool AwaitsServer => outgoing.AwaitsServer || Volatile.Read(ref awaitingCount) > 0;

    private void ReadOn()
    {
        lock (gate)
            connection?.ReadOn();
    }

    private void OnPublish(MqttConn conn, PublishPacket packet, Turn turn)
    {
        Route route;
        Receipt receipt = default;
        MqttString topic;
        lock (gate)
        {
            if (conn != connection)
                return;
            Statistics.OnMessageReceived();
            topic = packet.TopicAlias is { } alias ? aliases.Resolve(alias, packet.Topic) : packet.Topic;
            route = subscriptions.Route(packet.Properties, topic);
            if (packet.QualityOfService != QualityOfService.AtMostOnce && !TakeReceipt(conn, packet, route, turn, out receipt))
                return;
        }

        var content = new MessageContent(packet, topic);
        foreach (var receiver in route.Receivers)
        {
            if (!receiver.Inbox.TryAdd(content, receipt))
                Acknowledge(receipt, ReasonCode.Success, receiver.Inbox);
        }

        if (route is { Receivers.Length: 0, Leftover: Leftover.Unclaimed })
            Unclaimed.Inbox.TryAdd(content, default);
    }

    // False if the message was delivered before. One that nobody gets is done with at once.
    private bool TakeReceipt(MqttConn conn, PublishPacket packet, in Route route, Turn turn, out Receipt receipt)
    {
        var isNew = receipts.OnPublish(packet, Math.Max(route.Receivers.Length, 1), out receipt);
        if (isNew && route.Receivers.Length == 0)
            receipts.OnDone(receipt, route.Leftover == Leftover.Withhold ? null : ReasonCode.Success);
        SendAcknowledgements(conn, turn);
        return isNew;
    }

    private void SendAcknowledgements(MqttConn conn, Turn turn)
    {
        while (receipts.TryNext(out var qualityOfService, out var packetId, out var reasonCode))
            conn.SendResponse(qualityOfService == QualityOfService.ExactlyOnce ? MqttPacketType.PubRec : MqttPacketType.PubAck, packetId, reasonCode, turn);
    }

    private void EndConnection(Exception error)
    {
        lock (gate)
            connection?.End(new(MqttDisconnectOrigin.Client, ReasonCode.UnspecifiedError, error));
    }
}
