using Mqtt.Protocol;

namespace Mqtt.Server;

/// <summary>A handler made of one function, or two.</summary>
/// <param name="onPacket">Takes each packet, as <see cref="IMqttHandler.OnPacketAsync"/>.</param>
/// <param name="onClosed">Told of the end of each connection, as <see cref="IMqttHandler.OnClosedAsync"/>. Default: nothing.</param>
public sealed class MqttDelegateHandler(
    Func<MqttConnection, MqttPacket, ValueTask> onPacket,
    Func<MqttConnection, MqttCloseCause, ValueTask>? onClosed = null) : IMqttHandler
{
    /// <inheritdoc/>
    public ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet) => onPacket(connection, packet);

    /// <inheritdoc/>
    public ValueTask OnClosedAsync(MqttConnection connection, MqttCloseCause cause) => onClosed?.Invoke(connection, cause) ?? ValueTask.CompletedTask;
}
