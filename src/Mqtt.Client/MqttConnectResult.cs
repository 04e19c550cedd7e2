namespace Mqtt.Client;

/// <summary>What the server said when it accepted the connection (section 3.2). Where it said nothing, the value that the standard gives stands here.</summary>
public sealed class MqttConnectResult
{
    internal MqttConnectResult(ConnAckPacket packet, string clientId, TimeSpan keepAlive, TimeSpan sessionExpiry)
    {
        SessionPresent = packet.SessionPresent;
        ClientId = packet.AssignedClientIdentifier?.ToString() ?? clientId;
        KeepAlive = packet.ServerKeepAlive is { } seconds ? TimeSpan.FromSeconds(seconds) : keepAlive;
        SessionExpiry = packet.SessionExpiryInterval is { } expiry ? Seconds.ToTimeSpan(expiry) : sessionExpiry;
        ReceiveMaximum = packet.ReceiveMaximum ?? ushort.MaxValue;
        MaximumPacketSizeBytes = (int)Math.Min(packet.MaximumPacketSize ?? uint.MaxValue, MqttPacketReader.LargestPacketBytes);
        MaximumQoS = (QualityOfService)(packet.MaximumQoS ?? 2);
        TopicAliasMaximum = packet.TopicAliasMaximum ?? 0;
        RetainAvailable = packet.RetainAvailable ?? true;
        WildcardSubscriptionAvailable = packet.WildcardSubscriptionAvailable ?? true;
        SubscriptionIdentifierAvailable = packet.SubscriptionIdentifierAvailable ?? true;
        SharedSubscriptionAvailable = packet.SharedSubscriptionAvailable ?? true;
        ReasonString = packet.ReasonString?.ToString();
        ResponseInformation = packet.ResponseInformation?.ToString();
        ServerReference = packet.ServerReference?.ToString();
        Properties = packet.Properties.ToOwned();
    }

    /// <summary>True if the server goes on with a session that it kept.</summary>
    public bool SessionPresent { get; }

    /// <summary>The client identifier in use: the one that was sent, or the one that the server assigned.</summary>
    public string ClientId { get; }

    /// <summary>The keep-alive in use: the server's, if it gave one. Zero: none.</summary>
    public TimeSpan KeepAlive { get; }

    /// <summary>How long the session outlives the connection (5.0); <see cref="Timeout.InfiniteTimeSpan"/> means for ever.</summary>
    public TimeSpan SessionExpiry { get; }

    /// <summary>How many QoS 1 and 2 messages the server takes before an acknowledgement. Obeyed by waiting.</summary>
    public int ReceiveMaximum { get; }

    /// <summary>The largest packet that the server takes, in bytes. A larger message is refused before it is sent.</summary>
    public int MaximumPacketSizeBytes { get; }

    /// <summary>The highest quality of service that the server takes. A message above it is refused before it is sent.</summary>
    public QualityOfService MaximumQoS { get; }

    /// <summary>The highest topic alias that the server takes; 0: none.</summary>
    public int TopicAliasMaximum { get; }

    /// <summary>Whether the server keeps retained messages. If not, a message with RETAIN is refused before it is sent.</summary>
    public bool RetainAvailable { get; }

    /// <summary>Whether the server takes filters with wildcards.</summary>
    public bool WildcardSubscriptionAvailable { get; }

    /// <summary>Whether the server sends back subscription identifiers; if not, messages find their streams by filter.</summary>
    public bool SubscriptionIdentifierAvailable { get; }

    /// <summary>Whether the server takes shared subscriptions.</summary>
    public bool SharedSubscriptionAvailable { get; }

    /// <summary>The server's text for people. Default: none.</summary>
    public string? ReasonString { get; }

    /// <summary>A basis for response topics, if it was asked for and given. Default: none.</summary>
    public string? ResponseInformation { get; }

    /// <summary>Another server to use. Default: none.</summary>
    public string? ServerReference { get; }

    /// <summary>The last data of an enhanced authentication. Default: none.</summary>
    public ReadOnlyMemory<byte>? AuthenticationData => Properties.GetBinary(PropertyId.AuthenticationData);

    /// <summary>The server's name-value pairs. Default: none.</summary>
    public UserProperties UserProperties => Properties.UserProperties;

    /// <summary>All properties of CONNACK.</summary>
    public MqttProperties Properties { get; }
}
