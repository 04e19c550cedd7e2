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

    /// <summary>The client may not publish there; the message did not get in at all.</summary>
    NotAuthorized,

    /// <summary>The payload is not the text that it is said to be; the message did not get in at all.</summary>
    PayloadFormat,

    /// <summary>A hook refused or dropped the message, or failed over it; it did not get in at all.</summary>
    Hook,

    /// <summary>The shared subscription for which the message waited had lost its last member.</summary>
    GroupEnded,

    /// <summary>It was to be retained, and as many were as may be; the message did not get in at all.</summary>
    RetainedFull,
}

/// <summary>What a broker has counted since it began. Any thread.</summary>
public sealed partial class BrokerStatistics
{
    private long publisherPauses;
    private long hookFailures;
    private long slowHooks;
    private long hookNoticesLost;
    private readonly long[] dropped = new long[Enum.GetValues<DropCause>().Length];

    internal BrokerStatistics()
    {
    }

    /// <summary>How many copies of messages were dropped for this cause.</summary>
    public long Dropped(DropCause cause) => Interlocked.Read(ref dropped[(int)cause]);

    /// <summary>How often a publisher was made to wait for a subscriber that takes its messages too slowly.</summary>
    public long PublisherPauses => Interlocked.Read(ref publisherPauses);

    /// <summary>How often a hook threw.</summary>
    public long HookFailures => Interlocked.Read(ref hookFailures);

    /// <summary>How often a hook took longer than <see cref="MqttBrokerOptions.SlowHookTime"/>.</summary>
    public long SlowHooks => Interlocked.Read(ref slowHooks);

    /// <summary>How often an observer was not told, since <see cref="MqttBrokerOptions.HookQueueCount"/> others waited for it.</summary>
    public long HookNoticesLost => Interlocked.Read(ref hookNoticesLost);

    internal void OnHookFailed() => Interlocked.Increment(ref hookFailures);

    internal void OnHookSlow() => Interlocked.Increment(ref slowHooks);

    internal void OnHookNoticeLost() => Interlocked.Increment(ref hookNoticesLost);

    internal void OnPublisherPaused() => Interlocked.Increment(ref publisherPauses);

    internal void OnDropped(DropCause cause) => Interlocked.Increment(ref dropped[(int)cause]);
}
