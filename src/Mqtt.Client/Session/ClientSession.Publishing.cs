using Mqtt.Protocol.Channels;

namespace Mqtt.Client;

// What is published: at once, or through the queue.
internal sealed partial class ClientSession
{
    /// <summary>How many messages wait to be sent.</summary>
    public int QueuedCount
    {
        get
        {
            lock (gate)
                return outgoing.QueuedCount;
        }
    }

    /// <summary>How many messages were to be published and are lost for this cause.</summary>
    public long LostCount(MqttPublishLoss cause) => losses[cause];

    /// <summary>Publishes. The packet is only borrowed. Completes at once at QoS 0, if there is room, else with the acknowledgement.</summary>
    /// <exception cref="MqttConnectionException">There is no connection and, at QoS 1 and 2, none is being made; or the client stopped making one.</exception>
    /// <exception cref="MqttRefusedException">The message goes beyond what the server takes.</exception>
    /// <exception cref="ArgumentException">The message cannot be sent in any way.</exception>
    public ValueTask<MqttPublishResult> PublishAsync(PublishPacket packet, MqttQueuePolicy? wanted, CancellationToken cancellationToken)
    {
        var policy = wanted ?? Options.Queue.PolicyFor(packet.QualityOfService);
        OutgoingPublish message;
        using (Turn.Enter(out var turn))
        {
            lock (gate)
            {
                RequireConnection(orAttempt: policy != MqttQueuePolicy.FailOffline);
                var bytes = MeasureAllowed(packet);
                if (packet.QualityOfService == QualityOfService.AtMostOnce && connection is not null && !outgoing.HasWaitingAtQoS0 && connection.HasRoom(bytes))
                {
                    connection.SendPublish(packet, bytes, turn);
                    return default;
                }

                message = new OutgoingPublish(packet, bytes, Options, policy, journal is null ? null : new StoreEntry());
                Queue(message, turn);
            }
        }

        return cancellationToken.CanBeCanceled ? WaitAsync(message, cancellationToken) : new(message.Result);
    }

    /// <summary>
    /// Takes a message into the queue. The packet is only borrowed. Completes with true as soon as it is safely there, with false if its policy was to drop it.
    /// </summary>
    /// <exception cref="MqttConnectionException">There is no connection and none is being made, and the queue has no store; or the queue is full, and its policy is to fail.</exception>
    /// <exception cref="MqttStoreException">The store cannot take it in.</exception>
    /// <exception cref="MqttRefusedException">The message goes beyond what the server takes.</exception>
    /// <exception cref="ArgumentException">The message cannot be sent in any way.</exception>
    public ValueTask<bool> EnqueueAsync(PublishPacket packet, MqttQueuePolicy? wanted, CancellationToken cancellationToken)
    {
        var policy = wanted ?? Options.Queue.PolicyToEnqueue(packet.QualityOfService);
        OutgoingPublish message;
        using (Turn.Enter(out var turn))
        {
            lock (gate)
            {
                if (journal is null)
                    RequireConnection(orAttempt: true);
                ObjectDisposedException.ThrowIf(isDisposed, typeof(MqttClient));
                message = new OutgoingPublish(packet, MeasureAllowed(packet), Options, policy, new StoreEntry()) { IsEnqueued = true };
                Queue(message, turn);
            }
        }

        return TakenAsync(message, cancellationToken);
    }

    // How large it is, if the present server takes it. Under the gate.
    private int MeasureAllowed(PublishPacket packet)
    {
        var bytes = MqttPacketWriter.Measure(packet, Options.ProtocolVersion);
        if (connection is not null && ServerLimits.Refusal(packet.QualityOfService, packet.Retain, bytes, connection.Accepted!) is { } refusal)
            throw refusal;
        return bytes;
    }

    // It leaves at once if it may. Under the gate.
    private void Queue(OutgoingPublish message, Turn turn)
    {
        outgoing.Add(message);
        if (connection is null)
            return;
        outgoing.Pump(connection, turn);
        connection.ReadOn();
    }

    /// <summary>Opens the store of the queue, if there is one and it is not open, and takes in what an earlier process has left.</summary>
    /// <exception cref="MqttStoreException">It cannot be opened.</exception>
    public ValueTask OpenStoreAsync() => journal is null or { IsOpen: true } ? default : new(OpenAsync(journal));

    private async Task OpenAsync(PublishJournal closed)
    {
        try
        {
            var earlier = RestoredPublish.Decode(await closed.OpenAsync().ConfigureAwait(false), Options);
            lock (gate)
            {
                ObjectDisposedException.ThrowIf(isDisposed, typeof(MqttClient));
                if (!closed.IsOpen)
                    outgoing.Restore(earlier);
            }
        }
        catch (MqttStoreException error)
        {
            lock (gate)
                outgoing.OnStoreNotOpened(error);
            throw;
        }
    }

    // More of what was noted is safe.
    private void OnStored()
    {
        using (Turn.Enter(out var turn))
        {
            lock (gate)
            {
                if (connection is not null)
                    outgoing.Pump(connection, turn);
            }
        }
    }

    private async ValueTask<bool> TakenAsync(OutgoingPublish message, CancellationToken cancellationToken)
    {
        await OpenStoreAsync().ConfigureAwait(false);
        var taken = message.Entry!.Taken;
        try
        {
            return await taken.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            lock (gate)
            {
                if (outgoing.TryWithdraw(message))
                    throw;
            }
        }

        // Too late to be taken back: it is in the queue, or is just being stored.
        return await taken.ConfigureAwait(false);
    }

    private async ValueTask<MqttPublishResult> WaitAsync(OutgoingPublish message, CancellationToken cancellationToken)
    {
        try
        {
            return await message.Result.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            lock (gate)
                outgoing.Cancel(message);
            throw;
        }
    }
}
