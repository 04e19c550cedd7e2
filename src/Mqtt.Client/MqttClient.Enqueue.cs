namespace Mqtt.Client;

// Messages that are handed over to the queue, for whoever does not wait for the server.
public sealed partial class MqttClient
{
    /// <summary>
    /// Hands a message over to the queue. It completes with true as soon as the message is safely there: in the store of <see cref="MqttClientQueue.Store"/> if there is one, so that it will be
    /// sent even if the program ends now; else in memory. What becomes of it later is counted (<see cref="Statistics"/>), and told by <see cref="MqttPublishLostEvent"/> if it is lost.
    /// <para>
    /// With a store it needs no connection and no attempt to make one. Without one, there must be one or the other, as for
    /// <see cref="PublishAsync(MqttMessage, CancellationToken)"/>. The policy is that of <see cref="MqttClientOptions.Queue"/>, but <see cref="MqttQueuePolicy.Wait"/> in place of
    /// <see cref="MqttQueuePolicy.FailOffline"/>: what is enqueued is meant to wait, at QoS 0 too. The payload may be used again once this has returned.
    /// </para>
    /// </summary>
    /// <param name="message">The message.</param>
    /// <param name="cancellationToken">Ends the wait for room; a message that is in the queue stays there.</param>
    /// <returns>False if the message was dropped because of a policy that says so; else true.</returns>
    /// <exception cref="MqttStoreException">The store cannot be opened, or cannot take the message in; it will not be sent.</exception>
    /// <exception cref="MqttConnectionException">
    /// The queue has no store, and there is no connection and none is being made, or the client stopped making one while the message waited for room; or the queue is full, and the policy is to fail.
    /// </exception>
    /// <exception cref="MqttRefusedException">The message goes beyond what the server announced: QoS, RETAIN, packet size.</exception>
    /// <exception cref="ArgumentException">The message cannot be sent in any way: the topic name is not well formed, or a property has no place here.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled while it waited for room.</exception>
    public ValueTask<bool> EnqueueAsync(MqttMessage message, CancellationToken cancellationToken = default) => EnqueueAsync(message, null, cancellationToken);

    /// <summary>Hands a message over to the queue, with a policy of its own in place of that of <see cref="MqttClientOptions.Queue"/>.</summary>
    /// <param name="message">The message.</param>
    /// <param name="policy">What becomes of it when the queue is full.</param>
    /// <param name="cancellationToken">Ends the wait for room; a message that is in the queue stays there.</param>
    /// <exception cref="ArgumentException">
    /// The policy is <see cref="MqttQueuePolicy.FailOffline"/>, which contradicts a queue; or the message cannot be sent in any way.
    /// </exception>
    /// <inheritdoc cref="EnqueueAsync(MqttMessage, CancellationToken)"/>
    public ValueTask<bool> EnqueueAsync(MqttMessage message, MqttQueuePolicy policy, CancellationToken cancellationToken = default)
    {
        if (policy == MqttQueuePolicy.FailOffline)
            throw new ArgumentException($"A message that is not to wait for a connection has no place in the queue: publish it with {nameof(PublishAsync)}.", nameof(policy));
        return EnqueueAsync(message, (MqttQueuePolicy?)policy, cancellationToken);
    }

    private async ValueTask<bool> EnqueueAsync(MqttMessage message, MqttQueuePolicy? policy, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        cancellationToken.ThrowIfCancellationRequested();
        if (Options.Interceptors.Count == 0)
            return await EnqueueDirectlyAsync(message, policy, cancellationToken).ConfigureAwait(false);
        var enqueue = InterceptorChain.AroundPublish(Options.Interceptors, async (changed, token) =>
            await EnqueueDirectlyAsync(changed, policy, token).ConfigureAwait(false) ? default : new(ReasonCode.QuotaExceeded));
        return (await enqueue(message, cancellationToken).ConfigureAwait(false)).IsSuccess;
    }

    private ValueTask<bool> EnqueueDirectlyAsync(MqttMessage message, MqttQueuePolicy? policy, CancellationToken cancellationToken)
    {
        var packet = Borrow(message);
        try
        {
            return ClientTracing.IsWanted ? EnqueueTracedAsync(packet, policy, cancellationToken) : session.EnqueueAsync(packet, policy, cancellationToken);
        }
        finally
        {
            GiveBack(packet);
        }
    }

    // The packet is done with when this returns, as without a trace.
    private async ValueTask<bool> EnqueueTracedAsync(PublishPacket packet, MqttQueuePolicy? policy, CancellationToken cancellationToken)
    {
        using var activity = ClientTracing.StartPublish(packet, Options, ClientId);
        try
        {
            return await session.EnqueueAsync(packet, policy, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            ClientTracing.SetError(activity, error);
            throw;
        }
    }
}
