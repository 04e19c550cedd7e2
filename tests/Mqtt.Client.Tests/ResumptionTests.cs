namespace Mqtt.Client.Tests;

public class ResumptionTests
{
    private static readonly ConnAckPacket Resumed = new() { SessionPresent = true };

    [Theory, Spec(V5, "4.4.0-1"), Spec(V5, "3.3.1-1"), Spec(V5, "3.3.1-3"), Spec(V5, "4.3.3-6"), Spec(V311, "4.4.0-1"), Spec(V311, "3.3.1-1"), Spec(V311, "2.3.1-3"), Spec(V311, "4.1.0-1"), Spec(V5, "4.1.0-1"), Spec(V5, "3.1.2-23"), Spec(V5, "4.6.0-1"), Spec(V311, "4.6.0-1")]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task A_resumed_session_gets_what_is_unacknowledged_again_with_DUP_and_the_same_identifiers_in_order(MqttProtocolVersion version)
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { Reconnect = Scene.AtOnce }, version);
        var first = scene.Client.PublishAsync("a", "1", QualityOfService.AtLeastOnce).AsTask();
        var second = scene.Client.PublishAsync("a", "2", QualityOfService.ExactlyOnce).AsTask();
        var third = scene.Client.PublishAsync("a", "3", QualityOfService.ExactlyOnce).AsTask();
        var ids = new List<ushort>();
        for (var i = 0; i < 3; i++)
            ids.Add((await scene.Server.ExpectAsync<PublishPacket>()).PacketId);
        await scene.Server.SendAsync(new PubRecPacket { PacketId = ids[2] });
        await scene.Server.ExpectAsync<PubRelPacket>();
        await scene.BreakAsync();
        await scene.ConnectAsync(Resumed);

        (await scene.Server.ExpectAsync<PubRelPacket>()).PacketId.Should().Be(ids[2], "its PUBREL was sent, so that its PUBLISH never is again");
        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        (packet.PacketId, packet.Duplicate, packet.QualityOfService).Should().Be((ids[0], true, QualityOfService.AtLeastOnce));
        packet.Payload.ToArray().Should().Equal("1"u8.ToArray());
        packet = await scene.Server.ExpectAsync<PublishPacket>();
        (packet.PacketId, packet.Duplicate, packet.QualityOfService).Should().Be((ids[1], true, QualityOfService.ExactlyOnce));

        await scene.Server.SendAsync(new PubAckPacket { PacketId = ids[0] });
        await scene.Server.SendAsync(new PubRecPacket { PacketId = ids[1] });
        await scene.Server.ExpectAsync<PubRelPacket>();
        await scene.Server.SendAsync(new PubCompPacket { PacketId = ids[1] });
        await scene.Server.SendAsync(new PubCompPacket { PacketId = ids[2] });
        await Task.WhenAll(first, second, third).Soon();
    }

    [Fact]
    public async Task What_is_sent_again_obeys_the_new_window_and_comes_before_what_is_new()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { Reconnect = Scene.AtOnce }, answer: new ConnAckPacket { ReceiveMaximum = 3 });
        var publishing = Enumerable.Range(0, 4).Select(i => scene.Client.PublishAsync("a", $"{i}", QualityOfService.AtLeastOnce).AsTask()).ToList();
        for (var i = 0; i < 3; i++)
            await scene.Server.ExpectAsync<PublishPacket>();
        await scene.BreakAsync();
        await scene.ConnectAsync(new ConnAckPacket { SessionPresent = true, ReceiveMaximum = 1 });
        publishing.Add(scene.Client.PublishAsync("a", "4", QualityOfService.AtLeastOnce).AsTask());

        for (var i = 0; i < 5; i++)
        {
            var packet = await scene.Server.ExpectAsync<PublishPacket>();
            packet.Payload.ToArray().Should().Equal((byte)('0' + i));
            packet.Duplicate.Should().Be(i < 3);
            await scene.NothingMoreAsync();
            await scene.Server.SendAsync(new PubAckPacket { PacketId = packet.PacketId });
        }

        await Task.WhenAll(publishing).Soon();
    }

    [Fact, Spec(V5, "3.2.2-5")]
    public async Task Without_a_session_QoS_1_is_published_anew_and_the_outcome_of_QoS_2_is_unknown()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { Reconnect = Scene.AtOnce });
        var once = scene.Client.PublishAsync("a", "1", QualityOfService.ExactlyOnce).AsTask();
        var atLeastOnce = scene.Client.PublishAsync("a", "2", QualityOfService.AtLeastOnce).AsTask();
        await scene.Server.ExpectAsync<PublishPacket>();
        await scene.Server.ExpectAsync<PublishPacket>();
        await scene.BreakAsync();
        await scene.ConnectAsync();

        await FluentActions.Awaiting(() => once.Soon()).Should().ThrowAsync<MqttConnectionException>().WithMessage("*unknown*");
        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        (packet.Duplicate, packet.QualityOfService).Should().Be((false, QualityOfService.AtLeastOnce));
        await scene.Server.SendAsync(new PubAckPacket { PacketId = packet.PacketId });
        (await atLeastOnce.Soon()).EnsureSuccess();
        await scene.NothingMoreAsync();
    }

    [Fact]
    public async Task Without_reconnecting_a_publish_fails_with_its_connection_and_is_sent_again_only_if_the_session_is_resumed()
    {
        await using var scene = await Scene.ConnectedAsync();
        var publishing = scene.Client.PublishAsync("a", "1", QualityOfService.AtLeastOnce).AsTask();
        var id = (await scene.Server.ExpectAsync<PublishPacket>()).PacketId;
        await scene.BreakAsync();
        await FluentActions.Awaiting(() => publishing.Soon()).Should().ThrowAsync<MqttConnectionException>();
        await scene.ConnectAsync(Resumed);
        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        (packet.PacketId, packet.Duplicate).Should().Be((id, true));

        await scene.BreakAsync();
        await scene.ConnectAsync();
        await scene.NothingMoreAsync();
    }

    [Fact]
    public async Task MQTT_3_1_resumes_what_was_not_clean_although_the_server_cannot_say_so()
    {
        await using var scene = await Scene.ConnectedAsync(version: MqttProtocolVersion.V310);
        var publishing = scene.Client.PublishAsync("a", "1", QualityOfService.AtLeastOnce).AsTask();
        var id = (await scene.Server.ExpectAsync<PublishPacket>()).PacketId;
        await scene.BreakAsync();
        await FluentActions.Awaiting(() => publishing.Soon()).Should().ThrowAsync<MqttConnectionException>();
        await scene.ConnectAsync();

        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        (packet.PacketId, packet.Duplicate).Should().Be((id, true));
    }

    [Fact]
    public async Task Subscriptions_are_renewed_if_the_session_is_gone_and_left_alone_if_it_is_not()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await scene.SubscribedAsync("a");
        await scene.NothingMoreAsync();
        await scene.BreakAsync();
        await scene.ConnectAsync(Resumed);
        await scene.NothingMoreAsync();
        await scene.BreakAsync();
        await scene.ConnectAsync();
        await scene.GrantAsync();
        await scene.DeliverAsync("a", "1");

        await using var messages = subscription.GetAsyncEnumerator();
        (await messages.NextAsync()).GetText().Should().Be("1");
        await scene.BreakAsync();
    }

    [Fact]
    public async Task Renewal_asks_for_eight_filters_in_a_packet_where_there_are_no_identifiers()
    {
        await using var scene = Scene.Begin(version: MqttProtocolVersion.V311);
        for (var i = 0; i < 10; i++)
            scene.Client.Subscribe($"f/{i}");
        await scene.ConnectAsync();

        (await scene.Server.ExpectAsync<SubscribePacket>()).Subscriptions.Should().HaveCount(8);
        (await scene.Server.ExpectAsync<SubscribePacket>()).Subscriptions.Should().HaveCount(2);
    }

    [Fact]
    public async Task A_subscription_whose_answer_was_lost_with_the_connection_is_asked_for_again()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = scene.Client.Subscribe("a");
        await scene.Server.ExpectAsync<SubscribePacket>();
        await scene.BreakAsync();
        await scene.ConnectAsync(Resumed);

        (await scene.Server.ExpectAsync<SubscribePacket>()).Subscriptions[0].Filter.ToString().Should().Be("a");
        await scene.BreakAsync();
    }

    [Fact]
    public async Task An_UNSUBSCRIBE_that_is_owed_is_sent_on_the_next_connection()
    {
        await using var scene = await Scene.ConnectedAsync();
        var subscription = await scene.SubscribedAsync("a");
        await scene.NothingMoreAsync();
        await scene.BreakAsync();
        await subscription.DisposeAsync();
        await scene.ConnectAsync(Resumed);

        var unsubscribe = await scene.Server.ExpectAsync<UnsubscribePacket>();
        unsubscribe.Filters.Should().Equal("a");
        await scene.Server.SendAsync(new UnsubAckPacket { PacketId = unsubscribe.PacketId, ReasonCodes = [ReasonCode.Success] });
        await scene.NothingMoreAsync();
        await scene.BreakAsync();
        await scene.ConnectAsync(Resumed);
        await scene.NothingMoreAsync();
    }

    [Fact]
    public async Task An_acknowledgement_for_an_earlier_connection_does_not_leave_on_a_later_one()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await scene.SubscribedAsync("a");
        await scene.DeliverAsync("a", "1", QualityOfService.AtLeastOnce, 1);
        await using var messages = subscription.GetAsyncEnumerator();
        await messages.NextAsync();
        await scene.BreakAsync();
        await scene.ConnectAsync(Resumed);
        await scene.DeliverAsync("a", "2", QualityOfService.AtLeastOnce, 2);
        await messages.NextAsync();
        await scene.NothingMoreAsync();
        await scene.BreakAsync();
    }

    [Fact, Spec(V5, "4.3.3-10")]
    public async Task A_QoS_2_message_that_somebody_still_holds_is_not_handed_out_again_on_the_next_connection_and_answered_there()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await scene.SubscribedAsync("a");
        await scene.DeliverAsync("a", "1", QualityOfService.ExactlyOnce, 1);
        await using var messages = subscription.GetAsyncEnumerator();
        await messages.NextAsync();
        await scene.BreakAsync();
        await scene.ConnectAsync(Resumed);
        await scene.DeliverAsync("a", "1", QualityOfService.ExactlyOnce, 1, duplicate: true);
        await scene.NothingMoreAsync();
        await scene.DeliverAsync("a", "2");

        (await messages.NextAsync()).GetText().Should().Be("2");
        (await scene.Server.ExpectAsync<PubRecPacket>()).PacketId.Should().Be(1);
        await scene.BreakAsync();
    }

    [Fact]
    public async Task A_QoS_2_message_whose_PUBREC_was_lost_is_answered_again_and_not_handed_out_again()
    {
        await using var scene = await Scene.ConnectedAsync();
        var handled = 0;
        await using var subscription = await scene.SubscribedAsync("a", (_, _) => handled++);
        await scene.DeliverAsync("a", "1", QualityOfService.ExactlyOnce, 1);
        await scene.Server.ExpectAsync<PubRecPacket>();
        await scene.BreakAsync();
        await scene.ConnectAsync(Resumed);
        await scene.DeliverAsync("a", "1", QualityOfService.ExactlyOnce, 1, duplicate: true);

        (await scene.Server.ExpectAsync<PubRecPacket>()).PacketId.Should().Be(1);
        await scene.NothingMoreAsync();
        handled.Should().Be(1);
        await scene.BreakAsync();
    }

    [Fact]
    public async Task In_a_new_session_the_QoS_2_identifiers_of_the_old_one_mean_nothing()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await scene.SubscribedAsync("a");
        await scene.DeliverAsync("a", "old", QualityOfService.ExactlyOnce, 1);
        await using var messages = subscription.GetAsyncEnumerator();
        await messages.NextAsync();
        await scene.BreakAsync();
        await scene.ConnectAsync();
        await scene.GrantAsync();
        await scene.DeliverAsync("a", "new", QualityOfService.ExactlyOnce, 1);

        (await messages.NextAsync()).GetText().Should().Be("new");
        await scene.NothingMoreAsync();
        await scene.BreakAsync();
    }

    [Fact]
    public async Task Messages_that_were_queued_for_an_earlier_run_do_not_stray_into_streams_with_the_same_identifier()
    {
        await using var scene = Scene.Begin();
        await using var subscription = scene.Client.Subscribe("mine", QualityOfService.AtLeastOnce);
        await scene.ConnectAsync(Resumed);
        var identifier = await scene.GrantAsync();
        await scene.DeliverAsync("theirs", "1", QualityOfService.AtLeastOnce, 1, identifier: identifier);
        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(1);
        await scene.DeliverAsync("mine", "2", identifier: identifier! + 77);

        await using var unclaimed = scene.Client.Unclaimed.GetAsyncEnumerator();
        (await unclaimed.NextAsync()).Topic.ToString().Should().Be("theirs");
        await using var messages = subscription.GetAsyncEnumerator();
        (await messages.NextAsync()).GetText().Should().Be("2");
        await scene.BreakAsync();
    }

    [Theory, Spec(V5, "3.1.2-4"), Spec(V311, "3.1.2-6")]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task With_a_clean_start_nothing_is_left_of_the_session_before(MqttProtocolVersion version)
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { CleanStart = true }, version);
        var handled = new List<string>();
        await using var subscription = await scene.SubscribedAsync("a", (message, _) => handled.Add(message.GetText()));
        var publishing = scene.Client.PublishAsync("b", "x", QualityOfService.ExactlyOnce).AsTask();
        await scene.Server.ExpectAsync<PublishPacket>();
        await scene.DeliverAsync("a", "1", QualityOfService.ExactlyOnce, 7);
        await scene.Server.ExpectAsync<PubRecPacket>();
        await scene.BreakAsync();
        await FluentActions.Awaiting(() => publishing.Soon()).Should().ThrowAsync<MqttConnectionException>();
        await scene.ConnectAsync();
        await scene.GrantAsync();
        await scene.DeliverAsync("a", "2", QualityOfService.ExactlyOnce, 7);

        await scene.Server.ExpectAsync<PubRecPacket>();
        await scene.NothingMoreAsync();
        handled.Should().Equal("1", "2");
        scene.Server.Abort();
    }

    [Fact, Spec(V5, "4.3.3-7")]
    public async Task A_message_that_was_sent_is_delivered_to_the_end_although_its_expiry_has_passed()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { Reconnect = Scene.AtOnce });
        var publishing = scene.Client.PublishAsync(new MqttMessage("a", "x") { QualityOfService = QualityOfService.ExactlyOnce, Expiry = TimeSpan.FromSeconds(1) }).AsTask();
        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        scene.Server.Abort();
        scene.Time.Advance(TimeSpan.FromSeconds(10));
        await scene.Dialled().AcceptAsync(new ConnAckPacket { SessionPresent = true });

        var again = await scene.Server.ExpectAsync<PublishPacket>();
        (again.PacketId, again.Duplicate).Should().Be((packet.PacketId, true));
        await scene.Server.SendAsync(new PubRecPacket { PacketId = packet.PacketId });
        await scene.Server.ExpectAsync<PubRelPacket>();
        await scene.Server.SendAsync(new PubCompPacket { PacketId = packet.PacketId });
        (await publishing.Soon()).EnsureSuccess();
    }

    [Fact, Spec(V5, "4.3.3-13")]
    public async Task A_message_whose_expiry_passes_here_is_acknowledged_to_the_end()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await scene.SubscribedAsync("a");
        await scene.Server.SendAsync(new PublishPacket { Topic = "a", QualityOfService = QualityOfService.ExactlyOnce, PacketId = 7, MessageExpiryInterval = 1 });
        await scene.NothingMoreAsync();
        scene.Time.Advance(TimeSpan.FromSeconds(10));
        await using (var messages = subscription.GetAsyncEnumerator())
            await messages.NextAsync();

        (await scene.Server.ExpectAsync<PubRecPacket>()).PacketId.Should().Be(7);
        await scene.Server.SendAsync(new PubRelPacket { PacketId = 7 });
        (await scene.Server.ExpectAsync<PubCompPacket>()).ReasonCode.Should().Be(ReasonCode.Success);
        scene.Server.Abort();
    }
}
