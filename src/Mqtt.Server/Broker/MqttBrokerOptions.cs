using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Hooks;
using Mqtt.Server.Broker.Sharing;
using Mqtt.Server.Broker.Storage;

namespace Mqtt.Server;

/// <summary>How a <see cref="MqttBroker"/> behaves. Immutable; checked once when the broker is made.</summary>
public sealed record MqttBrokerOptions
{
    /// <summary>What each client may do and how much is kept for it, unless an authentication hook says otherwise for one.</summary>
    public ClientLimits Limits { get; init; } = new();

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

    /// <summary>
    /// Which member of a shared subscription gets a message. Default: round robin over those that are connected and have room; see
    /// <see cref="SharedPick"/> for others, and <see cref="ISharedPick"/> for your own.
    /// </summary>
    public ISharedPick SharedPick { get; init; } = Broker.Sharing.SharedPick.RoundRobin;

    /// <summary>
    /// Whether QoS 1 messages of a shared subscription that are under way to a member go to another one already when the connection is
    /// lost; if not, when the session ends. Earlier means sooner, and more of them twice. Default: false.
    /// </summary>
    public bool SharedMovesOnConnectionLoss { get; init; }

    /// <summary>Where state is kept that must outlive the broker; the broker does not dispose it. Default: nowhere, everything ends with the broker.</summary>
    public IBrokerStore? Store { get; init; }

    /// <summary>
    /// What the program wants to hear of, or to decide: each hook implements one or more of the interfaces of <c>Mqtt.Server.Broker.Hooks</c>, and
    /// those of one theme are asked in this order. Default: none.
    /// </summary>
    public IReadOnlyList<IBrokerHook> Hooks { get; init; } = [];

    /// <summary>How much may wait to be told to one observer that is slower than the broker; it is not told what goes beyond. Default: 10,000.</summary>
    public int HookQueueCount { get; init; } = 10_000;

    /// <summary>A hook that takes longer than this for an answer is logged and counted; it is waited for even so. Default: 1 s.</summary>
    public TimeSpan SlowHookTime { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Whether a client whose will it may not publish is refused (0x87). If not, it is let in, and its will is dropped and counted. Default: false.
    /// </summary>
    public bool RefusesForbiddenWills { get; init; }

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
        ArgumentNullException.ThrowIfNull(Limits);
        Limits.Validate();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MemoryBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(PublisherPause, TimeSpan.Zero);
        ArgumentNullException.ThrowIfNull(Hooks);
        foreach (var hook in Hooks)
            ArgumentNullException.ThrowIfNull(hook, nameof(Hooks));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(HookQueueCount);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(SlowHookTime, TimeSpan.Zero);
        ArgumentNullException.ThrowIfNull(SharedPick);
        ArgumentNullException.ThrowIfNull(TimeProvider);
        ArgumentNullException.ThrowIfNull(Scheduler);
        ArgumentNullException.ThrowIfNull(Logger);
    }
}
