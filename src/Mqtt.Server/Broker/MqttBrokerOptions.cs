using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Mqtt.Protocol;
using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Hooks;
using Mqtt.Server.Broker.Rules;
using Mqtt.Server.Broker.Sharing;
using Mqtt.Server.Broker.Storage;

namespace Mqtt.Server;

/// <summary>How a <see cref="MqttBroker"/> behaves. Immutable; checked once when the broker is made.</summary>
public sealed record MqttBrokerOptions
{
    /// <summary>What this broker is called in metrics, where a process has several. Default: none.</summary>
    public string? Name { get; init; }

    /// <summary>What each client may do and how much is kept for it, unless an authentication hook says otherwise for one.</summary>
    public ClientLimits Limits { get; init; } = new();

    /// <summary>The oldest version that the broker speaks; an older one is refused (0x84). Default: 3.1.</summary>
    public MqttProtocolVersion MinimumVersion { get; init; } = MqttProtocolVersion.V310;

    /// <summary>Whether a client without an identifier is given one; if not, it is refused (0x85). Default: true.</summary>
    public bool AssignClientIds { get; init; } = true;

    /// <summary>How clients are authenticated, if there are hooks that do.</summary>
    public BrokerAuthentication Authentication { get; init; } = new();

    /// <summary>What 5.0 clients that ask for it are told as a basis for their response topics (section 3.2.2.3.14). Default: nothing.</summary>
    public string? ResponseInformation { get; init; }

    /// <summary>
    /// The first levels of topics that are the broker's own, each beginning with <c>$</c>; clients cannot publish there, nor leave wills. <c>$SYS</c> and
    /// <c>$share</c> always belong to them. Default: no others.
    /// </summary>
    public IReadOnlyList<string> ReservedRoots { get; init; } = [];

    /// <summary>Whether a payload that is said to be text must be UTF-8; if not, it is refused (0x99). Default: false.</summary>
    public bool CheckPayloadFormat { get; init; }

    /// <summary>Whether PUBACK and PUBREC tell a 5.0 client that nobody subscribes (0x10). Default: true.</summary>
    public bool TellNoSubscribers { get; init; } = true;

    /// <summary>
    /// Whether a client with overlapping subscriptions gets one copy of a message for each of them, with its own QoS and identifier; else one
    /// for all [MQTT-3.3.4-2]. Default: false.
    /// </summary>
    public bool CopyPerSubscription { get; init; }

    /// <summary>
    /// The longest time that a message waits for a session, or is retained, whatever its own expiry; then it counts as expired. What subscribers are told stays
    /// as its publisher said. After a restart it begins anew. <see langword="null"/> for no maximum. Default: none.
    /// </summary>
    public TimeSpan? MaximumMessageExpiry { get; init; }

    /// <summary>
    /// How many topics may have a retained message; those below <c>$SYS</c> do not count. A client's message for one more is refused (0x97; in 3.x, and at QoS 0, it is
    /// dropped and counted); what the program and wills retain has no bound. <see langword="null"/> for none. Default: none.
    /// </summary>
    public int? MaximumRetained { get; init; }

    /// <summary>How many bytes of topics, properties and payloads they may hold together; the same happens beyond. <see langword="null"/> for no bound. Default: none.</summary>
    public long? MaximumRetainedBytes { get; init; }

    /// <summary>
    /// After which times without acknowledgement a message is sent again on a living connection, to 3.x clients only: 5.0 forbids it [MQTT-4.4.0-1]. The first
    /// time after the first of them, then after the second and so on; the last one repeats, until <see cref="InFlightExpiry"/> ends it. When everything that
    /// was sent again is acknowledged, it begins with the first. It happens between once and twice each time. Default: none, and nothing is sent again.
    /// </summary>
    public IReadOnlyList<TimeSpan> RetryIntervals { get; init; } = [];

    /// <summary>
    /// After which time without acknowledgement, on a living connection, a message is given up: its identifier and its place in the window are free.
    /// It happens between once and twice this time. <see langword="null"/> for never. Default: never.
    /// </summary>
    public TimeSpan? InFlightExpiry { get; init; }

    /// <summary>Switches for clients that expect something else.</summary>
    public BrokerCompatibility Compatibility { get; init; } = new();

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

    /// <summary>
    /// How often a client identifier may be taken over by another connection within a minute. More is logged, since two devices seem to share
    /// one name, and each further newcomer waits before it puts the other out: a tenth of a second longer each time, ten seconds at most. A client
    /// that comes back before its own end was noticed does not count. 0: no limit. Default: 5.
    /// </summary>
    public int TakeoversPerMinute { get; init; } = 5;

    /// <summary>How often the broker tells about itself below <c>$SYS/broker</c>; zero for never. Default: 10 s.</summary>
    public TimeSpan SystemInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Tells of every client that comes or goes on <c>$SYS/broker/connection/clients/{client id}</c>, as JSON with <c>clientID</c>, <c>online</c> and
    /// <c>timestamp</c> (seconds since 1970). Default: false.
    /// </summary>
    public bool ConnectionNotices { get; init; }

    /// <summary>
    /// Topics for messages from point to point: what is published to <c>{parent}/p2p/{client id}</c> goes straight to the session of that client, which need
    /// not subscribe, and to nobody else; nothing is retained there. Default: none, such topics are as any other.
    /// </summary>
    public IReadOnlyList<string> PointToPointParents { get; init; } = [];

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

    /// <summary>How long <see cref="MqttBroker.DisposeAsync"/> waits for hooks that have not completed; then they are left behind, which is logged. Default: 5 s, as a server waits for connections.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Whether a client that may not publish its will is refused (0x87). Either way its rights count when the will is published: without them it is dropped and
    /// counted. Default: false.
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
        if (MinimumVersion is < MqttProtocolVersion.V310 or > MqttProtocolVersion.V500)
            throw new ArgumentOutOfRangeException(nameof(MinimumVersion), MinimumVersion, $"{nameof(MinimumVersion)} is no version of MQTT.");
        ArgumentNullException.ThrowIfNull(Authentication);
        Authentication.Validate();
        ArgumentNullException.ThrowIfNull(Compatibility);
        ArgumentNullException.ThrowIfNull(ReservedRoots);
        if (ReservedRoots.FirstOrDefault(static root => root is not ['$', _, ..] || root.Contains('/', StringComparison.Ordinal)) is { } wrong)
            throw new ArgumentException($"{nameof(ReservedRoots)}: {wrong} is not one level that begins with $.", nameof(ReservedRoots));
        if (MaximumMessageExpiry is { } message)
            ArgumentOutOfRangeException.ThrowIfLessThan(message, TimeSpan.FromSeconds(1), nameof(MaximumMessageExpiry));
        ArgumentOutOfRangeException.ThrowIfNegative(MaximumRetained ?? 0, nameof(MaximumRetained));
        ArgumentOutOfRangeException.ThrowIfNegative(MaximumRetainedBytes ?? 0, nameof(MaximumRetainedBytes));
        ArgumentNullException.ThrowIfNull(RetryIntervals);
        foreach (var retry in RetryIntervals)
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(retry, TimeSpan.Zero, nameof(RetryIntervals));
        if (InFlightExpiry is { } flight)
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(flight, TimeSpan.Zero, nameof(InFlightExpiry));
        ArgumentNullException.ThrowIfNull(Hooks);
        foreach (var hook in Hooks)
        {
            ArgumentNullException.ThrowIfNull(hook, nameof(Hooks));
            (hook as DelayedPublish)?.Validate();
        }

        if (Hooks.OfType<IEnhancedAuthenticationHook>().GroupBy(static hook => hook.Method).FirstOrDefault(static same => same.Count() > 1) is { } twice)
            throw new ArgumentException($"{nameof(Hooks)}: {twice.Count()} of them are for the authentication method {twice.Key}, which takes one.", nameof(Hooks));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(HookQueueCount);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(SlowHookTime, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(StopTimeout, TimeSpan.Zero);
        ArgumentNullException.ThrowIfNull(SharedPick);
        ArgumentOutOfRangeException.ThrowIfNegative(TakeoversPerMinute);
        ArgumentNullException.ThrowIfNull(TimeProvider);
        ArgumentNullException.ThrowIfNull(Scheduler);
        ArgumentOutOfRangeException.ThrowIfLessThan(SystemInterval, TimeSpan.Zero);
        ArgumentNullException.ThrowIfNull(PointToPointParents);
        foreach (var parent in PointToPointParents)
        {
            if (!Mqtt.Protocol.MqttTopic.IsValidName(System.Text.Encoding.UTF8.GetBytes(parent)))
                throw new ArgumentException($"\"{parent}\" is not a topic name.", nameof(PointToPointParents));
        }

        ArgumentNullException.ThrowIfNull(Logger);
    }
}
