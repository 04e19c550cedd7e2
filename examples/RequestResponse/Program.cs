using System.Text;
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
{
    if (question.ResponseTopic is not { } topic)
        return;
    var sum = int.Parse($"{parameters["a"]}") + int.Parse($"{parameters["b"]}");
    await calculator.PublishAsync(new MqttMessage(topic.ToOwned(), $"{sum}") { CorrelationData = question.CorrelationData }, stop);
}, QualityOfService.AtLeastOnce);

// The client that asks: one topic for all answers, and what tells them apart.
await using var asker = new MqttClient(new MqttClientOptions { Server = address, ClientId = "asker" });
await asker.ConnectAsync();
await using var answers = await asker.SubscribeAsync("answers/asker", QualityOfService.AtLeastOnce);
Console.WriteLine($"asker: {await AskAsync("plant/7/name")}");
Console.WriteLine($"asker: {await AskAsync("sum/2/3")}");

async Task<string> AskAsync(string question)
{
    var number = Encoding.UTF8.GetBytes(question);
    (await asker.PublishAsync(new MqttMessage(question, "")
    {
        QualityOfService = QualityOfService.AtLeastOnce,
        ResponseTopic = "answers/asker",
        CorrelationData = number,
    })).EnsureSuccess();
    await foreach (var answer in answers)
    {
        if (answer.CorrelationData is { } data && data.Span.SequenceEqual(number))
            return $"{question} is {answer.GetText()}";
    }

    throw new InvalidOperationException("There are no more answers.");
}
