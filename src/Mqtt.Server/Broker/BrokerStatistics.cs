namespace Mqtt.Server.Broker;

/// <summary>Why a message did not reach a subscriber.</summary>
public enum DropCause
{
    /// <summary>QoS 0, and the session had no connection.</summary>
    Offline,

    /// <summary>QoS 0, and too much waited on the connection.</summary>
    OutboxFull,

    /// <summary>The session's queue was full.</summary>
    QueueFull,

    /// <summary>The message had expired.</summary>
    Expired,

    /// <summary>The packet was larger than the client accepts.</summary>
    TooLarge,
}

/// <summary>What a broker has counted since it began. Any thread.</summary>
public sealed class BrokerStatistics
{
    private readonly long[] dropped = new long[Enum.GetValues<DropCause>().Length];

    /// <summary>How many copies of messages were dropped for this cause.</summary>
    public long Dropped(DropCause cause) => Interlocked.Read(ref dropped[(int)cause]);

    internal void OnDropped(DropCause cause) => Interlocked.Increment(ref dropped[(int)cause]);
}
