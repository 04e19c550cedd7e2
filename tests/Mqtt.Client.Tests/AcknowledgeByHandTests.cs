namespace Mqtt.Client.Tests;

public class AcknowledgeByHandTests
{
    private static readonly MqttSubscriptionOptions ByHand = new() { AcknowledgeByHand = true };

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task Nothing_but_the_application_acknowledges_and_in_any_order(MqttProtocolVersion version)
    {
        await using var scene = await Scene.ConnectedAsync(version: version);
        await using var subscription = await SubscribedAsync(scene);
        await using var messages = subscription.GetAsyncEnumerator();
        var kept = new List<MqttMessage>();
        for (ushort i = 1; i <= 3; i++)
        {
            await scene.DeliverAsync("a", $"{i}", i == 2 ? QualityOfService.ExactlyOnce : QualityOfService.AtLeastOnce, i);
            kept.Add(await messages.NextAsync());
        }

        kept[2].Acknowledge();
        kept[1].Acknowledge();
        await scene.NothingMoreAsync();
        kept[0].Acknowledge();
        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(1);
        (await scene.Server.ExpectAsync<PubRecPacket>()).PacketId.Should().Be(2);
        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(3);
        scene.Server.Abort();
    }

    [Fact]
    public async Task Leaving_the_stream_acknowledges_nothing()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await SubscribedAsync(scene);
        await scene.DeliverAsync("a", "1", QualityOfService.AtLeastOnce, 1);
        await foreach (var _ in subscription)
            break;

        await scene.NothingMoreAsync();
        scene.Server.Abort();
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311, ReasonCode.Success)]
    [InlineData(MqttProtocolVersion.V500, ReasonCode.QuotaExceeded)]
    public async Task A_message_can_be_refused_with_a_reason(MqttProtocolVersion version, ReasonCode sent)
    {
        await using var scene = await Scene.ConnectedAsync(version: version);
        await using var subscription = await SubscribedAsync(scene);
        await using var messages = subscription.GetAsyncEnumerator();
        await scene.DeliverAsync("a", "1", QualityOfService.AtLeastOnce, 1);
        (await messages.NextAsync()).Acknowledge(ReasonCode.QuotaExceeded);

        (await scene.Server.ExpectAsync<PubAckPacket>()).ReasonCode.Should().Be(sent);
        scene.Server.Abort();
    }

    [Fact]
    public async Task Only_the_first_acknowledgement_counts_be_it_of_a_copy()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await SubscribedAsync(scene);
        await using var messages = subscription.GetAsyncEnumerator();
        await scene.DeliverAsync("a", "1", QualityOfService.AtLeastOnce, 1);
        await scene.DeliverAsync("a", "2", QualityOfService.AtLeastOnce, 2);
        var message = await messages.NextAsync();
        message.ToOwned().Acknowledge();
        message.Acknowledge(ReasonCode.UnspecifiedError);

        (await scene.Server.ExpectAsync<PubAckPacket>()).ReasonCode.Should().Be(ReasonCode.Success);
        await scene.NothingMoreAsync();
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_handler_may_keep_a_copy_and_acknowledge_it_later()
    {
        await using var scene = await Scene.ConnectedAsync();
        var kept = new TaskCompletionSource<MqttMessage>();
        await using var subscription = scene.Client.Subscribe(
            "a",
            (message, _) =>
            {
                kept.SetResult(message.ToOwned());
                return default;
            },
            QualityOfService.AtLeastOnce,
            ByHand);
        await scene.GrantAsync();
        await scene.DeliverAsync("a", "1", QualityOfService.AtLeastOnce, 1);
        var message = await kept.Task.Soon();
        await scene.NothingMoreAsync();
        message.Acknowledge();

        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(1);
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_handler_that_throws_before_it_acknowledged_falls_to_the_policy()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { HandlerFailure = MqttHandlerFailure.Refuse });
        await using var subscription = scene.Client.Subscribe(
            "a",
            (message, _) =>
            {
                if (message.GetText() == "2")
                    message.Acknowledge();
                throw new InvalidOperationException("oh");
            },
            QualityOfService.AtLeastOnce,
            ByHand);
        await scene.GrantAsync();
        await scene.DeliverAsync("a", "1", QualityOfService.AtLeastOnce, 1);
        await scene.DeliverAsync("a", "2", QualityOfService.AtLeastOnce, 2);

        (await scene.Server.ExpectAsync<PubAckPacket>()).ReasonCode.Should().Be(ReasonCode.UnspecifiedError);
        (await scene.Server.ExpectAsync<PubAckPacket>()).ReasonCode.Should().Be(ReasonCode.Success);
        await scene.ErrorAsync();
        await scene.ErrorAsync();
        scene.Server.Abort();
    }

    [Fact]
    public async Task Acknowledging_what_came_on_an_earlier_connection_sends_nothing()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await SubscribedAsync(scene);
        await using var messages = subscription.GetAsyncEnumerator();
        await scene.DeliverAsync("a", "1", QualityOfService.AtLeastOnce, 1);
        var message = await messages.NextAsync();
        await scene.BreakAsync();
        await scene.ConnectAsync(new ConnAckPacket { SessionPresent = true });
        await scene.DeliverAsync("a", "1", QualityOfService.AtLeastOnce, 1, duplicate: true);
        var again = await messages.NextAsync();
        message.Acknowledge();
        await scene.NothingMoreAsync();
        again.Acknowledge();

        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(1);
        scene.Server.Abort();
    }

    [Fact]
    public async Task QoS_0_needs_none_and_it_may_be_given()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await SubscribedAsync(scene);
        await using var messages = subscription.GetAsyncEnumerator();
        await scene.DeliverAsync("a", "1");
        (await messages.NextAsync()).Acknowledge();

        await scene.NothingMoreAsync();
        scene.Server.Abort();
    }

    [Fact]
    public async Task What_is_acknowledged_by_itself_or_with_a_code_that_PUBACK_does_not_have_is_misuse()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var byItself = await scene.SubscribedAsync("b");
        await using var byHand = await SubscribedAsync(scene);
        await using var first = byItself.GetAsyncEnumerator();
        await using var second = byHand.GetAsyncEnumerator();
        await scene.DeliverAsync("b", "1");
        await scene.DeliverAsync("a", "1", QualityOfService.AtLeastOnce, 1);
        var message = await second.NextAsync();

        (await first.NextAsync()).Invoking(one => one.Acknowledge()).Should().Throw<InvalidOperationException>();
        message.Invoking(one => one.Acknowledge(ReasonCode.NoMatchingSubscribers)).Should().Throw<ArgumentOutOfRangeException>();
        message.Invoking(one => one.Acknowledge(ReasonCode.Banned)).Should().Throw<ArgumentOutOfRangeException>();
        scene.Server.Abort();
    }

    private static async Task<MqttSubscription> SubscribedAsync(Scene scene)
    {
        var subscription = scene.Client.Subscribe("a", QualityOfService.ExactlyOnce, ByHand);
        await scene.GrantAsync();
        return subscription;
    }
}
