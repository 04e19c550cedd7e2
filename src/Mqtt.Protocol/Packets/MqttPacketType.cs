namespace Mqtt.Protocol;

/// <summary>The control packet type, bits 7 to 4 of the first byte (section 2.1.2).</summary>
public enum MqttPacketType : byte
{
    /// <summary>Connection request, client to server.</summary>
    Connect = 1,

    /// <summary>Connection acknowledgement, server to client.</summary>
    ConnAck = 2,

    /// <summary>Publish message, both ways.</summary>
    Publish = 3,

    /// <summary>Publish acknowledgement (QoS 1), both ways.</summary>
    PubAck = 4,

    /// <summary>Publish received (QoS 2, first answer), both ways.</summary>
    PubRec = 5,

    /// <summary>Publish release (QoS 2, second step), both ways.</summary>
    PubRel = 6,

    /// <summary>Publish complete (QoS 2, last step), both ways.</summary>
    PubComp = 7,

    /// <summary>Subscribe request, client to server.</summary>
    Subscribe = 8,

    /// <summary>Subscribe acknowledgement, server to client.</summary>
    SubAck = 9,

    /// <summary>Unsubscribe request, client to server.</summary>
    Unsubscribe = 10,

    /// <summary>Unsubscribe acknowledgement, server to client.</summary>
    UnsubAck = 11,

    /// <summary>Ping request, client to server.</summary>
    PingReq = 12,

    /// <summary>Ping response, server to client.</summary>
    PingResp = 13,

    /// <summary>Disconnect notification: from the client in every version, from the server in 5.0.</summary>
    Disconnect = 14,

    /// <summary>Authentication exchange, both ways, 5.0 only.</summary>
    Auth = 15,
}
