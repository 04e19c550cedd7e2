namespace Mqtt.Client;

/// <summary>
/// What becomes of a QoS 0 message that finds a stream full. Those of QoS 1 and 2 are never dropped: the Receive Maximum bounds
/// them, since they are acknowledged only when they are done with.
/// </summary>
public enum MqttOverflow
{
    /// <summary>It is dropped and counted.</summary>
    DropNewest,

    /// <summary>The oldest QoS 0 messages of the stream are dropped and counted, until there is room.</summary>
    DropOldest,

    /// <summary>
    /// The client reads nothing more from the network until the stream is half empty, so that the server feels it; this holds up all streams of the client.
    /// It reads on while a call of this client awaits an answer of the server, so that a handler may use the client: what comes meanwhile is taken in up to
    /// <see cref="MqttClientLimits.ExcessBytes"/>, then dropped and counted. While it does not read, a dead connection shows only in writing,
    /// and a handler that waits for a message of another stream of this client may wait for one that is not read: give the full stream another policy then.
    /// </summary>
    Wait,
}
