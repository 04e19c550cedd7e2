using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>
/// A message that a client has published and may publish. The hooks may change it, refuse it, drop it, and choose who gets it. It is
/// borrowed, and used again for the next message: nothing of it may be kept.
/// </summary>
public sealed class PublishRequest : HookRequest
{
    [ThreadStatic]
    private static PublishRequest? ofThread;

    private PublishPacket packet = null!;
    private MqttString asked;
    private MqttString topic;
    private ReadOnlyMemory<byte> payload;
    private QualityOfService qualityOfService;
    private bool retain;
    private MqttProperties properties;

    private PublishRequest()
    {
    }

    /// <summary>Who publishes.</summary>
    public BrokerClient Client { get; private set; } = null!;

    /// <summary>The packet as it came. Its topic may be empty, where an alias stands for it.</summary>
    public PublishPacket Packet => packet;

    /// <summary>How long the message waits before it is published; more than zero only with <see cref="Rules.DelayedPublish"/>.</summary>
    public TimeSpan Delay { get; private set; }

    /// <summary>The topic that the client named; that of the message itself where it is to be published later.</summary>
    public MqttString Asked => asked;

    /// <summary>The topic to which the message goes. Default: the client's.</summary>
    /// <exception cref="ArgumentException">It is no topic name.</exception>
    public MqttString Topic
    {
        get => topic;
        set
        {
            if (!MqttTopic.IsValidName(value.Span))
                throw new ArgumentException($"\"{value}\" is not a topic name.", nameof(value));
            topic = value;
            IsChanged = true;
        }
    }

    /// <summary>The application's bytes; new ones must not be changed any more. Default: the client's.</summary>
    public ReadOnlyMemory<byte> Payload
    {
        get => payload;
        set
        {
            payload = value;
            IsChanged = true;
        }
    }

    /// <summary>The QoS with which it is delivered at most; the client gets its acknowledgements even so. Default: the client's.</summary>
    public QualityOfService QualityOfService
    {
        get => qualityOfService;
        set
        {
            qualityOfService = value;
            IsChanged = true;
        }
    }

    /// <summary>Whether the message is kept as its topic's last. Default: the client's.</summary>
    public bool Retain
    {
        get => retain;
        set
        {
            retain = value;
            IsChanged = true;
        }
    }

    /// <summary>The properties, expiry included. Default: the client's.</summary>
    public MqttProperties Properties
    {
        get => properties;
        set
        {
            properties = value;
            IsChanged = true;
        }
    }

    /// <summary>The name-value pairs among the properties.</summary>
    public UserProperties UserProperties
    {
        get => properties.UserProperties;
        set => Properties = properties.With(value);
    }

    internal bool IsChanged { get; private set; }

    internal ReasonCode Code { get; private set; }

    internal string? ReasonString { get; private set; }

    internal Func<string, bool>? Receivers { get; private set; }

    /// <summary>Refuses the message: nobody gets it, and QoS 1 and 2 are answered with this code. 3.x has no word for it: there it is acknowledged and dropped.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The code is none that such a refusal can carry.</exception>
    public void Refuse(ReasonCode reasonCode = ReasonCode.NotAuthorized)
    {
        Refusals.ThrowIfNotPubAck(reasonCode);
        Code = reasonCode;
        IsDecided = true;
    }

    /// <summary>Drops the message without a word: nobody gets it, and it is acknowledged as if they had.</summary>
    public void Drop()
    {
        Code = ReasonCode.Success;
        IsDecided = true;
    }

    /// <summary>Lets only these clients have the message, as far as they subscribe to it. Called more than once, a client must be named each time.</summary>
    public void AllowClients(params IEnumerable<string> clientIds)
    {
        var allowed = clientIds.ToHashSet(StringComparer.Ordinal);
        FilterReceivers(allowed.Contains);
    }

    /// <summary>
    /// Lets only those clients have the message, as far as they subscribe to it, for which the function says so. It is called for each that
    /// does, before one of a shared group is picked, on the thread that delivers; it must be brief, and what it throws counts as no.
    /// </summary>
    public void FilterReceivers(Func<string, bool> isReceiver)
    {
        ArgumentNullException.ThrowIfNull(isReceiver);
        Receivers = Receivers is { } earlier ? clientId => earlier(clientId) && isReceiver(clientId) : isReceiver;
    }

    // A thread has one and uses it again, unless a hook has taken it along.
    internal static PublishRequest Begin(BrokerClient client, PublishPacket packet, MqttString topic, TimeSpan? delay)
    {
        var request = ofThread ?? new PublishRequest();
        ofThread = null;
        request.Client = client;
        request.packet = packet;
        request.asked = request.topic = topic;
        request.payload = packet.Payload;
        request.qualityOfService = packet.QualityOfService;
        request.retain = packet.Retain;
        request.properties = packet.Properties;
        request.Delay = delay ?? TimeSpan.Zero;
        request.IsChanged = delay is not null;
        request.IsDecided = false;
        request.Code = ReasonCode.Success;
        request.Receivers = null;
        return request;
    }

    internal void End()
    {
        (Client, packet, asked, topic, payload, properties, Receivers) = (null!, null!, default, default, default, default, null);
        ofThread = this;
    }

    /// <summary>The packet as the hooks have left it: the client's own if they changed nothing.</summary>
    internal PublishPacket Result() => !IsChanged
        ? packet
        : new PublishPacket
        {
            Topic = topic,
            Payload = payload,
            QualityOfService = qualityOfService,
            Retain = retain,
            Properties = properties,
            PacketId = packet.PacketId,
        };
}
