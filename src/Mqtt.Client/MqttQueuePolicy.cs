namespace Mqtt.Client;

/// <summary>
/// What becomes of a message that cannot be sent at once, because there is no connection or the server takes no more for now. It is kept in
/// the queue that <see cref="MqttClientQueue"/> bounds; the policies differ in what happens without a connection, and when the queue is full.
/// </summary>
public enum MqttQueuePolicy
{
    /// <summary>Kept while no connection can be had; when the queue is full, it waits for room. A publisher that awaits each message has one waiting at most.</summary>
    Wait,

    /// <summary>Not kept without a connection, and dropped when the connection goes: fails with <see cref="MqttConnectionException"/>. With a connection as <see cref="Wait"/>.</summary>
    FailOffline,

    /// <summary>Kept; when the queue is full, it fails with <see cref="MqttConnectionException"/>.</summary>
    FailWhenFull,

    /// <summary>Kept; when the queue is full, this message is dropped: its result is <see cref="ReasonCode.QuotaExceeded"/>.</summary>
    DropNewest,

    /// <summary>
    /// Kept; when the queue is full, the oldest that wait in it are dropped to make room, QoS 0 first: their result is <see cref="ReasonCode.QuotaExceeded"/>. What
    /// was sent once is never dropped.
    /// </summary>
    DropOldest,
}
