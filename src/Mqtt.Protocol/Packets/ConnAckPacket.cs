namespace Mqtt.Protocol;

/// <summary>CONNACK: the server's answer to CONNECT (section 3.2). Wire: flags, reason code, properties.</summary>
public sealed class ConnAckPacket : MqttPacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.ConnAck;

    /// <summary>True if the server goes on with a session that it kept. Default: false.</summary>
    public bool SessionPresent { get; set; }

    /// <summary>Success, or why the connection is refused. In 3.x the return codes 1 to 5 stand for codes of the same meaning. Default: success.</summary>
    public ReasonCode ReasonCode { get; set; }

    /// <summary>The session expiry that the server uses, in seconds. Default: absent, the value of CONNECT holds.</summary>
    public uint? SessionExpiryInterval
    {
        get => Properties.GetNumber(PropertyId.SessionExpiryInterval);
        set => Properties = Properties.With(PropertyId.SessionExpiryInterval, value);
    }

    /// <summary>How many QoS 1 and 2 messages the server takes at once. Default: absent, which is 65,535.</summary>
    public ushort? ReceiveMaximum
    {
        get => Properties.GetShort(PropertyId.ReceiveMaximum);
        set => Properties = Properties.With(PropertyId.ReceiveMaximum, value);
    }

    /// <summary>The highest QoS of a PUBLISH that the server accepts, 0 or 1. Default: absent, which is 2.</summary>
    public byte? MaximumQoS
    {
        get => (byte?)Properties.GetNumber(PropertyId.MaximumQoS);
        set => Properties = Properties.With(PropertyId.MaximumQoS, value);
    }

    /// <summary>Whether the server supports retained messages. Default: absent, which is true.</summary>
    public bool? RetainAvailable
    {
        get => Properties.GetFlag(PropertyId.RetainAvailable);
        set => Properties = Properties.With(PropertyId.RetainAvailable, value is { } flag ? flag ? 1u : 0u : null);
    }

    /// <summary>The largest packet that the server accepts, in bytes. Default: absent, no limit.</summary>
    public uint? MaximumPacketSize
    {
        get => Properties.GetNumber(PropertyId.MaximumPacketSize);
        set => Properties = Properties.With(PropertyId.MaximumPacketSize, value);
    }

    /// <summary>The client identifier that the server chose, if CONNECT had none. Default: absent.</summary>
    public MqttString? AssignedClientIdentifier
    {
        get => Properties.GetString(PropertyId.AssignedClientIdentifier);
        set => Properties = Properties.With(PropertyId.AssignedClientIdentifier, value);
    }

    /// <summary>The highest topic alias that the server accepts. Default: absent, which is 0: none.</summary>
    public ushort? TopicAliasMaximum
    {
        get => Properties.GetShort(PropertyId.TopicAliasMaximum);
        set => Properties = Properties.With(PropertyId.TopicAliasMaximum, value);
    }

    /// <summary>A text for people who look for a cause, not to be parsed (5.0). Default: none.</summary>
    public MqttString? ReasonString
    {
        get => Properties.GetString(PropertyId.ReasonString);
        set => Properties = Properties.With(PropertyId.ReasonString, value);
    }

    /// <summary>Whether the server supports wildcards in subscriptions. Default: absent, which is true.</summary>
    public bool? WildcardSubscriptionAvailable
    {
        get => Properties.GetFlag(PropertyId.WildcardSubscriptionAvailable);
        set => Properties = Properties.With(PropertyId.WildcardSubscriptionAvailable, value is { } flag ? flag ? 1u : 0u : null);
    }

    /// <summary>Whether the server supports subscription identifiers. Default: absent, which is true.</summary>
    public bool? SubscriptionIdentifierAvailable
    {
        get => Properties.GetFlag(PropertyId.SubscriptionIdentifierAvailable);
        set => Properties = Properties.With(PropertyId.SubscriptionIdentifierAvailable, value is { } flag ? flag ? 1u : 0u : null);
    }

    /// <summary>Whether the server supports shared subscriptions. Default: absent, which is true.</summary>
    public bool? SharedSubscriptionAvailable
    {
        get => Properties.GetFlag(PropertyId.SharedSubscriptionAvailable);
        set => Properties = Properties.With(PropertyId.SharedSubscriptionAvailable, value is { } flag ? flag ? 1u : 0u : null);
    }

    /// <summary>The keep-alive that the client must use, in seconds. Default: absent, the value of CONNECT holds.</summary>
    public ushort? ServerKeepAlive
    {
        get => Properties.GetShort(PropertyId.ServerKeepAlive);
        set => Properties = Properties.With(PropertyId.ServerKeepAlive, value);
    }

    /// <summary>A basis for response topics. Default: absent.</summary>
    public MqttString? ResponseInformation
    {
        get => Properties.GetString(PropertyId.ResponseInformation);
        set => Properties = Properties.With(PropertyId.ResponseInformation, value);
    }

    /// <summary>Another server to use. Default: absent.</summary>
    public MqttString? ServerReference
    {
        get => Properties.GetString(PropertyId.ServerReference);
        set => Properties = Properties.With(PropertyId.ServerReference, value);
    }

    /// <summary>The authentication method (5.0, section 4.12). Default: none.</summary>
    public MqttString? AuthenticationMethod
    {
        get => Properties.GetString(PropertyId.AuthenticationMethod);
        set => Properties = Properties.With(PropertyId.AuthenticationMethod, value);
    }

    /// <summary>The authentication data (5.0, section 4.12). Default: none.</summary>
    public ReadOnlyMemory<byte>? AuthenticationData
    {
        get => Properties.GetBinary(PropertyId.AuthenticationData);
        set => Properties = Properties.With(PropertyId.AuthenticationData, value);
    }
}
