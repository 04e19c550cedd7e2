using System.Diagnostics.CodeAnalysis;
using Mqtt.Protocol;

namespace Mqtt.Server;

/// <summary>
/// Something between a server and its handler: it sees every packet before the handler does, and may change it, answer it itself, or keep it.
/// <see cref="MqttHandlerExtensions.Use(IMqttHandler, IMqttMiddleware[])"/> puts it there.
/// </summary>
public interface IMqttMiddleware
{
    /// <summary>
    /// Takes one packet, under the same rules as <see cref="IMqttHandler.OnPacketAsync"/>. Hands it on, or another in its place, with
    /// <c>next.OnPacketAsync</c>; to change something, hand on another packet, since a broker relays the bytes of one that was read. What comes after that call happens when the packet has been handled.
    /// </summary>
    ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet, IMqttHandler next);

    /// <summary>The connection is over. Default: hands it on, as each implementation must.</summary>
    ValueTask OnClosedAsync(MqttConnection connection, MqttCloseCause cause, IMqttHandler next)
    {
        ArgumentNullException.ThrowIfNull(next);
        return next.OnClosedAsync(connection, cause);
    }
}

/// <summary>Middleware that promises never to block and to compute briefly; in front of an inline handler it runs on the connection's own thread.</summary>
[SuppressMessage("Design", "CA1040:Avoid empty interfaces", Justification = "A promise has no member.")]
public interface IInlineMqttMiddleware : IMqttMiddleware;
