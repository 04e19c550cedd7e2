namespace Mqtt.Interop.Tests;

/// <summary><c>mosquitto_rr</c> asks through our broker, and MQTT.js answers.</summary>
public class RequestResponseTests
{
    [Theory, InlineData(0), InlineData(1), InlineData(2)]
    public async Task A_request_of_5_0_brings_the_topic_and_the_correlation_of_its_answer(int quality)
    {
        await using var server = await OurBroker.StartAsync();
        await using var service = await MqttJs.ConnectAsync(server, 5);
        await service.SubscribeAsync("service", new { qos = 2 });

        await using var requester = Mosquitto.Request(
            server, "mqttv5", "-t", "service", "-e", "answers/7", "-q", $"{quality}", "-m", "question", "-D", "publish", "correlation-data", "no. 7", "-F", "%t %p %D");
        var request = await service.MessageAsync();
        request.Line.Should().Be($"service question {quality} live");
        await service.PublishAsync(
            request.Properties.GetProperty("responseTopic").GetString()!,
            "answer",
            new { qos = quality, properties = new { correlationData = request.Properties.GetProperty("correlationData").GetString() } });

        (await requester.SucceedAsync()).Text.Should().Be("answers/7 answer no. 7\n");
    }

    [Theory, InlineData(0), InlineData(1), InlineData(2)]
    public async Task A_request_of_3_1_1_is_answered_on_a_topic_that_both_know(int quality)
    {
        await using var server = await OurBroker.StartAsync();
        await using var service = await MqttJs.ConnectAsync(server, 4);
        await service.SubscribeAsync("service", new { qos = 2 });

        await using var requester = Mosquitto.Request(server, "mqttv311", "-t", "service", "-e", "answers", "-q", $"{quality}", "-m", "question", "-v");
        (await service.MessageAsync()).Line.Should().Be($"service question {quality} live");
        await service.PublishAsync("answers", "answer", new { qos = quality });

        (await requester.SucceedAsync()).Text.Should().Be("answers answer\n");
    }

    [Fact]
    public async Task A_service_of_3_1_1_answers_a_request_of_5_0()
    {
        await using var server = await OurBroker.StartAsync();
        await using var service = await MqttJs.ConnectAsync(server, 4);
        await service.SubscribeAsync("service", new { qos = 1 });

        await using var requester = Mosquitto.Request(server, "mqttv5", "-t", "service", "-e", "answers", "-q", "1", "-m", "question");
        await service.MessageAsync();
        await service.PublishAsync("answers", "answer", new { qos = 1 });

        (await requester.SucceedAsync()).Text.Should().Be("answer\n");
    }

    [Fact]
    public async Task Each_of_many_requesters_gets_its_own_answer()
    {
        await using var server = await OurBroker.StartAsync();
        await using var service = await MqttJs.ConnectAsync(server, 5);
        await service.SubscribeAsync("service", new { qos = 1 });
        var requesters = Enumerable.Range(1, 8)
            .Select(number => Mosquitto.Request(server, "mqttv5", "-t", "service", "-e", $"answers/{number}", "-q", "1", "-m", $"{number}"))
            .ToList();
        try
        {
            var requests = new List<JsMessage>();
            foreach (var _ in requesters)
                requests.Add(await service.MessageAsync());
            foreach (var request in requests)
                await service.PublishAsync(request.Properties.GetProperty("responseTopic").GetString()!, $"to {request.Text}", new { qos = 1 });

            for (var number = 1; number <= requesters.Count; number++)
                (await requesters[number - 1].SucceedAsync()).Text.Should().Be($"to {number}\n");
        }
        finally
        {
            foreach (var requester in requesters)
                await requester.DisposeAsync();
        }
    }
}
