namespace Mqtt.Server.Broker;

/// <summary>Which messages go when a session's queue is full.</summary>
public enum QueuePolicy
{
    /// <summary>Expired ones, then the oldest of QoS 0, then the newcomer. Nothing that was acknowledged to its publisher is lost for another.</summary>
    DropNewest,

    /// <summary>Expired ones, then the oldest of QoS 0, then the oldest of all: the latest state is what counts.</summary>
    DropOldest,

    /// <summary>The newcomer, at once: what waits stays as it is.</summary>
    RefuseNewest,
}
