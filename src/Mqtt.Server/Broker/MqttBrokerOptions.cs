using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Mqtt.Server.Broker.Storage;

namespace Mqtt.Server;

/// <summary>How a <see cref="MqttBroker"/> behaves. Immutable; checked once when the broker is made.</summary>
public sealed record MqttBrokerOptions
{
    /// <summary>How many QoS 1 and 2 messages the broker takes from one client at once; more are an error (0x93). Default: 1,024.</summary>
    public int ReceiveMaximum { get; init; } = 1024;

    /// <summary>How many QoS 1 and 2 messages may be under way to one 5.0 client, if it allows as many. Default: 1,024.</summary>
    public int InFlightMaximum { get; init; } = 1024;

    /// <summary>How many QoS 1 and 2 messages may be under way to one 3.x client, which cannot say how many it takes. Default: 100.</summary>
    public int InFlightMaximum3 { get; init; } = 100;

    /// <summary>The largest packet that 5.0 clients are told they may send, in bytes; give the servers the same limit. Default: 16 MiB.</summary>
    public int MaximumPacketBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>The highest topic alias that a client may use; 0 for none. Default: 16.</summary>
    public int TopicAliasMaximum { get; init; } = 16;

    /// <summary>How many messages may wait for one session. Beyond it expired ones go, then the oldest of QoS 0, then the newest. Default: 10,000.</summary>
    public int QueueCount { get; init; } = 10_000;

    /// <summary>How many bytes may wait for one session; where nothing waits, one message of any size may. Default: 16 MiB.</summary>
    public long QueueBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>
    /// How long a publisher waits, before each further message, for a connected subscriber whose queue is half full; until the queue has shrunk to
    /// a quarter at the latest. The publisher is not read meanwhile; one to whom messages are owed never waits. Zero: nobody waits. Default: 1 s.
    /// </summary>
    public TimeSpan PublisherPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How many bytes all connections, queues and retained messages of the process may hold. Beyond it QoS 0 is dropped, QoS 1 and 2 are
    /// refused (0x97), and a 3.x client that publishes them, which cannot be told, is cut off. Default: a quarter of the memory.
    /// </summary>
    public long MemoryBytes { get; init; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4;

    /// <summary>The longest time that a session outlives its connection, also for 3.x clients without CleanSession; <see langword="null"/> for no cap. Default: 7 days.</summary>
    public TimeSpan? MaximumSessionExpiry { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Where state is kept that must outlive the broker; the broker does not dispose it. Default: nowhere, everything ends with the broker.</summary>
    public IBrokerStore? Store { get; init; }

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>
    /// Where a CONNECT, SUBSCRIBE or UNSUBSCRIBE goes on that had to wait for the store, or for another connection of its client.
    /// Default: the thread pool.
    /// </summary>
    public PipeScheduler Scheduler { get; init; } = PipeScheduler.ThreadPool;

    /// <summary>Where errors are logged. Default: nowhere.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    internal void Validate()
    {
        ThrowIfNotShort(ReceiveMaximum, nameof(ReceiveMaximum), 1);
        ThrowIfNotShort(InFlightMaximum, nameof(InFlightMaximum), 1);
        ThrowIfNotShort(InFlightMaximum3, nameof(InFlightMaximum3), 1);
        ThrowIfNotShort(TopicAliasMaximum, nameof(TopicAliasMaximum), 0);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaximumPacketBytes, 16);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(QueueCount);
        ArgumentOutOfRangeException.ThrowIfNegative(QueueBytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MemoryBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(PublisherPause, TimeSpan.Zero);
        if (MaximumSessionExpiry is { } expiry)
            ArgumentOutOfRangeException.ThrowIfLessThan(expiry, TimeSpan.Zero, nameof(MaximumSessionExpiry));
        ArgumentNullException.ThrowIfNull(TimeProvider);
        ArgumentNullException.ThrowIfNull(Scheduler);
        ArgumentNullException.ThrowIfNull(Logger);
    }

    private static void ThrowIfNotShort(int value, string name, int least)
    {
        if (value < least || value > ushort.MaxValue)
            throw new ArgumentOutOfRangeException(name, value, $"{name} is {least} to 65,535.");
    }
}
