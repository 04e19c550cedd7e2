using System.Text;
using Mqtt.Client;
using Mqtt.Protocol;
using Mqtt.Server;
using Mqtt.Server.Broker;

// A program that has a broker is one of its clients itself, without a socket, and publishes to whom it likes.
await using var broker = new MqttBroker();
await using var server = new MqttServer(broker, "mqtt://127.0.0.1:0");
await server.StartAsync();

await using var device = new MqttClient(new MqttClientOptions { Server = new($"mqtt://{server.Endpoints[0]}"), ClientId = "device-7" });
await device.ConnectAsync();
await using var orders = await device.SubscribeAsync("orders", QualityOfService.AtLeastOnce);

// The client in the process: a session, subscriptions with a handler or a stream. It may do everything unless its options say otherwise.
await using var app = await broker.ConnectAsync("app");
var readings = new TaskCompletionSource<string>();
await using var subscription = await app.SubscribeAsync("plant/+/temperature", (message, _) =>
{
    readings.TrySetResult($"{message.Topic} = {Encoding.UTF8.GetString(message.Payload.Span)}");
    return default;
}, QualityOfService.AtLeastOnce);
await device.PublishAsync("plant/7/temperature", "21.5", QualityOfService.AtLeastOnce);
Console.WriteLine($"app: {await readings.Task}");

// Direct publish needs no client at all: to everybody who subscribes, or to chosen clients.
var all = await broker.PublishAsync("orders", "start", QualityOfService.AtLeastOnce);
var nobody = await broker.PublishAsync(new PublishPacket { Topic = "orders", Payload = "stop"u8.ToArray() }, new BrokerPublishTargets("device-8"));
Console.WriteLine($"broker: {all.ReceiverCount} and {nobody.ReceiverCount} receivers");
await foreach (var order in orders)
{
    Console.WriteLine($"device: {order.GetText()}");
    break;
}
