using Mqtt.Client;
using Mqtt.Protocol;
using Mqtt.Server;
using Mqtt.Server.Broker.Rules;

// Request and response of MQTT 5: a mux answers what it has a handler for, be it in the broker's program or at another client.
var mux = new MqttTopicMux().Map("plant/{id}/name", (request, stop) => request.RespondAsync($"plant {request.Parameters["id"]}", stop));
await using var broker = new MqttBroker(new MqttBrokerOptions { Hooks = [new TopicMuxHook(mux)] });
await using var server = new MqttServer(broker, "mqtt://127.0.0.1:0");
await server.StartAsync();
var address = new Uri($"mqtt://{server.Endpoints[0]}");

// A client that answers too.
await using var calculator = new MqttClient(new MqttClientOptions { Server = address, ClientId = "calculator" });
await calculator.ConnectAsync();
await using var sums = await calculator.MapAsync("sum/{a}/{b}", async (question, parameters, stop) =>
    await question.RespondAsync($"{int.Parse($"{parameters["a"]}") + int.Parse($"{parameters["b"]}")}", stop), QualityOfService.AtLeastOnce);

// The client that asks: any number of requests at a time; one topic takes all responses.
await using var asker = new MqttClient(new MqttClientOptions { Server = address, ClientId = "asker" });
await asker.ConnectAsync();
var name = asker.RequestAsync("plant/7/name", "");
var sum = asker.RequestAsync("sum/2/3", "");
Console.WriteLine($"asker: plant/7/name is {(await name).GetText()}");
Console.WriteLine($"asker: sum/2/3 is {(await sum).GetText()}");

// A question that nobody answers ends in time.
try
{
    await asker.RequestAsync("meaning/of/life", "", timeout: TimeSpan.FromMilliseconds(100));
}
catch (TimeoutException)
{
    Console.WriteLine("asker: nobody knows");
}
