using System.Diagnostics.CodeAnalysis;

namespace Mqtt.Protocol;

/// <summary>
/// The result of an operation (section 2.4): one enumeration for all packets and versions. From 0x80 on the operation
/// failed. The return codes of 3.x are read and written as the codes of the same meaning.
/// </summary>
[SuppressMessage("Design", "CA1069:Enums values should not be duplicated", Justification = "0x00 has three names in the standard, one for each use.")]
public enum ReasonCode : byte
{
    /// <summary>The operation succeeded.</summary>
    Success = 0x00,

    /// <summary>DISCONNECT: close normally, do not send the will.</summary>
    NormalDisconnection = 0x00,

    /// <summary>SUBACK: accepted, at most QoS 0.</summary>
    GrantedQoS0 = 0x00,

    /// <summary>SUBACK: accepted, at most QoS 1.</summary>
    GrantedQoS1 = 0x01,

    /// <summary>SUBACK: accepted, at most QoS 2.</summary>
    GrantedQoS2 = 0x02,

    /// <summary>DISCONNECT from the client: send the will all the same.</summary>
    DisconnectWithWillMessage = 0x04,

    /// <summary>PUBACK, PUBREC: accepted, but nobody subscribes.</summary>
    NoMatchingSubscribers = 0x10,

    /// <summary>UNSUBACK: no such subscription.</summary>
    NoSubscriptionExisted = 0x11,

    /// <summary>AUTH: go on with the authentication.</summary>
    ContinueAuthentication = 0x18,

    /// <summary>AUTH from the client: authenticate again.</summary>
    ReAuthenticate = 0x19,

    /// <summary>Failed for a reason that is not to be told or has no code.</summary>
    UnspecifiedError = 0x80,

    /// <summary>The packet does not follow the format.</summary>
    MalformedPacket = 0x81,

    /// <summary>The packet is well formed but not allowed here.</summary>
    ProtocolError = 0x82,

    /// <summary>Valid, but not accepted by this implementation.</summary>
    ImplementationSpecificError = 0x83,

    /// <summary>CONNACK: the protocol version is not supported.</summary>
    UnsupportedProtocolVersion = 0x84,

    /// <summary>CONNACK: the client identifier is not allowed.</summary>
    ClientIdentifierNotValid = 0x85,

    /// <summary>CONNACK: wrong user name or password.</summary>
    BadUserNameOrPassword = 0x86,

    /// <summary>Not allowed.</summary>
    NotAuthorized = 0x87,

    /// <summary>CONNACK: the server is not available.</summary>
    ServerUnavailable = 0x88,

    /// <summary>The server is busy; try again later.</summary>
    ServerBusy = 0x89,

    /// <summary>CONNACK: the client is banned.</summary>
    Banned = 0x8A,

    /// <summary>DISCONNECT from the server: it is shutting down.</summary>
    ServerShuttingDown = 0x8B,

    /// <summary>The authentication method is not supported, or does not match.</summary>
    BadAuthenticationMethod = 0x8C,

    /// <summary>DISCONNECT from the server: nothing came for 1.5 times the keep-alive.</summary>
    KeepAliveTimeout = 0x8D,

    /// <summary>DISCONNECT from the server: another connection uses the same client identifier.</summary>
    SessionTakenOver = 0x8E,

    /// <summary>The topic filter is well formed but not accepted.</summary>
    TopicFilterInvalid = 0x8F,

    /// <summary>The topic name is well formed but not accepted.</summary>
    TopicNameInvalid = 0x90,

    /// <summary>The packet identifier is in use.</summary>
    PacketIdentifierInUse = 0x91,

    /// <summary>PUBREL, PUBCOMP: the packet identifier is not known.</summary>
    PacketIdentifierNotFound = 0x92,

    /// <summary>DISCONNECT: more unacknowledged messages than Receive Maximum.</summary>
    ReceiveMaximumExceeded = 0x93,

    /// <summary>DISCONNECT: a topic alias of 0 or above the maximum.</summary>
    TopicAliasInvalid = 0x94,

    /// <summary>The packet is larger than the receiver accepts.</summary>
    PacketTooLarge = 0x95,

    /// <summary>DISCONNECT: messages come too fast.</summary>
    MessageRateTooHigh = 0x96,

    /// <summary>A limit of the implementation or the administrator is exceeded.</summary>
    QuotaExceeded = 0x97,

    /// <summary>DISCONNECT: closed by an administrator.</summary>
    AdministrativeAction = 0x98,

    /// <summary>The payload does not match its Payload Format Indicator.</summary>
    PayloadFormatInvalid = 0x99,

    /// <summary>Retained messages are not supported.</summary>
    RetainNotSupported = 0x9A,

    /// <summary>The quality of service is not supported.</summary>
    QoSNotSupported = 0x9B,

    /// <summary>Use another server for now.</summary>
    UseAnotherServer = 0x9C,

    /// <summary>Use another server from now on.</summary>
    ServerMoved = 0x9D,

    /// <summary>Shared subscriptions are not supported.</summary>
    SharedSubscriptionsNotSupported = 0x9E,

    /// <summary>Too many connections in too short a time.</summary>
    ConnectionRateExceeded = 0x9F,

    /// <summary>DISCONNECT from the server: the maximum connection time has passed.</summary>
    MaximumConnectTime = 0xA0,

    /// <summary>Subscription identifiers are not supported.</summary>
    SubscriptionIdentifiersNotSupported = 0xA1,

    /// <summary>Wildcard subscriptions are not supported.</summary>
    WildcardSubscriptionsNotSupported = 0xA2,
}
