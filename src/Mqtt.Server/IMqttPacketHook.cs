using Mqtt.Protocol;

namespace Mqtt.Server;

/// <summary>
/// Sees every packet that a server reads and writes, whatever handler stands behind it: for tracing, and for changes in what goes over the wire.
/// It runs on the threads that read and send, must not block, and must not send anything itself; what it throws is logged, and the packet goes its way. Packets are borrowed until the call
/// returns.
/// </summary>
public interface IMqttPacketHook
{
    /// <summary>A packet came in. What is returned is handled in its place; to change something, return another packet. Default: the packet itself.</summary>
    MqttPacket OnRead(MqttConnection connection, MqttPacket packet) => packet;

    /// <summary>A packet was handled, or the handler threw. Default: nothing.</summary>
    void OnHandled(MqttConnection connection, MqttPacket packet, Exception? failure)
    {
    }

    /// <summary>
    /// A packet is about to leave. What is returned leaves in its place; to change something, return another packet, which must be one that the client
    /// accepts. <see langword="null"/> keeps it back. Default: the packet itself.
    /// </summary>
    MqttPacket? OnWrite(MqttConnection connection, MqttPacket packet) => packet;

    /// <summary>A packet has left, as these bytes. Default: nothing.</summary>
    void OnWritten(MqttConnection connection, ReadOnlyMemory<byte> frame)
    {
    }
}
