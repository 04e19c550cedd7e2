using System.Text;
using Mqtt.Protocol;
using Mqtt.Server;

// Devices speak MQTT, but nobody needs a broker: Gateway [ADDRESS]
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.Cancel();
};

var address = args is [var first] ? first : "mqtt://127.0.0.1:1883";

await using var server = new MqttServer(address);
await server.ListenAndServeAsync(new Gateway(), stop.Token);

sealed class Gateway : MqttHandler
{
    protected override ValueTask<ConnAckPacket> OnConnectAsync(MqttConnection connection, ConnectPacket packet)
    {
        connection.State = packet.ClientId.ToString(); // the packet is borrowed, the string is ours
        return base.OnConnectAsync(connection, packet);
    }

    protected override ValueTask<ReasonCode> OnPublishAsync(MqttConnection connection, PublishPacket packet)
    {
        Console.WriteLine($"{connection.State} {packet.Topic}: {Encoding.UTF8.GetString(packet.Payload.Span)}");
        return new(packet.Retain ? ReasonCode.NotAuthorized : ReasonCode.Success);
    }
}
