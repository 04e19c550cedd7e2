using System.Text;

namespace Mqtt.Server.Tests;

/// <summary>Handlers for topics with named levels, without a broker.</summary>
public sealed class TopicMuxTests
{
    [Fact]
    public async Task A_message_goes_to_the_handler_of_its_topic_with_its_parameters()
    {
        var heard = new List<string>();
        var mux = new MqttTopicMux()
            .Map("plant/{id}/temperature", (request, _) => Note($"{request.Parameters["id"]}: {request.GetText()}"))
            .Map("plant/{id}/{rest...}", (request, _) => Note($"{request.Parameters["id"]} {request.Parameters["rest"]}"));
        await using var server = await RunningServer.StartAsync(Transport.Memory, mux);
        var client = await server.ConnectAsync();

        (await PublishAsync(client, "plant/7/temperature", "21.5")).Should().Be(ReasonCode.Success);
        (await PublishAsync(client, "plant/8/a/b")).Should().Be(ReasonCode.Success);
        (await PublishAsync(client, "house/8")).Should().Be(ReasonCode.NoMatchingSubscribers);

        heard.Should().Equal("7: 21.5", "8 a/b");

        ValueTask Note(string line)
        {
            heard.Add(line);
            return default;
        }
    }

    [Theory, Spec(V5, "3.3.2-15")]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.ExactlyOnce)]
    public async Task A_request_is_answered_to_its_response_topic_with_its_correlation_data(QualityOfService qualityOfService)
    {
        var mux = new MqttTopicMux().Map("add/{a}/{b}", (request, stop) =>
            request.RespondAsync($"{int.Parse($"{request.Parameters["a"]}") + int.Parse($"{request.Parameters["b"]}")}", stop));
        await using var server = await RunningServer.StartAsync(Transport.Memory, mux);
        var client = await server.ConnectAsync();
        await client.SendAsync(new SubscribePacket { PacketId = 1, Subscriptions = [new("answers", QualityOfService.ExactlyOnce)] });
        (await client.ExpectAsync<SubAckPacket>()).ReasonCodes.Should().Equal(ReasonCode.GrantedQoS0);

        await client.SendAsync(new PublishPacket
        {
            Topic = "add/2/3",
            QualityOfService = qualityOfService,
            PacketId = (ushort)(qualityOfService == QualityOfService.AtMostOnce ? 0 : 2),
            ResponseTopic = "answers",
            CorrelationData = new byte[] { 7 },
        });

        var answer = await client.ExpectAsync<PublishPacket>();
        (answer.Topic.ToString(), answer.QualityOfService, answer.CorrelationData!.Value.Span[0]).Should().Be(("answers", QualityOfService.AtMostOnce, 7));
        answer.Payload.ToArray().Should().Equal("5"u8.ToArray());
        if (qualityOfService == QualityOfService.ExactlyOnce)
            (await client.ExpectAsync<PubRecPacket>()).ReasonCode.Should().Be(ReasonCode.Success);
        await client.ExpectNothingBeforePingAsync();
    }

    [Fact]
    public async Task A_refused_message_is_acknowledged_with_the_code_of_its_handler()
    {
        var mux = new MqttTopicMux().Map("{any}", (request, _) =>
        {
            request.Refuse(ReasonCode.QuotaExceeded);
            return default;
        });
        await using var server = await RunningServer.StartAsync(Transport.Memory, mux);
        var client = await server.ConnectAsync();

        (await PublishAsync(client, "t")).Should().Be(ReasonCode.QuotaExceeded);
    }

    [Fact]
    public async Task Who_wants_no_answer_cannot_be_answered()
    {
        var outcome = new TaskCompletionSource<(bool, Exception?)>();
        var mux = new MqttTopicMux().Map("{any}", async (request, stop) =>
            outcome.SetResult((request.WantsResponse, await Record.ExceptionAsync(async () => await request.RespondAsync("x", stop)))));
        await using var server = await RunningServer.StartAsync(Transport.Memory, mux);
        var client = await server.ConnectAsync();

        await PublishAsync(client, "t");

        var (wanted, error) = await outcome.Task;
        wanted.Should().BeFalse();
        error.Should().BeOfType<InvalidOperationException>();
    }

    [Fact]
    public async Task Handlers_may_wait_one_connection_in_order_and_the_others_unhindered()
    {
        var first = new TaskCompletionSource();
        var heard = new List<string>();
        var mux = new MqttTopicMux()
            .Map("slow/{n}", async (request, _) =>
            {
                var number = $"{request.Parameters["n"]}";
                if (number == "1")
                    await first.Task;
                heard.Add(number);
            })
            .Map("quick", (_, _) => default);
        await using var server = await RunningServer.StartAsync(Transport.Memory, mux);
        var (waiting, other) = (await server.ConnectAsync(), await server.ConnectAsync());

        await waiting.SendAsync(new PublishPacket { Topic = "slow/1", QualityOfService = QualityOfService.AtLeastOnce, PacketId = 1 });
        await waiting.SendAsync(new PublishPacket { Topic = "slow/2", QualityOfService = QualityOfService.AtLeastOnce, PacketId = 2 });
        (await PublishAsync(other, "quick")).Should().Be(ReasonCode.Success);
        heard.Should().BeEmpty();
        first.SetResult();

        (await waiting.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(1);
        (await waiting.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(2);
        heard.Should().Equal("1", "2");
    }

    [Fact]
    public async Task A_handler_that_throws_ends_its_own_connection_alone()
    {
        var mux = new MqttTopicMux().Map("bad", (_, _) => throw new InvalidOperationException("as announced")).Map("good", (_, _) => default);
        await using var server = await RunningServer.StartAsync(Transport.Memory, mux);
        var (bad, good) = (await server.ConnectAsync(), await server.ConnectAsync());

        await bad.SendAsync(new PublishPacket { Topic = "bad" });

        (await bad.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.ImplementationSpecificError);
        (await PublishAsync(good, "good")).Should().Be(ReasonCode.Success);
        server.Log.Errors.Should().ContainSingle().Which.Should().Contain("as announced");
        server.Log.Clear();
    }

    [Theory]
    [InlineData("plant/+")]
    [InlineData("$share/group/plant/{id}")]
    public void What_is_no_template_of_topics_is_not_mapped(string template)
    {
        var act = () => new MqttTopicMux().Map(template, (_, _) => default);

        act.Should().Throw<ArgumentException>();
    }

    private static async Task<ReasonCode> PublishAsync(ScriptedPeer client, string topic, string payload = "")
    {
        await client.SendAsync(new PublishPacket { Topic = topic, Payload = Encoding.UTF8.GetBytes(payload), QualityOfService = QualityOfService.AtLeastOnce, PacketId = 9 });
        return (await client.ExpectAsync<PubAckPacket>()).ReasonCode;
    }
}
