namespace Mqtt.Client;

/// <summary>Why a message that was to be published is not, or perhaps not.</summary>
public enum MqttPublishLoss
{
    /// <summary>Too many waited to be sent, and its policy, or that of a later one, was to drop it.</summary>
    QueueFull,

    /// <summary>Its message expiry passed before it could be sent (5.0, section 3.3.2.3.3).</summary>
    Expired,

    /// <summary>There was no connection, and it was not to wait for one; or the client stopped making one, and its queue has no store.</summary>
    Offline,

    /// <summary>The server refused it, or is known to refuse what goes beyond the limits that it announced.</summary>
    Refused,

    /// <summary>It was in flight at QoS 2 when the server lost the session: it may be delivered, but must not be sent again.</summary>
    OutcomeUnknown,

    /// <summary>The store could not take it in: it was never in the queue.</summary>
    StoreFailed,
}
