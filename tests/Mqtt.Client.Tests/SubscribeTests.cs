namespace Mqtt.Client.Tests;

public class SubscribeTests
{
    [Fact]
    public async Task A_subscription_that_was_registered_before_CONNECT_is_asked_for_right_after_CONNACK()
    {
        await using var scene = Scene.Begin();
        var readings = scene.Client.Subscribe("plant/+/temperature", QualityOfService.AtLeastOnce);
        var connecting = scene.Client.ConnectAsync().AsTask();
        var server = scene.Dialled();
        await server.ExpectAsync<ConnectPacket>();
        var queued = new PublishPacket { Topic = "plant/7/temperature", Payload = "21.5"u8.ToArray(), QualityOfService = QualityOfService.AtLeastOnce, PacketId = 1 };
        await server.SendAsync(new ConnAckPacket { SessionPresent = true });
        await server.SendAsync(queued);
        await connecting.Soon();

        var subscribe = await server.ExpectAsync<SubscribePacket>();
        subscribe.Subscriptions.Should().Equal(new TopicSubscription("plant/+/temperature", QualityOfService.AtLeastOnce));
        await using var messages = readings.GetAsyncEnumerator();
        (await messages.NextAsync()).GetText().Should().Be("21.5", "what the server had queued is not lost");
        server.Abort();
    }

    [Theory, Spec(V5, "2.2.1-3"), Spec(V5, "2.2.1-6")]
    [InlineData(MqttProtocolVersion.V310)]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task SubscribeAsync_completes_with_SUBACK(MqttProtocolVersion version)
    {
        await using var scene = await Scene.ConnectedAsync(version: version);
        var options = new MqttSubscriptionOptions { NoLocal = true, RetainAsPublished = true, RetainHandling = RetainHandling.DoNotSend };
        var subscribing = scene.Client.SubscribeAsync("a/#", QualityOfService.ExactlyOnce, options).AsTask();
        var subscribe = await scene.Server.ExpectAsync<SubscribePacket>();
        subscribe.PacketId.Should().NotBe(0);
        subscribe.SubscriptionIdentifier.HasValue.Should().Be(version == MqttProtocolVersion.V500);
        var wanted = subscribe.Subscriptions.Should().ContainSingle().Which;
        (wanted.Filter.ToString(), wanted.QualityOfService).Should().Be(("a/#", QualityOfService.ExactlyOnce));
        if (version == MqttProtocolVersion.V500)
            (wanted.NoLocal, wanted.RetainAsPublished, wanted.RetainHandling).Should().Be((true, true, RetainHandling.DoNotSend));
        await scene.NothingMoreAsync();
        subscribing.IsCompleted.Should().BeFalse();

        await scene.Server.SendAsync(new SubAckPacket { PacketId = subscribe.PacketId, ReasonCodes = [ReasonCode.GrantedQoS1] });
        var subscription = await subscribing.Soon();
        subscription.ReasonCodes.Should().Equal(ReasonCode.GrantedQoS1);
        scene.Server.Abort();
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311, ReasonCode.UnspecifiedError)]
    [InlineData(MqttProtocolVersion.V500, ReasonCode.NotAuthorized)]
    public async Task A_refused_filter_is_thrown_with_the_reason(MqttProtocolVersion version, ReasonCode reasonCode)
    {
        await using var scene = await Scene.ConnectedAsync(version: version);
        var subscribing = scene.Client.SubscribeAsync("a", (_, _) => default).AsTask();
        var subscribe = await scene.Server.ExpectAsync<SubscribePacket>();
        await scene.Server.SendAsync(new SubAckPacket { PacketId = subscribe.PacketId, ReasonCodes = [reasonCode] });

        (await FluentActions.Awaiting(() => subscribing.Soon()).Should().ThrowAsync<MqttRefusedException>()).Which.ReasonCode.Should().Be(reasonCode);
        await scene.NothingMoreAsync();
    }

    [Fact]
    public async Task A_refusal_ends_a_stream_that_did_not_wait_for_it()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = scene.Client.Subscribe("a");
        var subscribe = await scene.Server.ExpectAsync<SubscribePacket>();
        await using var messages = subscription.GetAsyncEnumerator();
        var waiting = messages.MoveNextAsync().AsTask();
        await scene.Server.SendAsync(new SubAckPacket { PacketId = subscribe.PacketId, ReasonCodes = [ReasonCode.QuotaExceeded] });

        (await FluentActions.Awaiting(() => waiting.Soon()).Should().ThrowAsync<MqttRefusedException>()).Which.ReasonCode.Should().Be(ReasonCode.QuotaExceeded);
        subscription.ReasonCodes.Should().Equal(ReasonCode.QuotaExceeded);
    }

    [Fact]
    public async Task Who_registers_before_CONNECT_can_wait_for_the_answers()
    {
        await using var scene = Scene.Begin(version: MqttProtocolVersion.V311);
        await using var subscription = scene.Client.Subscribe([new("a"), new("b")]);
        var connecting = scene.Client.ConnectAsync().AsTask();
        var server = scene.Dialled();
        await server.ExpectAsync<ConnectPacket>();
        await server.SendAsync(new ConnAckPacket());
        await connecting.Soon();
        var subscribe = await server.ExpectAsync<SubscribePacket>();
        var answers = subscription.WaitForAnswersAsync();
        answers.IsCompleted.Should().BeFalse();

        await server.SendAsync(new SubAckPacket { PacketId = subscribe.PacketId, ReasonCodes = [ReasonCode.Success, ReasonCode.UnspecifiedError] });

        await answers.Soon();
        subscription.ReasonCodes.Should().Equal(ReasonCode.Success, ReasonCode.UnspecifiedError);
        server.Abort();
    }

    [Fact]
    public async Task Waiting_for_the_answers_fails_when_the_connection_goes()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = scene.Client.Subscribe("a");
        await scene.Server.ExpectAsync<SubscribePacket>();
        var answers = subscription.WaitForAnswersAsync();

        scene.Server.Abort();

        await FluentActions.Awaiting(() => answers.Soon()).Should().ThrowAsync<MqttConnectionException>();
    }

    [Fact]
    public async Task Of_several_filters_some_may_be_refused()
    {
        await using var scene = await Scene.ConnectedAsync(version: MqttProtocolVersion.V311);
        var subscribing = scene.Client.SubscribeAsync([new("a"), new("b", QualityOfService.AtLeastOnce)]).AsTask();
        var subscribe = await scene.Server.ExpectAsync<SubscribePacket>();
        subscribe.Subscriptions.Should().HaveCount(2);
        await scene.Server.SendAsync(new SubAckPacket { PacketId = subscribe.PacketId, ReasonCodes = [ReasonCode.UnspecifiedError, ReasonCode.GrantedQoS1] });

        await using var subscription = await subscribing.Soon();
        subscription.ReasonCodes.Should().Equal(ReasonCode.UnspecifiedError, ReasonCode.GrantedQoS1);
        await scene.DeliverAsync("b", "1");
        await using var messages = subscription.GetAsyncEnumerator();
        (await messages.NextAsync()).Topic.ToString().Should().Be("b");
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_SUBACK_with_the_wrong_number_of_codes_or_an_unknown_identifier_is_a_protocol_error()
    {
        await using (var scene = await Scene.ConnectedAsync())
        {
            scene.Client.Subscribe("a");
            var subscribe = await scene.Server.ExpectAsync<SubscribePacket>();
            await scene.Server.SendAsync(new SubAckPacket { PacketId = subscribe.PacketId, ReasonCodes = [ReasonCode.Success, ReasonCode.Success] });
            (await scene.Server.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.ProtocolError);
        }

        await using (var scene = await Scene.ConnectedAsync())
        {
            await scene.Server.SendAsync(new SubAckPacket { PacketId = 77, ReasonCodes = [ReasonCode.Success] });
            (await scene.Server.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.ProtocolError);
        }
    }

    [Fact]
    public async Task SubscribeAsync_needs_a_connection_and_fails_with_it()
    {
        await using var scene = Scene.Begin();
        await FluentActions.Awaiting(() => scene.Client.SubscribeAsync("a").Soon()).Should().ThrowAsync<MqttConnectionException>();

        await scene.ConnectAsync();
        await scene.NothingMoreAsync();
        var subscribing = scene.Client.SubscribeAsync("a").AsTask();
        await scene.Server.ExpectAsync<SubscribePacket>();
        scene.Server.Abort();
        await FluentActions.Awaiting(() => subscribing.Soon()).Should().ThrowAsync<MqttConnectionException>();
        await scene.Ended.Task.Soon();
        await scene.ConnectAsync();
        await scene.NothingMoreAsync();
    }

    [Fact]
    public async Task A_SubscribeAsync_that_is_cancelled_is_withdrawn()
    {
        await using var scene = await Scene.ConnectedAsync();
        using var cancel = new CancellationTokenSource();
        var subscribing = scene.Client.SubscribeAsync("a", cancellationToken: cancel.Token).AsTask();
        var subscribe = await scene.Server.ExpectAsync<SubscribePacket>();
        await cancel.CancelAsync();
        var unsubscribe = await scene.Server.ExpectAsync<UnsubscribePacket>();
        await scene.Server.SendAsync(new SubAckPacket { PacketId = subscribe.PacketId, ReasonCodes = [ReasonCode.Success] });
        await scene.Server.SendAsync(new UnsubAckPacket { PacketId = unsubscribe.PacketId, ReasonCodes = [ReasonCode.Success] });

        await FluentActions.Awaiting(() => subscribing.Soon()).Should().ThrowAsync<OperationCanceledException>();
    }

    [Theory]
    [InlineData("")]
    [InlineData("a#")]
    [InlineData("a+/b")]
    [InlineData("$share/a")]
    [InlineData("$share//a")]
    public async Task A_filter_that_is_none_is_refused_at_once(string filter)
    {
        await using var scene = Scene.Begin();

        scene.Client.Invoking(client => client.Subscribe(filter)).Should().Throw<ArgumentException>();
        await scene.Client.Awaiting(client => client.UnsubscribeAsync(filter).AsTask()).Should().ThrowAsync<ArgumentException>();
    }

    [Fact, Spec(V5, "3.8.3-4")]
    public async Task A_shared_subscription_cannot_be_No_Local()
    {
        await using var scene = Scene.Begin();

        scene.Client.Invoking(client => client.Subscribe("$share/g/a", options: new MqttSubscriptionOptions { NoLocal = true })).Should().Throw<ArgumentException>();
    }

    [Fact]
    public async Task What_the_server_says_it_does_not_support_is_refused_unsent()
    {
        await using var scene = await Scene.ConnectedAsync(answer: new ConnAckPacket { WildcardSubscriptionAvailable = false, SharedSubscriptionAvailable = false });

        (await FluentActions.Awaiting(() => scene.Client.SubscribeAsync("a/#").Soon()).Should().ThrowAsync<MqttRefusedException>())
            .Which.ReasonCode.Should().Be(ReasonCode.WildcardSubscriptionsNotSupported);
        (await FluentActions.Awaiting(() => scene.Client.SubscribeAsync("$share/g/a").Soon()).Should().ThrowAsync<MqttRefusedException>())
            .Which.ReasonCode.Should().Be(ReasonCode.SharedSubscriptionsNotSupported);
        await scene.NothingMoreAsync();
    }

    [Fact]
    public async Task Messages_find_their_stream_by_subscription_identifier()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var wide = await scene.SubscribedAsync("a/#");
        await using var narrow = scene.Client.Subscribe("a/b");
        var identifier = await scene.GrantAsync();
        var packet = new PublishPacket { Topic = "a/b", Payload = "1"u8.ToArray() };
        packet.AddSubscriptionIdentifier(identifier!.Value);
        await scene.Server.SendAsync(packet);
        await scene.DeliverAsync("a/c", "2");

        await using var ofNarrow = narrow.GetAsyncEnumerator();
        await using var ofWide = wide.GetAsyncEnumerator();
        (await ofNarrow.NextAsync()).GetText().Should().Be("1");
        (await ofWide.NextAsync()).GetText().Should().Be("2", "the first was for the other subscription alone");
        scene.Server.Abort();
    }

    [Fact]
    public async Task One_copy_with_several_identifiers_goes_to_each_stream_and_is_acknowledged_once_when_all_are_done()
    {
        await using var scene = await Scene.ConnectedAsync();
        var first = new TaskCompletionSource();
        await using var one = scene.Client.Subscribe("a/#", async (_, _) => await first.Task, QualityOfService.AtLeastOnce);
        var identifier = await scene.GrantAsync();
        var second = new TaskCompletionSource();
        await using var two = scene.Client.Subscribe("+/b", (_, _) =>
        {
            second.SetResult();
            return default;
        });
        var other = await scene.GrantAsync();
        var packet = new PublishPacket { Topic = "a/b", QualityOfService = QualityOfService.AtLeastOnce, PacketId = 3 };
        packet.AddSubscriptionIdentifier(identifier!.Value);
        packet.AddSubscriptionIdentifier(other!.Value);
        await scene.Server.SendAsync(packet);
        await second.Task.Soon();
        await scene.NothingMoreAsync();
        first.SetResult();

        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(3);
        await scene.NothingMoreAsync();
        scene.Server.Abort();
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task Without_identifiers_messages_find_their_streams_by_filter(MqttProtocolVersion version)
    {
        await using var scene = await Scene.ConnectedAsync(version: version, answer: version == MqttProtocolVersion.V500 ? new ConnAckPacket { SubscriptionIdentifierAvailable = false } : null);
        await using var wide = scene.Client.Subscribe("a/#");
        (await scene.GrantAsync()).Should().BeNull();
        await using var shared = await scene.SubscribedAsync("$share/group/+/b");
        await scene.DeliverAsync("a/b", "1");
        await scene.DeliverAsync("c/b", "2");
        await scene.DeliverAsync("a/c", "3");

        await using var ofWide = wide.GetAsyncEnumerator();
        (await ofWide.NextAsync()).GetText().Should().Be("1");
        (await ofWide.NextAsync()).GetText().Should().Be("3");
        await using var ofShared = shared.GetAsyncEnumerator();
        (await ofShared.NextAsync()).GetText().Should().Be("1");
        (await ofShared.NextAsync()).GetText().Should().Be("2");
        scene.Server.Abort();
    }

    [Fact]
    public async Task Two_subscriptions_to_one_filter_share_its_identifier_and_both_get_the_messages()
    {
        await using var scene = await Scene.ConnectedAsync();
        var one = scene.Client.Subscribe("a", QualityOfService.ExactlyOnce);
        var identifier = await scene.GrantAsync();
        await using var two = scene.Client.Subscribe("a");
        var subscribe = await scene.Server.ExpectAsync<SubscribePacket>();
        subscribe.SubscriptionIdentifier.Should().Be(identifier);
        subscribe.Subscriptions[0].QualityOfService.Should().Be(QualityOfService.ExactlyOnce, "the first one still wants it");
        await scene.Server.SendAsync(new SubAckPacket { PacketId = subscribe.PacketId, ReasonCodes = [ReasonCode.GrantedQoS2] });
        await scene.DeliverAsync("a", "1", identifier: identifier);

        await using var ofOne = one.GetAsyncEnumerator();
        (await ofOne.NextAsync()).GetText().Should().Be("1");
        await using var ofTwo = two.GetAsyncEnumerator();
        (await ofTwo.NextAsync()).GetText().Should().Be("1");
        await ofOne.DisposeAsync();
        await one.DisposeAsync();
        await scene.NothingMoreAsync();
        scene.Server.Abort();
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task Unsubscribing_ends_the_stream_after_what_it_holds(MqttProtocolVersion version)
    {
        await using var scene = await Scene.ConnectedAsync(version: version);
        await using var subscription = await scene.SubscribedAsync("a");
        var unsubscribing = scene.Client.UnsubscribeAsync("a").AsTask();
        var unsubscribe = await scene.Server.ExpectAsync<UnsubscribePacket>();
        unsubscribe.Filters.Should().Equal("a");
        await scene.DeliverAsync("a", "last");
        await scene.Server.SendAsync(new UnsubAckPacket { PacketId = unsubscribe.PacketId, ReasonCodes = [ReasonCode.Success] });

        (await unsubscribing.Soon()).Should().Be(ReasonCode.Success);
        await using var messages = subscription.GetAsyncEnumerator();
        (await messages.NextAsync()).GetText().Should().Be("last");
        (await messages.MoveNextAsync().Soon()).Should().BeFalse();
    }

    [Fact]
    public async Task Unsubscribing_from_what_nobody_subscribed_to_asks_the_server_all_the_same()
    {
        await using var scene = await Scene.ConnectedAsync();
        var unsubscribing = scene.Client.UnsubscribeAsync("left/behind").AsTask();
        var unsubscribe = await scene.Server.ExpectAsync<UnsubscribePacket>();
        await scene.Server.SendAsync(new UnsubAckPacket { PacketId = unsubscribe.PacketId, ReasonCodes = [ReasonCode.NoSubscriptionExisted] });
        (await unsubscribing.Soon()).Should().Be(ReasonCode.NoSubscriptionExisted);

        unsubscribing = scene.Client.UnsubscribeAsync("not/yours").AsTask();
        unsubscribe = await scene.Server.ExpectAsync<UnsubscribePacket>();
        await scene.Server.SendAsync(new UnsubAckPacket { PacketId = unsubscribe.PacketId, ReasonCodes = [ReasonCode.NotAuthorized] });
        await FluentActions.Awaiting(() => unsubscribing.Soon()).Should().ThrowAsync<MqttRefusedException>();
    }

    [Fact]
    public async Task Disposing_a_subscription_unsubscribes_and_acknowledges_what_nobody_has_read()
    {
        await using var scene = await Scene.ConnectedAsync();
        var subscription = await scene.SubscribedAsync("a");
        await scene.DeliverAsync("a", "1", QualityOfService.AtLeastOnce, 1);
        await scene.NothingMoreAsync();
        var disposing = subscription.DisposeAsync().AsTask();
        var unsubscribe = await scene.Server.ExpectAsync<UnsubscribePacket>();
        await scene.DeliverAsync("a", "2", QualityOfService.AtLeastOnce, 2);
        await scene.Server.SendAsync(new UnsubAckPacket { PacketId = unsubscribe.PacketId, ReasonCodes = [ReasonCode.Success] });
        await disposing.Soon();

        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(1);
        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(2);
        await scene.NothingMoreAsync();
    }

    [Fact]
    public async Task A_subscription_that_is_left_to_the_server_leaves_its_unread_messages_unacknowledged()
    {
        await using var scene = await Scene.ConnectedAsync();
        var kept = scene.Client.Subscribe("a", QualityOfService.ExactlyOnce, new MqttSubscriptionOptions { UnsubscribeOnDispose = false });
        await scene.GrantAsync();
        await using var other = await scene.SubscribedAsync("b", (_, _) => { });
        await scene.DeliverAsync("a", "1", QualityOfService.AtLeastOnce, 1);
        await scene.DeliverAsync("a", "2", QualityOfService.ExactlyOnce, 2);
        await scene.NothingMoreAsync();
        await kept.DisposeAsync();
        await scene.DeliverAsync("a", "3", QualityOfService.AtLeastOnce, 3);
        await scene.DeliverAsync("b", "4", QualityOfService.AtLeastOnce, 4);

        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(4, "the others stay unacknowledged, and hold up nobody");
        await scene.NothingMoreAsync();
        scene.Server.Abort();
    }

    [Fact]
    public async Task Disposing_a_subscription_before_the_first_connection_withdraws_it()
    {
        await using var scene = Scene.Begin();
        await scene.Client.Subscribe("a").DisposeAsync();
        await scene.ConnectAsync();

        await scene.NothingMoreAsync();
    }
}
