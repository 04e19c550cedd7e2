using Mqtt.Client;
using Mqtt.Protocol;
using Mqtt.Server;

// Packets that a client has not sent are handled as if it had: here the broker's program subscribes and publishes in the name of a device that cannot be changed any more.
await using var broker = new MqttBroker();
await using var server = new MqttServer(broker, "mqtt://127.0.0.1:0");
await server.StartAsync();

await using var device = new MqttClient(new MqttClientOptions { Server = new($"mqtt://{server.Endpoints[0]}"), ClientId = "device-7" });
await using var everything = device.Subscribe("status/+");
await device.ConnectAsync();
await everything.WaitForAnswersAsync();

// With all rights and rules of the device, in order with its own packets.
var found = await broker.InjectAsync("device-7", new PublishPacket { Topic = "status/device-7", Payload = "alive"u8.ToArray() });
Console.WriteLine($"broker: device-7 {(found ? "published" : "is away")}");
await foreach (var message in everything)
{
    Console.WriteLine($"device: {message.Topic} = {message.GetText()}");
    break;
}

Console.WriteLine($"broker: device-8 {(await broker.InjectAsync("device-8", new PingReqPacket()) ? "answered" : "is away")}");

// What a client may not say ends its connection, whoever said it.
var gone = new TaskCompletionSource<MqttDisconnectCause>();
device.Happened += (_, what) => _ = what is MqttDisconnectedEvent ended && gone.TrySetResult(ended.Cause);
try
{
    await broker.InjectAsync("device-7", new ConnectPacket { ClientId = "device-7" });
}
catch (Exception error) when (error is MqttProtocolException or MqttConnectionException)
{
    Console.WriteLine("broker: a second CONNECT is refused");
}

Console.WriteLine($"device: {(await gone.Task).ReasonCode}");
