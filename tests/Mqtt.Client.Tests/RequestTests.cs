using System.Text.Json.Serialization;

namespace Mqtt.Client.Tests;

public partial class RequestTests
{
    [Fact]
    public async Task The_first_request_subscribes_and_the_response_with_its_correlation_data_is_the_answer()
    {
        await using var scene = await Scene.ConnectedAsync();
        var asking = scene.Client.RequestAsync("question", "how?").AsTask();
        var subscribe = await scene.Server.ExpectAsync<SubscribePacket>();
        await scene.Server.SendAsync(new SubAckPacket { PacketId = subscribe.PacketId, ReasonCodes = [ReasonCode.GrantedQoS1] });
        var request = await TakeRequestAsync(scene);
        await RespondAsync(scene, request, "so", subscribe.SubscriptionIdentifier);
        var response = await asking.Soon();

        subscribe.Subscriptions.Should().ContainSingle().Which.Filter.ToString().Should().Be("response/tester");
        (request.Topic.ToString(), System.Text.Encoding.UTF8.GetString(request.Payload.Span)).Should().Be(("question", "how?"));
        request.ResponseTopic.ToString().Should().Be("response/tester");
        response.GetText().Should().Be("so");
        scene.Server.Abort();
    }

    [Fact]
    public async Task Later_requests_share_the_subscription_and_any_number_may_wait_and_be_answered_in_any_order()
    {
        await using var scene = await Scene.ConnectedAsync();
        await ReadyAsync(scene);
        var asking = Enumerable.Range(0, 100).Select(i => scene.Client.RequestAsync("question", $"{i}").AsTask()).ToArray();
        var requests = new List<PublishPacket>();
        for (var i = 0; i < 100; i++)
            requests.Add(await TakeRequestAsync(scene));
        foreach (var request in requests.AsEnumerable().Reverse())
            await RespondAsync(scene, request, $"re {System.Text.Encoding.UTF8.GetString(request.Payload.Span)}");

        (await Task.WhenAll(asking).Soon()).Select(response => response.GetText()).Should().Equal(Enumerable.Range(0, 100).Select(i => $"re {i}"));
        requests.Select(request => Convert.ToHexString(request.CorrelationData!.Value.Span)).Should().OnlyHaveUniqueItems();
        scene.Server.Abort();
    }

    [Fact]
    public async Task Requests_that_come_together_before_the_first_answer_subscribe_once()
    {
        await using var scene = await Scene.ConnectedAsync();
        var asking = new[] { scene.Client.RequestAsync("question", "1").AsTask(), scene.Client.RequestAsync("question", "2").AsTask() };
        await scene.GrantAsync();
        for (var i = 0; i < 2; i++)
            await RespondAsync(scene, await TakeRequestAsync(scene), "so");

        (await Task.WhenAll(asking).Soon()).Should().HaveCount(2);
        await scene.NothingMoreAsync();
        scene.Server.Abort();
    }

    [Theory]
    [InlineData("answers/device-7", "answers/device-7/tester")]
    [InlineData("answers/", "answers/tester")]
    public async Task Responses_come_below_the_response_information_of_the_server(string information, string topic)
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { RequestResponseInformation = true }, answer: new ConnAckPacket { ResponseInformation = information });
        _ = scene.Client.RequestAsync("question", "").AsTask().ContinueWith(asking => asking.Exception, TaskScheduler.Default);
        var subscribe = await scene.Server.ExpectAsync<SubscribePacket>();

        subscribe.Subscriptions[0].Filter.ToString().Should().Be(topic);
        scene.Server.Abort();
    }

    [Fact]
    public async Task The_prefix_is_an_option_and_a_client_identifier_is_made_fit_for_a_topic()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { ResponseTopicPrefix = "my/answers", ClientId = "a+b/#c" });
        _ = scene.Client.RequestAsync("question", "").AsTask().ContinueWith(asking => asking.Exception, TaskScheduler.Default);
        var subscribe = await scene.Server.ExpectAsync<SubscribePacket>();

        subscribe.Subscriptions[0].Filter.ToString().Should().Be("my/answers/a%2Bb%2F%23c");
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_request_without_a_response_fails_in_time_and_what_comes_late_is_dropped_and_counted()
    {
        await using var scene = await Scene.ConnectedAsync();
        await ReadyAsync(scene);
        var asking = scene.Client.RequestAsync("question", "", timeout: TimeSpan.FromSeconds(5)).AsTask();
        var request = await TakeRequestAsync(scene);
        scene.Time.Advance(TimeSpan.FromSeconds(5));
        await FluentActions.Awaiting(() => asking.Soon()).Should().ThrowAsync<TimeoutException>();
        await RespondAsync(scene, request, "late");
        await scene.DeliverAsync("response/tester", "no correlation", QualityOfService.AtLeastOnce, 9);
        await scene.Server.ExpectAsync<PubAckPacket>();

        scene.Client.UnmatchedResponseCount.Should().Be(2);
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_second_response_is_dropped_and_counted()
    {
        await using var scene = await Scene.ConnectedAsync();
        await ReadyAsync(scene);
        var asking = scene.Client.RequestAsync("question", "").AsTask();
        var request = await TakeRequestAsync(scene);
        await RespondAsync(scene, request, "first");
        await RespondAsync(scene, request, "second", packetId: 9);
        await scene.Server.ExpectAsync<PubAckPacket>();

        (await asking.Soon()).GetText().Should().Be("first");
        scene.Client.UnmatchedResponseCount.Should().Be(1);
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_request_can_be_cancelled()
    {
        await using var scene = await Scene.ConnectedAsync();
        await ReadyAsync(scene);
        using var cancel = new CancellationTokenSource();
        var asking = scene.Client.RequestAsync("question", "", cancellationToken: cancel.Token).AsTask();
        await TakeRequestAsync(scene);
        await cancel.CancelAsync();

        await FluentActions.Awaiting(() => asking.Soon()).Should().ThrowAsync<OperationCanceledException>();
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_response_may_come_on_the_next_connection_even_with_a_new_session()
    {
        await using var scene = await Scene.ConnectedAsync();
        await ReadyAsync(scene);
        var asking = scene.Client.RequestAsync("question", "").AsTask();
        var request = await TakeRequestAsync(scene);
        await scene.NothingMoreAsync();
        await scene.BreakAsync();
        await scene.ConnectAsync();
        await scene.GrantAsync();
        await RespondAsync(scene, request, "so");

        (await asking.Soon()).GetText().Should().Be("so");
        scene.Server.Abort();
    }

    [Fact]
    public async Task Where_the_connection_goes_before_the_first_answer_the_next_request_subscribes_anew()
    {
        await using var scene = await Scene.ConnectedAsync();
        var asking = scene.Client.RequestAsync("question", "").AsTask();
        await scene.Server.ExpectAsync<SubscribePacket>();
        await scene.BreakAsync();
        await FluentActions.Awaiting(() => asking.Soon()).Should().ThrowAsync<MqttConnectionException>();
        await scene.ConnectAsync();
        await scene.GrantAsync();
        asking = scene.Client.RequestAsync("question", "").AsTask();
        await RespondAsync(scene, await TakeRequestAsync(scene), "so");

        (await asking.Soon()).GetText().Should().Be("so");
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_refused_subscription_is_thrown_and_tried_again_by_the_next_request()
    {
        await using var scene = await Scene.ConnectedAsync();
        for (var i = 0; i < 2; i++)
        {
            var asking = scene.Client.RequestAsync("question", "").AsTask();
            var subscribe = await scene.Server.ExpectAsync<SubscribePacket>();
            await scene.Server.SendAsync(new SubAckPacket { PacketId = subscribe.PacketId, ReasonCodes = [ReasonCode.NotAuthorized] });
            (await FluentActions.Awaiting(() => asking.Soon()).Should().ThrowAsync<MqttRefusedException>()).Which.ReasonCode.Should().Be(ReasonCode.NotAuthorized);
        }

        scene.Server.Abort();
    }

    [Fact]
    public async Task A_refused_request_is_thrown()
    {
        await using var scene = await Scene.ConnectedAsync();
        await ReadyAsync(scene);
        var asking = scene.Client.RequestAsync("question", "").AsTask();
        var request = await scene.Server.ExpectAsync<PublishPacket>();
        await scene.Server.SendAsync(new PubAckPacket { PacketId = request.PacketId, ReasonCode = ReasonCode.QuotaExceeded });

        (await FluentActions.Awaiting(() => asking.Soon()).Should().ThrowAsync<MqttRefusedException>()).Which.ReasonCode.Should().Be(ReasonCode.QuotaExceeded);
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_request_from_a_handler_gets_its_response_while_the_streams_are_full()
    {
        await using var scene = await Scene.ConnectedAsync();
        await ReadyAsync(scene);
        var answered = new TaskCompletionSource<string>();
        await using var subscription = scene.Client.Subscribe(
            "a",
            async (_, cancellationToken) =>
            {
                if (answered.Task.IsCompleted)
                    return;
                var response = await scene.Client.RequestAsync("question", "", QualityOfService.AtMostOnce, cancellationToken: cancellationToken);
                answered.SetResult(response.GetText());
            },
            options: new MqttSubscriptionOptions { MessageCount = 1, Overflow = MqttOverflow.Wait });
        await scene.GrantAsync();
        await scene.DeliverAsync("a", "1");
        var request = await scene.Server.ExpectAsync<PublishPacket>();
        for (var i = 0; i < 50; i++)
            await scene.DeliverAsync("a", new string('x', 10_000));
        await RespondAsync(scene, request, "so");

        (await answered.Task.Soon()).Should().Be("so");
        scene.Server.Abort();
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V310)]
    [InlineData(MqttProtocolVersion.V311)]
    public async Task Before_5_0_there_are_no_requests(MqttProtocolVersion version)
    {
        await using var scene = await Scene.ConnectedAsync(version: version);

        await FluentActions.Awaiting(() => scene.Client.RequestAsync("question", "").Soon()).Should().ThrowAsync<InvalidOperationException>().WithMessage("*5.0*");
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_request_with_a_response_topic_of_its_own_is_misuse()
    {
        await using var scene = await Scene.ConnectedAsync();
        var request = new MqttMessage("question", "") { ResponseTopic = "mine" };

        await FluentActions.Awaiting(() => scene.Client.RequestAsync(request).Soon()).Should().ThrowAsync<ArgumentException>();
        scene.Server.Abort();
    }

    [Theory]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce)]
    public async Task A_handler_responds_to_the_response_topic_with_the_correlation_data_and_the_QoS_of_the_request(QualityOfService qualityOfService)
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await scene.SubscribedAsync("question/#", (message, cancellationToken) =>
            message.RespondAsync($"re {message.GetText()}", cancellationToken).AsTask());
        await scene.Server.SendAsync(new PublishPacket
        {
            Topic = "question/1",
            Payload = "how?"u8.ToArray(),
            ResponseTopic = "to/me",
            CorrelationData = new byte[] { 1, 2 },
            QualityOfService = qualityOfService,
            PacketId = (ushort)qualityOfService,
        });
        var response = await scene.Server.ExpectAsync<PublishPacket>();

        (response.Topic.ToString(), System.Text.Encoding.UTF8.GetString(response.Payload.Span)).Should().Be(("to/me", "re how?"));
        response.CorrelationData!.Value.ToArray().Should().Equal(1, 2);
        response.QualityOfService.Should().Be(qualityOfService);
        if (qualityOfService == QualityOfService.AtLeastOnce)
        {
            await scene.Server.SendAsync(new PubAckPacket { PacketId = response.PacketId });
            (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(1);
        }

        scene.Server.Abort();
    }

    [Fact]
    public async Task A_message_that_asks_for_no_response_or_was_not_received_cannot_be_responded_to()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await scene.SubscribedAsync("a");
        await using var messages = subscription.GetAsyncEnumerator();
        await scene.DeliverAsync("a", "1");
        var received = await messages.NextAsync();

        await FluentActions.Awaiting(() => received.RespondAsync("so").Soon()).Should().ThrowAsync<InvalidOperationException>();
        await FluentActions.Awaiting(() => new MqttMessage("a", "") { ResponseTopic = "b" }.RespondAsync("so").Soon()).Should().ThrowAsync<InvalidOperationException>();
        scene.Server.Abort();
    }

    [Fact]
    public async Task Requests_and_responses_may_be_values()
    {
        await using var scene = await Scene.ConnectedAsync();
        await ReadyAsync(scene);
        await using var subscription = scene.Client.Map(
            "sum/{id}",
            SumJson.Default.Sum,
            async (sum, message, parameters, cancellationToken) =>
                await message.RespondAsync(new Result(sum.A + sum.B, $"{parameters["id"]}"), SumJson.Default.Result, cancellationToken));
        await scene.GrantAsync();
        var asking = scene.Client.RequestAsync("sum/7", new Sum(2, 3), SumJson.Default.Sum, SumJson.Default.Result).AsTask();

        // The server passes both on.
        var request = await TakeRequestAsync(scene);
        await scene.Server.SendAsync(new PublishPacket { Topic = request.Topic, Payload = request.Payload, Properties = request.Properties });
        var response = await scene.Server.ExpectAsync<PublishPacket>();
        await scene.Server.SendAsync(new PublishPacket { Topic = response.Topic, Payload = response.Payload, Properties = response.Properties });

        (await asking.Soon()).Should().Be(new Result(5, "7"));
        response.ContentType.ToString().Should().Be("application/json");
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_response_that_is_no_value_of_the_type_is_thrown()
    {
        await using var scene = await Scene.ConnectedAsync();
        await ReadyAsync(scene);
        var asking = scene.Client.RequestAsync("sum", new Sum(2, 3), SumJson.Default.Sum, SumJson.Default.Result).AsTask();
        await RespondAsync(scene, await TakeRequestAsync(scene), "nonsense");

        await FluentActions.Awaiting(() => asking.Soon()).Should().ThrowAsync<System.Text.Json.JsonException>();
        scene.Server.Abort();
    }

    // The subscription to the responses stands.
    private static async Task ReadyAsync(Scene scene)
    {
        var asking = scene.Client.RequestAsync("question", "").AsTask();
        await scene.GrantAsync();
        await RespondAsync(scene, await TakeRequestAsync(scene), "ready");
        await asking.Soon();
    }

    private static async Task<PublishPacket> TakeRequestAsync(Scene scene)
    {
        var request = await scene.Server.ExpectAsync<PublishPacket>();
        if (request.QualityOfService == QualityOfService.AtLeastOnce)
            await scene.Server.SendAsync(new PubAckPacket { PacketId = request.PacketId });
        return request;
    }

    private static async Task RespondAsync(Scene scene, PublishPacket request, string payload, uint? identifier = null, ushort packetId = 0)
    {
        var response = new PublishPacket
        {
            Topic = request.ResponseTopic!.Value,
            CorrelationData = request.CorrelationData,
            Payload = System.Text.Encoding.UTF8.GetBytes(payload),
            PacketId = packetId,
            QualityOfService = packetId == 0 ? QualityOfService.AtMostOnce : QualityOfService.AtLeastOnce,
        };
        if (identifier is { } value)
            response.AddSubscriptionIdentifier(value);
        await scene.Server.SendAsync(response);
    }

    internal sealed record Sum(int A, int B);

    internal sealed record Result(int Value, string Id);

    [JsonSerializable(typeof(Sum))]
    [JsonSerializable(typeof(Result))]
    internal sealed partial class SumJson : JsonSerializerContext;
}
