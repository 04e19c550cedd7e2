using Mqtt.Protocol;

namespace Mqtt.Server;

/// <summary>
/// What stands behind a server: packets in, packets out. A broker is one handler, a device gateway or a test double is another.
/// <para>
/// The server has seen to framing, to "CONNECT first and once", to the size and time limits and to keep-alive. Everything else is
/// the handler's; <see cref="MqttHandler"/> answers each packet as the standard demands.
/// </para>
/// <para>
/// User code runs on the thread pool, so that it may block without harm to others. A handler that never blocks says so with
/// <see cref="IInlineMqttHandler"/>, and runs on the connection's own thread.
/// </para>
/// </summary>
public interface IMqttHandler
{
    /// <summary>
    /// Takes one packet. Called for one connection in order, and never twice at once. The packet and all its bytes are borrowed
    /// until the returned task completes; until then the connection alone waits. An exception ends this connection: a
    /// <see cref="MqttProtocolException"/> with its reason code, any other with 0x83 (implementation specific error).
    /// </summary>
    ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet);

    /// <summary>
    /// The connection is over. Called exactly once for each connection that brought a packet, after the last packet; see <see cref="HearsOfEndEarly"/>.
    /// </summary>
    ValueTask OnClosedAsync(MqttConnection connection, MqttCloseCause cause);

    /// <summary>
    /// Whether the handler wants to hear of the end of a connection at once, though a packet of it may still be with the handler: that may never come back. The
    /// packet stays its own until it has completed all the same. Default: false, the end is told after the last packet.
    /// </summary>
    bool HearsOfEndEarly => false;
}

/// <summary>A handler that promises never to block and to compute briefly: it runs on the connection's own thread, which it shares with others.</summary>
public interface IInlineMqttHandler : IMqttHandler
{
    /// <summary>
    /// Looks at what has arrived before the handler gets it packet by packet, to have at hand what the packets will need: a broker has the processor fetch from memory where
    /// their topics lead. Called for connections that are accepted, before the first packet of a read and whenever the handler wants. The bytes are not checked yet, so that nothing may
    /// follow from them but that the packets are handled faster.
    /// </summary>
    /// <param name="unread">What has arrived and is not handled yet, from the beginning of a packet on; borrowed until the method returns.</param>
    /// <returns>After how many of these packets to call again, at least 1. Default: <see cref="int.MaxValue"/>, the handler does not look ahead.</returns>
    int LookAhead(ReadOnlySpan<byte> unread) => int.MaxValue;
}
