using System.Diagnostics;
using Mqtt.Client;
using Mqtt.Protocol;
using Mqtt.Server;

// MQTT without a broker: a handler that sends back what it gets, and two pieces of middleware in front of it.
var handler = new Echo().Use(new Timing()).Use((connection, packet, next) =>
{
    // Nobody subscribes here: keep the handler from hearing of it.
    if (packet is not SubscribePacket subscribe)
        return next.OnPacketAsync(connection, packet);
    connection.Send(new SubAckPacket { PacketId = subscribe.PacketId, ReasonCodes = [.. subscribe.Subscriptions.Select(_ => ReasonCode.GrantedQoS0)] });
    return ValueTask.CompletedTask;
});

await using var server = new MqttServer(handler, "mqtt://127.0.0.1:0");
await server.StartAsync();

await using var client = new MqttClient($"mqtt://{server.Endpoints[0]}");
await using var echoes = client.Subscribe("#");
await client.ConnectAsync();
(await client.PublishAsync("hello", "world", QualityOfService.AtLeastOnce)).EnsureSuccess();
await foreach (var message in echoes)
{
    Console.WriteLine($"client: {message.Topic} = {message.GetText()}");
    break;
}

sealed class Echo : MqttHandler
{
    protected override ValueTask<ReasonCode> OnPublishAsync(MqttConnection connection, PublishPacket packet)
    {
        connection.Send(new PublishPacket { Topic = "echo/" + packet.Topic, Payload = packet.Payload }); // encoded at once: the payload may stay borrowed
        return new(ReasonCode.Success);
    }
}

sealed class Timing : IMqttMiddleware
{
    public async ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet, IMqttHandler next)
    {
        var began = Stopwatch.GetTimestamp();
        await next.OnPacketAsync(connection, packet);
        if (packet is PublishPacket)
            Console.WriteLine($"server: {packet.Type} in {(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(10) ? "time" : "vain")}");
    }
}
