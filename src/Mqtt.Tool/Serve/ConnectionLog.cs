using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Mqtt.Protocol;
using Mqtt.Server;

namespace Mqtt.Tool.Serve;

/// <summary>Stands before the broker and logs who comes, subscribes and goes, and why. Runs inline, as the broker does.</summary>
internal sealed class ConnectionLog(MqttBroker broker, ILogger log) : IInlineMqttHandler
{
    private readonly ConcurrentDictionary<long, string> clients = new();

    public bool HearsOfEndEarly => true;

    public int LookAhead(ReadOnlySpan<byte> unread) => broker.LookAhead(unread);

    public ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet) => packet switch
    {
        ConnectPacket connect => OnConnectAsync(connection, connect),
        SubscribePacket subscribe => OnSubscribeAsync(connection, subscribe),
        _ => broker.OnPacketAsync(connection, packet),
    };

    public ValueTask OnClosedAsync(MqttConnection connection, MqttCloseCause cause)
    {
        var detail = cause.Exception is { } failure ? $" ({failure.Message})" : "";
        log.LogInformation("{Client} closed: {Kind}, {ReasonCode}{Detail}", Client(connection), cause.Kind, cause.ReasonCode, detail);
        clients.TryRemove(connection.Id, out _);
        return broker.OnClosedAsync(connection, cause);
    }

    private async ValueTask OnConnectAsync(MqttConnection connection, ConnectPacket packet)
    {
        var version = packet.Version;
        clients[connection.Id] = packet.ClientId.ToString();
        await broker.OnPacketAsync(connection, packet);
        log.LogInformation("{Client} {Outcome}, {Version}", Client(connection), connection.IsAccepted ? "connected" : "refused", version);
    }

    private async ValueTask OnSubscribeAsync(MqttConnection connection, SubscribePacket packet)
    {
        var filters = string.Join(", ", packet.Subscriptions.Select(one => $"{one.Filter} (QoS {(int)one.QualityOfService})"));
        await broker.OnPacketAsync(connection, packet);
        log.LogInformation("{Client} subscribed to {Filters}", Client(connection), filters);
    }

    private string Client(MqttConnection connection) => $"{connection} '{clients.GetValueOrDefault(connection.Id)}'";
}
