namespace Mqtt.Protocol;

/// <summary>The identifier of a 5.0 property (section 2.2.2.2).</summary>
public enum PropertyId : byte
{
    /// <summary>Byte; PUBLISH and will.</summary>
    PayloadFormatIndicator = 0x01,

    /// <summary>Four byte integer, seconds; PUBLISH and will.</summary>
    MessageExpiryInterval = 0x02,

    /// <summary>String; PUBLISH and will.</summary>
    ContentType = 0x03,

    /// <summary>String, a topic name; PUBLISH and will.</summary>
    ResponseTopic = 0x08,

    /// <summary>Binary; PUBLISH and will.</summary>
    CorrelationData = 0x09,

    /// <summary>Variable byte integer, never 0; SUBSCRIBE, and PUBLISH from the server, where it may repeat.</summary>
    SubscriptionIdentifier = 0x0B,

    /// <summary>Four byte integer, seconds; CONNECT, CONNACK, and DISCONNECT from the client.</summary>
    SessionExpiryInterval = 0x11,

    /// <summary>String; CONNACK.</summary>
    AssignedClientIdentifier = 0x12,

    /// <summary>Two byte integer, seconds; CONNACK.</summary>
    ServerKeepAlive = 0x13,

    /// <summary>String; CONNECT, CONNACK and AUTH.</summary>
    AuthenticationMethod = 0x15,

    /// <summary>Binary; CONNECT, CONNACK and AUTH.</summary>
    AuthenticationData = 0x16,

    /// <summary>Byte, 0 or 1; CONNECT.</summary>
    RequestProblemInformation = 0x17,

    /// <summary>Four byte integer, seconds; will.</summary>
    WillDelayInterval = 0x18,

    /// <summary>Byte, 0 or 1; CONNECT.</summary>
    RequestResponseInformation = 0x19,

    /// <summary>String; CONNACK.</summary>
    ResponseInformation = 0x1A,

    /// <summary>String; CONNACK, and DISCONNECT from the server.</summary>
    ServerReference = 0x1C,

    /// <summary>String; every acknowledgement, DISCONNECT and AUTH.</summary>
    ReasonString = 0x1F,

    /// <summary>Two byte integer, never 0; CONNECT and CONNACK.</summary>
    ReceiveMaximum = 0x21,

    /// <summary>Two byte integer; CONNECT and CONNACK.</summary>
    TopicAliasMaximum = 0x22,

    /// <summary>Two byte integer, never 0; PUBLISH.</summary>
    TopicAlias = 0x23,

    /// <summary>Byte, 0 or 1; CONNACK.</summary>
    MaximumQoS = 0x24,

    /// <summary>Byte, 0 or 1; CONNACK.</summary>
    RetainAvailable = 0x25,

    /// <summary>Pair of strings; everywhere, and may repeat.</summary>
    UserProperty = 0x26,

    /// <summary>Four byte integer, never 0; CONNECT and CONNACK.</summary>
    MaximumPacketSize = 0x27,

    /// <summary>Byte, 0 or 1; CONNACK.</summary>
    WildcardSubscriptionAvailable = 0x28,

    /// <summary>Byte, 0 or 1; CONNACK.</summary>
    SubscriptionIdentifierAvailable = 0x29,

    /// <summary>Byte, 0 or 1; CONNACK.</summary>
    SharedSubscriptionAvailable = 0x2A,
}
