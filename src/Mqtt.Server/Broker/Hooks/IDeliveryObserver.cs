namespace Mqtt.Server.Broker.Hooks;

/// <summary>
/// Is told what becomes of each copy of a message. These things happen under locks, so that inline observers too are told on the thread pool,
/// a moment later.
/// </summary>
public interface IDeliveryObserver : IBrokerHook
{
    /// <summary>A copy has left for the client; also when it is sent again.</summary>
    ValueTask OnDeliveredAsync(Delivery delivery, BrokerMessage message) => default;

    /// <summary>The client acknowledged it: PUBACK at QoS 1, PUBREC at QoS 2.</summary>
    /// <param name="delivery">The copy.</param>
    /// <param name="message">The message.</param>
    /// <param name="refused">The client refused it: with 0x80 or above, which ends the delivery.</param>
    ValueTask OnAcknowledgedAsync(Delivery delivery, BrokerMessage message, bool refused) => default;

    /// <summary>The packet identifier is free again: PUBACK at QoS 1, PUBCOMP at QoS 2.</summary>
    ValueTask OnCompletedAsync(Delivery delivery) => default;

    /// <summary>A copy was dropped.</summary>
    ValueTask OnDroppedAsync(Delivery delivery, BrokerMessage message, DropCause cause) => default;

    /// <summary>All packet identifiers of a client are in use; what comes waits in its queue.</summary>
    ValueTask OnPacketIdsExhaustedAsync(string clientId) => default;
}
