namespace Mqtt.Client.Tests;

public class InterceptorTests
{
    private readonly List<string> seen = [];

    [Fact]
    public async Task Each_publish_goes_through_all_of_them_the_first_outermost_and_comes_back_with_its_result()
    {
        await using var scene = await ConnectedAsync(new Witness("outer", seen), new Witness("inner", seen));
        var publishing = new[]
        {
            scene.Client.PublishAsync("a", "text", QualityOfService.AtLeastOnce).AsTask(),
            scene.Client.PublishAsync("b", "bytes"u8.ToArray(), QualityOfService.AtLeastOnce).AsTask(),
            scene.Client.PublishAsync(new MqttMessage("c", "message") { QualityOfService = QualityOfService.AtLeastOnce }).AsTask(),
        };
        foreach (var topic in new[] { "a", "b", "c" })
        {
            var packet = await scene.Server.ExpectAsync<PublishPacket>();
            packet.Topic.ToString().Should().Be(topic);
            await scene.Server.SendAsync(new PubAckPacket { PacketId = packet.PacketId });
        }

        await Task.WhenAll(publishing).Soon();
        seen.Take(2).Should().Equal("outer > a", "inner > a");
        seen.Where(line => line.EndsWith(" a")).Should().Equal("outer > a", "inner > a", "inner < 0 a", "outer < 0 a");
        seen.Should().HaveCount(12);
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_message_may_be_changed_or_kept_on_its_way_out()
    {
        await using var scene = await ConnectedAsync(new Changing());
        (await scene.Client.PublishAsync("keep", "x")).ReasonCode.Should().Be(ReasonCode.QuotaExceeded);
        await scene.Client.PublishAsync("a", "x");
        var packet = await scene.Server.ExpectAsync<PublishPacket>();

        (packet.Topic.ToString(), System.Text.Encoding.UTF8.GetString(packet.Payload.Span)).Should().Be(("a/out", "x out"));
        packet.UserProperties["by"]!.Value.ToString().Should().Be("interceptor");
        scene.Server.Abort();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_comes_in_goes_through_all_of_them_the_first_outermost(bool byStream)
    {
        await using var scene = await ConnectedAsync(new Witness("outer", seen), new Witness("inner", seen));
        if (byStream)
        {
            var subscription = await scene.SubscribedAsync("a");
            await scene.DeliverAsync("a", "x", QualityOfService.AtLeastOnce, 1);
            await foreach (var message in subscription)
            {
                message.GetText().Should().Be("x");
                break;
            }
        }
        else
        {
            await scene.SubscribedAsync("a", (_, _) => seen.Add("handler"));
            await scene.DeliverAsync("a", "x", QualityOfService.AtLeastOnce, 1);
        }

        await scene.Server.ExpectAsync<PubAckPacket>();
        seen.Should().Equal(byStream
            ? ["outer receives a", "inner receives a", "inner is done", "outer is done"]
            : ["outer receives a", "inner receives a", "handler", "inner is done", "outer is done"]);
        scene.Server.Abort();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_message_may_be_changed_or_kept_on_its_way_in(bool byStream)
    {
        await using var scene = await ConnectedAsync(new Changing());
        var texts = new List<string>();
        var subscription = byStream ? await scene.SubscribedAsync("#") : await scene.SubscribedAsync("#", (message, _) => texts.Add(message.GetText()));
        await scene.DeliverAsync("keep", "x", QualityOfService.AtLeastOnce, 1);
        await scene.DeliverAsync("a", "x", QualityOfService.AtLeastOnce, 2);
        if (byStream)
        {
            await using var messages = subscription.GetAsyncEnumerator();
            texts.Add((await messages.NextAsync()).GetText());
        }

        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(1);
        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(2);
        texts.Should().Equal("x in");
        scene.Server.Abort();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_that_throws_falls_to_the_failure_policy(bool byStream)
    {
        await using var scene = await ConnectedAsync(new Throwing());
        var texts = new List<string>();
        var subscription = byStream ? await scene.SubscribedAsync("#") : await scene.SubscribedAsync("#", (message, _) => texts.Add(message.GetText()));
        await scene.DeliverAsync("bad", "1", QualityOfService.AtLeastOnce, 1);
        await scene.DeliverAsync("good", "2", QualityOfService.AtLeastOnce, 2);
        if (byStream)
        {
            await using var messages = subscription.GetAsyncEnumerator();
            texts.Add((await messages.NextAsync()).GetText());
        }

        (await scene.Server.ExpectAsync<PubAckPacket>()).ReasonCode.Should().Be(ReasonCode.UnspecifiedError);
        (await scene.Server.ExpectAsync<PubAckPacket>()).ReasonCode.Should().Be(ReasonCode.Success);
        texts.Should().Equal("2");
        (await scene.ErrorAsync()).Should().Contain("oh");
        await FluentActions.Awaiting(() => scene.Client.PublishAsync("bad", "x").Soon()).Should().ThrowAsync<InvalidOperationException>("what goes out fails at who sends it");
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_changed_message_is_acknowledged_by_hand_and_answered_as_the_one_that_came()
    {
        await using var scene = await ConnectedAsync(new Changing());
        var subscription = scene.Client.Subscribe("#", QualityOfService.AtLeastOnce, new MqttSubscriptionOptions { AcknowledgeByHand = true });
        await scene.GrantAsync();
        await using var messages = subscription.GetAsyncEnumerator();
        await scene.Server.SendAsync(new PublishPacket { Topic = "a", ResponseTopic = "b", QualityOfService = QualityOfService.AtLeastOnce, PacketId = 1 });
        var message = await messages.NextAsync();
        message.Acknowledge();
        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(1);
        _ = message.RespondAsync("so").AsTask().ContinueWith(responding => responding.Exception, TaskScheduler.Default);

        (await scene.Server.ExpectAsync<PublishPacket>()).Topic.ToString().Should().Be("b/out");
        scene.Server.Abort();
    }

    private static Task<Scene> ConnectedAsync(params MqttInterceptor[] interceptors) =>
        Scene.ConnectedAsync(options => options with { Interceptors = interceptors, HandlerFailure = MqttHandlerFailure.Refuse });

    private sealed class Witness(string name, List<string> seen) : MqttInterceptor
    {
        public override async ValueTask<MqttPublishResult> PublishAsync(
            MqttMessage message, Func<MqttMessage, CancellationToken, ValueTask<MqttPublishResult>> next, CancellationToken cancellationToken)
        {
            Add($"{name} > {message.Topic}");
            var result = await next(message, cancellationToken);
            Add($"{name} < {(int)result.ReasonCode} {message.Topic}");
            return result;
        }

        public override async ValueTask ReceiveAsync(MqttMessage message, Func<MqttMessage, CancellationToken, ValueTask> next, CancellationToken cancellationToken)
        {
            Add($"{name} receives {message.Topic}");
            await next(message, cancellationToken);
            Add($"{name} is done");
        }

        private void Add(string line)
        {
            lock (seen)
                seen.Add(line);
        }
    }

    private sealed class Changing : MqttInterceptor
    {
        public override ValueTask<MqttPublishResult> PublishAsync(
            MqttMessage message, Func<MqttMessage, CancellationToken, ValueTask<MqttPublishResult>> next, CancellationToken cancellationToken)
        {
            if (message.Topic == "keep")
                return new(new MqttPublishResult(ReasonCode.QuotaExceeded));
            var properties = message.Properties.With([("by", "interceptor")]);
            return next(message.With($"{message.Topic}/out", System.Text.Encoding.UTF8.GetBytes($"{message.GetText()} out"), properties), cancellationToken);
        }

        public override ValueTask ReceiveAsync(MqttMessage message, Func<MqttMessage, CancellationToken, ValueTask> next, CancellationToken cancellationToken) =>
            message.Topic == "keep" ? default : next(message.With(payload: System.Text.Encoding.UTF8.GetBytes($"{message.GetText()} in")), cancellationToken);
    }

    private sealed class Throwing : MqttInterceptor
    {
        public override ValueTask<MqttPublishResult> PublishAsync(
            MqttMessage message, Func<MqttMessage, CancellationToken, ValueTask<MqttPublishResult>> next, CancellationToken cancellationToken) =>
            message.Topic == "bad" ? throw new InvalidOperationException("oh") : next(message, cancellationToken);

        public override ValueTask ReceiveAsync(MqttMessage message, Func<MqttMessage, CancellationToken, ValueTask> next, CancellationToken cancellationToken) =>
            message.Topic == "bad" ? throw new InvalidOperationException("oh") : next(message, cancellationToken);
    }
}
