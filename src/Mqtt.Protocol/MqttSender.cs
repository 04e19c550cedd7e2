namespace Mqtt.Protocol;

/// <summary>Who sent a packet. Some packets, properties and reason codes belong to one side alone.</summary>
[Flags]
public enum MqttSender : byte
{
    /// <summary>The client: the side that opened the connection.</summary>
    Client = 1,

    /// <summary>The server: the side that accepted the connection.</summary>
    Server = 2,

    /// <summary>Either side: for tools that read both directions of a conversation.</summary>
    Either = Client | Server,
}
