using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>
/// A packet that may leave only when what it asserts is stored, or behind one that waits for that. Acknowledgements leave in the order
/// of what they answer [MQTT-4.6.0-2] [MQTT-4.6.0-3] [MQTT-4.6.0-4].
/// </summary>
/// <param name="Kind">The packet.</param>
/// <param name="PacketId">Its identifier. A PUBLISH is looked up by it when it leaves.</param>
/// <param name="ReasonCode">Its reason code.</param>
/// <param name="Position">The position in the store that must be safe first; 0 for none.</param>
/// <param name="Packet">The whole packet, if it has more than identifier and code.</param>
internal readonly record struct Departure(MqttPacketType Kind, ushort PacketId, ReasonCode ReasonCode, long Position, MqttPacket? Packet = null);
