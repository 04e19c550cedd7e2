using Mqtt.Protocol.Delivery;

namespace Mqtt.Client;

/// <summary>A message of a client's queue, as it is stored.</summary>
public readonly record struct MqttStoredPublish
{
    /// <summary>Its place in the queue: unique, 1 or more, growing in the order in which messages were taken in.</summary>
    public long Number { get; init; }

    /// <summary>How far it has come; <see cref="FlightState.None"/>: it waits to be sent. Only this and the next two change.</summary>
    public FlightState State { get; init; }

    /// <summary>The packet identifier under which it is in flight; 0 while it waits.</summary>
    public ushort PacketId { get; init; }

    /// <summary>Grows with each change of a state: what is sent again is sent in this order [MQTT-4.6.0-1] [MQTT-4.6.0-4]. 0 while it waits.</summary>
    public long Order { get; init; }

    /// <summary>When it is of no use any more, by the calendar. Default: never.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>In which version <see cref="Packet"/> is written.</summary>
    public MqttProtocolVersion Version { get; init; }

    /// <summary>The PUBLISH packet, to be kept as it is. Its packet identifier, DUP and message expiry mean nothing.</summary>
    public ReadOnlyMemory<byte> Packet { get; init; }
}
