using Mqtt.Protocol.Channels;
using Mqtt.Server.Broker.Hooks;
using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Broker.Storage;
using Mqtt.Server.Broker.SystemTopics;
using Mqtt.Server.Time;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>What all sessions of a broker share: its options, its clock, its store and its counters.</summary>
internal sealed class SessionContext(MqttBrokerOptions options, Heartbeat heartbeat, BrokerStatistics statistics, HookTable hooks)
{
    private volatile MqttBrokerOptions options = options;
    private volatile HookTable hooks = hooks;
    private volatile DeliveryNotices? deliveries = DeliveryNotices.For(hooks, heartbeat);
    private long longestExpiry = LongestExpiry(options);

    /// <summary>What holds at present: a running broker can be configured anew. Who must not see a change in between reads it once.</summary>
    public MqttBrokerOptions Options => options;

    public Heartbeat Heartbeat => heartbeat;

    public BrokerStatistics Statistics => statistics;

    /// <summary>Who has a say in what happens, and who is told, at present.</summary>
    public HookTable Hooks => hooks;

    /// <summary>Tells what becomes of copies; <see langword="null"/> if nobody wants to know.</summary>
    public DeliveryNotices? Deliveries => deliveries;

    /// <summary>The store; <see langword="null"/> if nothing outlives the broker.</summary>
    public IBrokerStore? Store { get; } = options.Store;

    /// <summary>Wakes what waits for the store.</summary>
    public CommitWatch? Watch { get; } = options.Store is null ? null : new CommitWatch(options.Store, options.Scheduler);

    /// <summary>
    /// Takes a copy of a shared subscription that its session cannot send: another member may. Called under the session's lock; the
    /// copy goes over with the hold on its message, and stays the session's in the store until another has it.
    /// </summary>
    public Action<Session, Copy>? OnStray { get; set; }

    /// <summary>Tells about the broker itself.</summary>
    public SystemTopicPublisher? SystemTopics { get; set; }

    /// <summary>Told when a session has sent all retained messages that were pulled for it, and there may be more. Called under the session's lock.</summary>
    public Action<Session>? OnRetainedWanted { get; set; }

    /// <summary>The coarse clock, in milliseconds.</summary>
    public long Now => heartbeat.Now;

    /// <summary>To which time a message that comes now is kept at most.</summary>
    public long LatestExpiry => longestExpiry == MessageParts.NeverExpires ? MessageParts.NeverExpires : Now + longestExpiry;

    /// <summary>True if the process holds more bytes than it may: no message gets in.</summary>
    public bool IsMemoryFull => BufferPool.RoughRentedBytes > options.MemoryBytes;

    /// <summary>Other options and hooks from here on.</summary>
    public void Reconfigure(MqttBrokerOptions changed, HookTable changedHooks)
    {
        Volatile.Write(ref longestExpiry, LongestExpiry(changed));
        options = changed;
        hooks = changedHooks;
        deliveries = DeliveryNotices.For(changedHooks, heartbeat);
    }

    /// <summary>
    /// What is written until the result is disposed, by this thread, becomes safe together or not at all (<see cref="IBrokerStore.BeginUnit"/>). One
    /// within another is the same unit.
    /// </summary>
    public StoreUnit Unit() => new(Store);

    /// <summary>True if everything up to a position is safe.</summary>
    public bool IsSafe(long position) => Watch is null || Watch.IsSafe(position);

    /// <summary>A message as stores keep it: with its expiry by the wall clock.</summary>
    public MessageRecord RecordOf(in MessageParts parts) => new(
        parts.Topic, parts.Properties, parts.Payload, parts.QualityOfService, parts.Retain,
        parts.StatedExpiry == MessageParts.NeverExpires ? null : heartbeat.UtcNow.AddMilliseconds(parts.StatedExpiry - Now));

    /// <summary>A message as it was stored, on the broker's own clock again. How long the broker keeps it at most begins anew.</summary>
    public MessageParts PartsOf(in MessageRecord record)
    {
        var stated = record.ExpiresAt is { } at ? Now + (long)(at - heartbeat.UtcNow).TotalMilliseconds : MessageParts.NeverExpires;
        return new MessageParts
        {
            Topic = record.Topic,
            Properties = record.Properties,
            Payload = record.Payload,
            QualityOfService = record.QualityOfService,
            Retain = record.Retain,
            ExpiresAt = Math.Min(stated, LatestExpiry),
            StatedExpiry = stated,
        };
    }

    private static long LongestExpiry(MqttBrokerOptions options) =>
        options.MaximumMessageExpiry is { } longest ? (long)longest.TotalMilliseconds : MessageParts.NeverExpires;
}
