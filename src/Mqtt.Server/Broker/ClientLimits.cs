using Mqtt.Protocol;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Server.Broker;

/// <summary>
/// What one client may do, and how much is kept for it. Immutable: clients that differ in nothing share one instance, that of
/// <see cref="MqttBrokerOptions.Limits"/>; an authentication hook may give a client other limits, best by <c>with</c>. What a 5.0 client can
/// be told it is told in CONNACK, and all but the keep-alive holds for 3.x clients as well.
/// </summary>
public sealed record ClientLimits
{
    /// <summary>The longest time that the session outlives its connection, also for 3.x clients without CleanSession; <see langword="null"/> for no cap. Default: 7 days.</summary>
    public TimeSpan? MaximumSessionExpiry { get; init; } = TimeSpan.FromDays(7);

    /// <summary>The longest keep-alive; a 5.0 client that asks for more, or for none, is told this one [MQTT-3.1.2-21]. <see langword="null"/> for no maximum. Default: none.</summary>
    public TimeSpan? MaximumKeepAlive { get; init; }

    /// <summary>The largest packet that the client may send, in bytes, if the server allows as much; larger is an error (0x95). Default: 16 MiB.</summary>
    public int MaximumPacketBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>The highest QoS of what the client publishes, its will included; higher is an error (0x9B). Subscriptions may ask for more [MQTT-3.2.2-10], and are granted this one. Default: 2.</summary>
    public QualityOfService MaximumQualityOfService { get; init; } = QualityOfService.ExactlyOnce;

    /// <summary>
    /// How many QoS 1 and 2 messages the broker takes from a 5.0 client at once; more are an error (0x93). A 3.x client, which cannot be told, is not
    /// read while so many of its acknowledgements wait for the store. Default: 1,024.
    /// </summary>
    public int ReceiveMaximum { get; init; } = 1024;

    /// <summary>How many QoS 1 and 2 messages may be under way to the client if it speaks 5.0 and allows as many. Default: 1,024.</summary>
    public int InFlightMaximum { get; init; } = 1024;

    /// <summary>
    /// The same for a 3.x client, which cannot say how many it takes: lower it for devices with little memory. Default: 1,024. With 100, as
    /// gmqtt has it, most messages of a saturated 1:1 load wait in the queue, and cost twice as much.
    /// </summary>
    public int InFlightMaximum3 { get; init; } = 1024;

    /// <summary>The highest topic alias that the client may use; 0 for none. Default: 16.</summary>
    public int TopicAliasMaximum { get; init; } = 16;

    /// <summary>How many topic aliases the broker uses towards the client, each from its topic's second use on, if the client allows as many; 0 for none. Default: 16.</summary>
    public int OutgoingTopicAliasMaximum { get; init; } = 16;

    /// <summary>Which topics have these aliases when there are more topics. Default: those that were the first to be used a second time.</summary>
    public TopicAliasPolicy OutgoingTopicAliasPolicy { get; init; }

    /// <summary>Whether the client may publish retained messages; if not, one is an error (0x9A). Default: true.</summary>
    public bool RetainAvailable { get; init; } = true;

    /// <summary>Whether the client may subscribe with wildcards; if not, a SUBSCRIBE with one is an error (0xA2; 3.x: the filter is refused). Default: true.</summary>
    public bool WildcardSubscriptionAvailable { get; init; } = true;

    /// <summary>Whether the client may use shared subscriptions; if not, a SUBSCRIBE with one is an error (0x9E; 3.x: the filter is refused). Default: true.</summary>
    public bool SharedSubscriptionAvailable { get; init; } = true;

    /// <summary>Whether the client may use subscription identifiers; if not, one is an error (0xA1). Default: true.</summary>
    public bool SubscriptionIdentifierAvailable { get; init; } = true;

    /// <summary>How many subscriptions the client may have; more are refused (0x97). <see langword="null"/> for no limit. Default: none.</summary>
    public int? MaximumSubscriptions { get; init; }

    /// <summary>How many messages may wait for the session. What goes beyond it <see cref="QueuePolicy"/> says. Default: 10,000.</summary>
    public int QueueCount { get; init; } = 10_000;

    /// <summary>How many bytes may wait for the session; where nothing waits, one message of any size may. Default: 16 MiB.</summary>
    public long QueueBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>What goes first when the queue is full. Default: what has expired, then the oldest of QoS 0, then the newest.</summary>
    public QueuePolicy QueuePolicy { get; init; }

    /// <summary>Whether messages of QoS 0 wait for a session without a connection. They are not kept in a store. Default: false.</summary>
    public bool QueueQoS0 { get; init; }

    internal void Validate()
    {
        if (MaximumSessionExpiry is { } expiry)
            ArgumentOutOfRangeException.ThrowIfLessThan(expiry, TimeSpan.Zero, nameof(MaximumSessionExpiry));
        if (MaximumKeepAlive is { } keepAlive && (keepAlive < TimeSpan.FromSeconds(1) || keepAlive > TimeSpan.FromSeconds(ushort.MaxValue)))
            throw new ArgumentOutOfRangeException(nameof(MaximumKeepAlive), keepAlive, $"{nameof(MaximumKeepAlive)} is 1 to 65,535 seconds.");
        ArgumentOutOfRangeException.ThrowIfLessThan(MaximumPacketBytes, 16);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((int)MaximumQualityOfService, (int)QualityOfService.ExactlyOnce, nameof(MaximumQualityOfService));
        ThrowIfNotShort(ReceiveMaximum, nameof(ReceiveMaximum), 1);
        ThrowIfNotShort(InFlightMaximum, nameof(InFlightMaximum), 1);
        ThrowIfNotShort(InFlightMaximum3, nameof(InFlightMaximum3), 1);
        ThrowIfNotShort(TopicAliasMaximum, nameof(TopicAliasMaximum), 0);
        ThrowIfNotShort(OutgoingTopicAliasMaximum, nameof(OutgoingTopicAliasMaximum), 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((int)OutgoingTopicAliasPolicy, (int)TopicAliasPolicy.ReplaceOldest, nameof(OutgoingTopicAliasPolicy));
        if (MaximumSubscriptions is { } subscriptions)
            ArgumentOutOfRangeException.ThrowIfNegative(subscriptions, nameof(MaximumSubscriptions));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(QueueCount);
        ArgumentOutOfRangeException.ThrowIfNegative(QueueBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((int)QueuePolicy, (int)QueuePolicy.RefuseNewest, nameof(QueuePolicy));
    }

    /// <summary>The window of a client that allows <paramref name="allowed"/> messages, in its version.</summary>
    internal int WindowFor(MqttProtocolVersion version, int? allowed) =>
        version == MqttProtocolVersion.V500 ? Math.Min(allowed ?? ushort.MaxValue, InFlightMaximum) : InFlightMaximum3;

    /// <summary>True if some PUBLISH is an error.</summary>
    internal bool RestrictsPublishing => !RetainAvailable || MaximumQualityOfService < QualityOfService.ExactlyOnce;

    /// <summary>Whether the client may send this PUBLISH (sections 3.2.2.3.4 and 3.2.2.3.5).</summary>
    internal void Check(PublishPacket packet)
    {
        if (packet.QualityOfService > MaximumQualityOfService)
            throw new MqttProtocolException(ReasonCode.QoSNotSupported, $"PUBLISH of a higher QoS than {(int)MaximumQualityOfService}.");
        if (packet.Retain && !RetainAvailable)
            throw new MqttProtocolException(ReasonCode.RetainNotSupported, "PUBLISH with RETAIN.");
    }

    /// <summary>Whether the client may send this SUBSCRIBE (sections 3.2.2.3.11 to 3.2.2.3.13); a client of 3.x, which was not told, has single filters refused.</summary>
    internal void Check(SubscribePacket packet)
    {
        if (packet.SubscriptionIdentifier is not null && !SubscriptionIdentifierAvailable)
            throw new MqttProtocolException(ReasonCode.SubscriptionIdentifiersNotSupported, "SUBSCRIBE with a subscription identifier.");
        foreach (var subscription in packet.Subscriptions)
        {
            if (RefusalOf(subscription.Filter) is { } code)
                throw new MqttProtocolException(code, $"SUBSCRIBE to {subscription.Filter}.");
        }
    }

    /// <summary>Why the client cannot have a filter; <see langword="null"/> if it can.</summary>
    internal ReasonCode? RefusalOf(MqttString filter)
    {
        if (!SharedSubscriptionAvailable && MqttTopic.IsShared(filter.Span))
            return ReasonCode.SharedSubscriptionsNotSupported;
        return !WildcardSubscriptionAvailable && filter.Span.IndexOfAny((byte)'+', (byte)'#') >= 0 ? ReasonCode.WildcardSubscriptionsNotSupported : null;
    }

    /// <summary>The session expiry that a client gets, in seconds. Without CleanSession a session of 3.x never ends, as far as it may.</summary>
    internal uint ExpiryOf(ConnectPacket packet) => Cap(
        packet.Version == MqttProtocolVersion.V500 ? packet.SessionExpiryInterval ?? 0 : packet.CleanStart ? 0 : uint.MaxValue);

    /// <summary>A session expiry as far as it is allowed.</summary>
    internal uint Cap(uint seconds) => MaximumSessionExpiry is { } cap ? (uint)Math.Min(seconds, cap.TotalSeconds) : seconds;

    /// <summary>The keep-alive that a client gets, in seconds; 3.x cannot be told another one than its own.</summary>
    internal ushort KeepAliveOf(ConnectPacket packet)
    {
        var asked = packet.KeepAliveSeconds;
        if (MaximumKeepAlive is not { } maximum || packet.Version != MqttProtocolVersion.V500)
            return asked;
        return asked == 0 || asked > maximum.TotalSeconds ? (ushort)maximum.TotalSeconds : asked;
    }

    private static void ThrowIfNotShort(int value, string name, int least)
    {
        if (value < least || value > ushort.MaxValue)
            throw new ArgumentOutOfRangeException(name, value, $"{name} is {least} to 65,535.");
    }
}
