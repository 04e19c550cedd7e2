using Mqtt.Client;
using Mqtt.Protocol;

// Publishes one reading and prints every reading that comes, its own first: Client [ADDRESS]
var address = args is [var first] ? first : "mqtt://localhost:1883";

await using var client = new MqttClient(address);
await using var readings = client.Subscribe("plant/+/temperature", QualityOfService.AtLeastOnce); // before CONNECT: nothing queued is lost
await client.ConnectAsync(); // MqttRefusedException tells the reason if the server says no; from here on it reconnects by itself

var result = await client.PublishAsync("plant/7/temperature", "21.5", QualityOfService.AtLeastOnce);
result.EnsureSuccess(); // as with HTTP: the server's answer is a result until it is asked to be an exception

await foreach (var message in readings)
    Console.WriteLine($"{message.Topic}: {message.GetText()}");
