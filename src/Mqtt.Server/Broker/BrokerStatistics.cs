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

    /// <summary>The process held more bytes than it may; the message did not get in at all.</summary>
    MemoryFull,
}

/// <summary>What a broker has counted since it began. Any thread.</summary>
public sealed class BrokerStatistics
{
    private long publisherPauses;
    private readonly long[] dropped = new long[Enum.GetValues<DropCause>().Length];

    /// <summary>How many copies of messages were dropped for this cause.</summary>
    public long Dropped(DropCause cause) => Interlocked.Read(ref dropped[(int)cause]);

    /// <summary>How often a publisher was made to wait for a subscriber that takes its messages too slowly.</summary>
    public long PublisherPauses => Interlocked.Read(ref publisherPauses);

    internal void OnPublisherPaused() => Interlocked.Increment(ref publisherPauses);

    internal void OnDropped(DropCause cause) => Interlocked.Increment(ref dropped[(int)cause]);
}
