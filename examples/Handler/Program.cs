using Mqtt.Client;
using Mqtt.Protocol;
using Mqtt.Server;

// MQTT without a broker: a handler that sends back what it gets. In front of it stand two pieces of middleware; the first sees each packet first.
var handler = new Echo().Use(new Log()).Use((connection, packet, next) =>
{
    if (packet is PublishPacket { Payload.Length: > 1024 })
        throw new MqttProtocolException(ReasonCode.QuotaExceeded, "No more than a KiB."); // ends this connection, with the reason, and no other
    return next.OnPacketAsync(connection, packet);
});

await using var server = new MqttServer(handler, "mqtt://127.0.0.1:0");
await server.StartAsync();

await using var client = new MqttClient($"mqtt://{server.Endpoints[0]}");
await client.ConnectAsync();
await using var echoes = await client.SubscribeAsync("echo/#");
(await client.PublishAsync("hello", "world", QualityOfService.AtLeastOnce)).EnsureSuccess();
await foreach (var message in echoes)
{
    Console.WriteLine($"client: {message.Topic} = {message.GetText()}");
    break;
}

// What is not overridden is answered as the standard demands.
sealed class Echo : MqttHandler
{
    protected override ValueTask<IReadOnlyList<ReasonCode>> OnSubscribeAsync(MqttConnection connection, SubscribePacket packet) =>
        new([.. packet.Subscriptions.Select(_ => ReasonCode.GrantedQoS0)]);

    protected override ValueTask<ReasonCode> OnPublishAsync(MqttConnection connection, PublishPacket packet)
    {
        connection.Send(new PublishPacket { Topic = "echo/" + packet.Topic, Payload = packet.Payload }); // encoded at once: the payload may stay borrowed
        return new(ReasonCode.Success);
    }
}

sealed class Log : IMqttMiddleware
{
    public ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet, IMqttHandler next)
    {
        Console.WriteLine($"server: {packet.Type}");
        return next.OnPacketAsync(connection, packet);
    }
}
