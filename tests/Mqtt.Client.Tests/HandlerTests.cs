namespace Mqtt.Client.Tests;

public class HandlerTests
{
    [Fact]
    public async Task A_handler_gets_one_message_after_the_other_in_order()
    {
        await using var scene = await Scene.ConnectedAsync();
        var running = 0;
        var seen = new List<int>();
        var all = new TaskCompletionSource();
        await using var subscription = await scene.SubscribedAsync("a", async (message, _) =>
        {
            Interlocked.Increment(ref running).Should().Be(1);
            await Task.Yield();
            seen.Add(int.Parse(message.GetText()));
            Interlocked.Decrement(ref running);
            if (seen.Count == 100)
                all.SetResult();
        });
        for (var i = 0; i < 100; i++)
            await scene.DeliverAsync("a", $"{i}");
        await all.Task.Soon();

        seen.Should().Equal(Enumerable.Range(0, 100));
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_handler_may_publish_subscribe_and_unsubscribe_and_wait_for_each_answer()
    {
        await using var scene = await Scene.ConnectedAsync();
        var done = new TaskCompletionSource();
        await using var subscription = await scene.SubscribedAsync("a", async (_, cancellationToken) =>
        {
            (await scene.Client.PublishAsync("b", "x", QualityOfService.ExactlyOnce, cancellationToken: cancellationToken)).EnsureSuccess();
            await using var inner = await scene.Client.SubscribeAsync("c", cancellationToken: cancellationToken);
            done.SetResult();
        });
        await scene.DeliverAsync("a", "1", QualityOfService.AtLeastOnce, 1);
        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        await scene.Server.SendAsync(new PubRecPacket { PacketId = packet.PacketId });
        await scene.Server.ExpectAsync<PubRelPacket>();
        await scene.Server.SendAsync(new PubCompPacket { PacketId = packet.PacketId });
        await scene.GrantAsync();
        await done.Task.Soon();
        var unsubscribe = await scene.Server.ExpectAsync<UnsubscribePacket>();
        await scene.Server.SendAsync(new UnsubAckPacket { PacketId = unsubscribe.PacketId, ReasonCodes = [ReasonCode.Success] });

        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(1);
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_handler_may_block_its_thread_on_the_client()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await scene.SubscribedAsync("a", (_, cancellationToken) =>
            scene.Client.PublishAsync("b", "x", QualityOfService.AtLeastOnce, cancellationToken: cancellationToken).AsTask().GetAwaiter().GetResult());
        await scene.DeliverAsync("a", "1", QualityOfService.AtLeastOnce, 1);
        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        await scene.Server.SendAsync(new PubAckPacket { PacketId = packet.PacketId });

        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(1);
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_handler_may_dispose_its_own_subscription()
    {
        await using var scene = await Scene.ConnectedAsync();
        var self = new TaskCompletionSource<MqttSubscription>();
        var done = new TaskCompletionSource();
        var subscription = await scene.SubscribedAsync("a", async (_, _) =>
        {
            await (await self.Task).DisposeAsync();
            done.SetResult();
        });
        self.SetResult(subscription);
        await scene.DeliverAsync("a", "1", QualityOfService.AtLeastOnce, 1);
        var unsubscribe = await scene.Server.ExpectAsync<UnsubscribePacket>();
        await scene.Server.SendAsync(new UnsubAckPacket { PacketId = unsubscribe.PacketId, ReasonCodes = [ReasonCode.Success] });

        await done.Task.Soon();
        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(1);
    }

    [Fact]
    public async Task A_handler_may_dispose_the_client()
    {
        await using var scene = await Scene.ConnectedAsync();
        var done = new TaskCompletionSource();
        await scene.SubscribedAsync("a", async (_, _) =>
        {
            await scene.Client.DisposeAsync();
            done.SetResult();
        });
        await scene.DeliverAsync("a", "1");
        await scene.Server.ExpectAsync<DisconnectPacket>();
        scene.Server.Abort();

        await done.Task.Soon();
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311, MqttHandlerFailure.Refuse, ReasonCode.Success)]
    [InlineData(MqttProtocolVersion.V500, MqttHandlerFailure.Refuse, ReasonCode.UnspecifiedError)]
    [InlineData(MqttProtocolVersion.V500, MqttHandlerFailure.Acknowledge, ReasonCode.Success)]
    public async Task A_handler_that_throws_goes_on_with_the_next_message(MqttProtocolVersion version, MqttHandlerFailure policy, ReasonCode reasonCode)
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { HandlerFailure = policy }, version);
        var handled = new List<string>();
        await using var subscription = await scene.SubscribedAsync("a", (message, _) =>
        {
            handled.Add(message.GetText());
            if (handled.Count <= 2)
                throw new InvalidOperationException("oh");
        });
        await scene.DeliverAsync("a", "1", QualityOfService.AtLeastOnce, 1);
        await scene.DeliverAsync("a", "2", QualityOfService.ExactlyOnce, 2);
        await scene.DeliverAsync("a", "3", QualityOfService.AtLeastOnce, 3);

        (await scene.Server.ExpectAsync<PubAckPacket>()).ReasonCode.Should().Be(reasonCode);
        (await scene.Server.ExpectAsync<PubRecPacket>()).ReasonCode.Should().Be(reasonCode);
        (await scene.Server.ExpectAsync<PubAckPacket>()).ReasonCode.Should().Be(ReasonCode.Success);
        handled.Should().Equal("1", "2", "3");
        (await scene.ErrorAsync()).Should().Contain("oh");
        (await scene.ErrorAsync()).Should().Contain("oh");
        scene.Server.Abort();
    }

    [Fact, Spec(V5, "4.3.3-9"), Spec(V5, "3.5.2-1")]
    public async Task A_refused_QoS_2_identifier_means_a_new_message()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { HandlerFailure = MqttHandlerFailure.Refuse });
        var handled = 0;
        await using var subscription = await scene.SubscribedAsync("a", (_, _) =>
        {
            if (++handled == 1)
                throw new InvalidOperationException("oh");
        });
        await scene.DeliverAsync("a", "1", QualityOfService.ExactlyOnce, 2);
        (await scene.Server.ExpectAsync<PubRecPacket>()).ReasonCode.Should().Be(ReasonCode.UnspecifiedError);
        await scene.DeliverAsync("a", "2", QualityOfService.ExactlyOnce, 2);
        (await scene.Server.ExpectAsync<PubRecPacket>()).ReasonCode.Should().Be(ReasonCode.Success);

        handled.Should().Be(2);
        await scene.ErrorAsync();
        scene.Server.Abort();
    }

    [Theory]
    [InlineData(QualityOfService.AtLeastOnce)]
    [InlineData(QualityOfService.ExactlyOnce)]
    public async Task By_policy_a_failure_ends_the_connection_and_the_next_one_brings_the_message_again(QualityOfService qualityOfService)
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { HandlerFailure = MqttHandlerFailure.Disconnect });
        var handled = 0;
        await using var subscription = await scene.SubscribedAsync("a", (_, _) =>
        {
            if (++handled == 1)
                throw new InvalidOperationException("oh");
        });
        await scene.DeliverAsync("a", "1", qualityOfService, 2);
        var cause = await scene.Ended.Task.Soon();
        cause.Exception!.Message.Should().Be("oh");
        await scene.Server.ExpectEndAsync();
        await scene.ConnectAsync(new ConnAckPacket { SessionPresent = true });
        await scene.DeliverAsync("a", "1", qualityOfService, 2, duplicate: true);
        await scene.Server.ExpectAsync<PublishResponsePacket>();

        handled.Should().Be(2);
        await scene.ErrorAsync();
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_borrowed_message_can_be_kept_as_a_copy()
    {
        await using var scene = await Scene.ConnectedAsync();
        var kept = new List<MqttMessage>();
        var all = new TaskCompletionSource();
        await using var subscription = await scene.SubscribedAsync("a/#", (message, _) =>
        {
            kept.Add(message.ToOwned());
            if (kept.Count == 100)
                all.SetResult();
        });
        for (var i = 0; i < 100; i++)
            await scene.DeliverAsync($"a/{i}", $"text {i}");
        await all.Task.Soon();

        kept.Select(message => $"{message.Topic} {message.GetText()}").Should().Equal(Enumerable.Range(0, 100).Select(i => $"a/{i} text {i}"));
        scene.Server.Abort();
    }

    [Fact]
    public async Task Disposing_a_subscription_cancels_its_handler_and_waits_for_it()
    {
        await using var scene = await Scene.ConnectedAsync();
        var entered = new TaskCompletionSource();
        var left = false;
        var subscription = await scene.SubscribedAsync("a", async (_, cancellationToken) =>
        {
            entered.SetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }
            finally
            {
                left = true;
            }
        });
        await scene.DeliverAsync("a", "1");
        await entered.Task.Soon();
        var disposing = subscription.DisposeAsync().AsTask();
        var unsubscribe = await scene.Server.ExpectAsync<UnsubscribePacket>();
        await scene.Server.SendAsync(new UnsubAckPacket { PacketId = unsubscribe.PacketId, ReasonCodes = [ReasonCode.Success] });
        await disposing.Soon();

        left.Should().BeTrue();
    }

    [Fact]
    public async Task Disposing_a_subscription_acknowledges_what_its_handler_has_not_seen()
    {
        await using var scene = await Scene.ConnectedAsync();
        var entered = new TaskCompletionSource();
        var subscription = await scene.SubscribedAsync("a", async (_, cancellationToken) =>
        {
            entered.SetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken);
        });
        for (ushort i = 1; i <= 3; i++)
            await scene.DeliverAsync("a", "x", QualityOfService.AtLeastOnce, i);
        await entered.Task.Soon();
        await scene.NothingMoreAsync();
        var disposing = subscription.DisposeAsync().AsTask();
        var unsubscribe = await scene.Server.ExpectAsync<UnsubscribePacket>();
        await scene.Server.SendAsync(new UnsubAckPacket { PacketId = unsubscribe.PacketId, ReasonCodes = [ReasonCode.Success] });
        await disposing.Soon();

        for (ushort i = 1; i <= 3; i++)
            (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(i);
        scene.Server.Abort();
    }

    [Fact]
    public async Task The_messages_of_a_handler_cannot_be_enumerated()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await scene.SubscribedAsync("a", (_, _) => { });
        await using var messages = subscription.GetAsyncEnumerator();

        await FluentActions.Awaiting(() => messages.MoveNextAsync().Soon()).Should().ThrowAsync<InvalidOperationException>();
        scene.Server.Abort();
    }
}
