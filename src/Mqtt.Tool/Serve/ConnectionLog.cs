using Microsoft.Extensions.Logging;
using Mqtt.Protocol;
using Mqtt.Server;

namespace Mqtt.Tool.Serve;

/// <summary>Stands before the broker and logs who comes and who goes, and why. Runs inline, as the broker does.</summary>
internal sealed class ConnectionLog(MqttBroker broker, ILogger log) : IInlineMqttHandler
{
    public ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet) =>
        packet is ConnectPacket connect ? OnConnectAsync(connection, connect) : broker.OnPacketAsync(connection, packet);

    public ValueTask OnClosedAsync(MqttConnection connection, MqttCloseCause cause)
    {
        log.LogInformation(
            "{Connection} closed: {Kind}, {ReasonCode}{Detail}", connection, cause.Kind, cause.ReasonCode, cause.Exception is { } failure ? $" ({failure.Message})" : "");
        return broker.OnClosedAsync(connection, cause);
    }

    private async ValueTask OnConnectAsync(MqttConnection connection, ConnectPacket packet)
    {
        var (client, version) = (packet.ClientId.ToString(), packet.Version);
        await broker.OnPacketAsync(connection, packet);
        log.LogInformation("{Connection} {Outcome}: client '{Client}', {Version}", connection, connection.IsAccepted ? "connected" : "refused", client, version);
    }
}
