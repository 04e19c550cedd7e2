namespace Mqtt.Client.Tests;

public class ReceiveTests
{
    [Theory, Spec(V5, "3.3.4-1"), Spec(V5, "4.3.2-4"), Spec(V311, "3.3.4-1"), Spec(V311, "4.3.2-2")]
    [InlineData(MqttProtocolVersion.V310)]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task A_QoS_1_message_of_a_stream_is_acknowledged_when_the_next_one_is_asked_for(MqttProtocolVersion version)
    {
        await using var scene = await Scene.ConnectedAsync(version: version);
        await using var subscription = await scene.SubscribedAsync("a");
        await scene.DeliverAsync("a", "1", QualityOfService.AtLeastOnce, 7);
        await scene.DeliverAsync("a", "2", QualityOfService.AtLeastOnce, 8);
        await using var messages = subscription.GetAsyncEnumerator();

        var first = await messages.NextAsync();
        (first.Topic.ToString(), first.GetText(), first.QualityOfService).Should().Be(("a", "1", QualityOfService.AtLeastOnce));
        await scene.NothingMoreAsync();
        (await messages.NextAsync()).GetText().Should().Be("2");
        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(7);
        await scene.NothingMoreAsync();
        scene.Server.Abort();
    }

    [Theory, Spec(V5, "4.3.3-8"), Spec(V5, "4.3.3-11"), Spec(V5, "2.2.1-5"), Spec(V311, "4.3.3-2")]
    [InlineData(MqttProtocolVersion.V310)]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task A_QoS_2_message_is_answered_with_PUBREC_and_its_PUBREL_with_PUBCOMP(MqttProtocolVersion version)
    {
        await using var scene = await Scene.ConnectedAsync(version: version);
        var handled = new List<string>();
        await using var subscription = await scene.SubscribedAsync("a", (message, _) => handled.Add(message.GetText()));
        await scene.DeliverAsync("a", "1", QualityOfService.ExactlyOnce, 7);
        (await scene.Server.ExpectAsync<PubRecPacket>()).PacketId.Should().Be(7);
        await scene.Server.SendAsync(new PubRelPacket { PacketId = 7 });
        var answer = await scene.Server.ExpectAsync<PubCompPacket>();

        (answer.PacketId, answer.ReasonCode).Should().Be(((ushort)7, ReasonCode.Success));
        handled.Should().Equal("1");
        scene.Server.Abort();
    }

    [Fact, Spec(V5, "4.3.3-10"), Spec(V5, "4.3.3-12")]
    public async Task A_QoS_2_message_that_comes_twice_is_handed_out_once_until_it_was_released()
    {
        await using var scene = await Scene.ConnectedAsync();
        var handled = new List<string>();
        await using var subscription = await scene.SubscribedAsync("a", (message, _) => handled.Add(message.GetText()));
        await scene.DeliverAsync("a", "1", QualityOfService.ExactlyOnce, 7);
        await scene.Server.ExpectAsync<PubRecPacket>();
        await scene.DeliverAsync("a", "1", QualityOfService.ExactlyOnce, 7, duplicate: true);
        await scene.Server.ExpectAsync<PubRecPacket>();
        await scene.Server.SendAsync(new PubRelPacket { PacketId = 7 });
        await scene.Server.ExpectAsync<PubCompPacket>();
        await scene.DeliverAsync("a", "2", QualityOfService.ExactlyOnce, 7, duplicate: true);
        await scene.Server.ExpectAsync<PubRecPacket>();

        handled.Should().Equal("1", "2");
        scene.Server.Abort();
    }

    [Fact, Spec(V5, "4.3.2-5")]
    public async Task A_QoS_1_identifier_means_a_new_message_after_its_PUBACK_whatever_DUP_says()
    {
        await using var scene = await Scene.ConnectedAsync();
        var handled = new List<string>();
        await using var subscription = await scene.SubscribedAsync("a", (message, _) => handled.Add($"{message.GetText()}{(message.Duplicate ? " again" : "")}"));
        await scene.DeliverAsync("a", "1", QualityOfService.AtLeastOnce, 7);
        await scene.Server.ExpectAsync<PubAckPacket>();
        await scene.DeliverAsync("a", "2", QualityOfService.AtLeastOnce, 7, duplicate: true);
        await scene.Server.ExpectAsync<PubAckPacket>();

        handled.Should().Equal("1", "2 again");
        scene.Server.Abort();
    }

    [Fact, Spec(V5, "4.6.0-2"), Spec(V5, "4.6.0-3"), Spec(V311, "4.6.0-2"), Spec(V311, "4.6.0-3")]
    public async Task Acknowledgements_leave_in_the_order_of_arrival_whoever_is_done_first()
    {
        await using var scene = await Scene.ConnectedAsync();
        var slow = new TaskCompletionSource();
        var fast = new TaskCompletionSource();
        await using var patient = await scene.SubscribedAsync("slow", async (_, _) => await slow.Task);
        await using var quick = await scene.SubscribedAsync("fast", (message, _) =>
        {
            if (message.GetText() == "4")
                fast.SetResult();
        });
        await scene.DeliverAsync("slow", "1", QualityOfService.AtLeastOnce, 1);
        await scene.DeliverAsync("fast", "2", QualityOfService.AtLeastOnce, 2);
        await scene.DeliverAsync("fast", "3", QualityOfService.ExactlyOnce, 3);
        await scene.DeliverAsync("fast", "4", QualityOfService.AtLeastOnce, 4);
        await fast.Task.Soon();
        await scene.NothingMoreAsync();
        slow.SetResult();

        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(1);
        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(2);
        (await scene.Server.ExpectAsync<PubRecPacket>()).PacketId.Should().Be(3);
        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(4);
        scene.Server.Abort();
    }

    [Fact]
    public async Task More_than_our_Receive_Maximum_is_a_protocol_error()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { Limits = new MqttClientLimits { ReceiveMaximum = 2 } });
        await using var subscription = await scene.SubscribedAsync("a");
        for (ushort id = 1; id <= 3; id++)
            await scene.DeliverAsync("a", "x", QualityOfService.AtLeastOnce, id);

        (await scene.Server.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.ReceiveMaximumExceeded);
        await scene.Server.ExpectEndAsync();
        var cause = await scene.EndedAfterAsync(scene.Server.Abort);
        (cause.Origin, cause.ReasonCode).Should().Be((MqttDisconnectOrigin.ProtocolError, ReasonCode.ReceiveMaximumExceeded));
    }

    [Fact]
    public async Task Before_5_0_there_is_no_Receive_Maximum()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { Limits = new MqttClientLimits { ReceiveMaximum = 2 } }, MqttProtocolVersion.V311);
        await using var subscription = await scene.SubscribedAsync("a");
        for (ushort id = 1; id <= 5; id++)
            await scene.DeliverAsync("a", "x", QualityOfService.AtLeastOnce, id);
        await using var messages = subscription.GetAsyncEnumerator();
        for (var i = 0; i < 5; i++)
            await messages.NextAsync();

        for (ushort id = 1; id <= 4; id++)
            (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(id);
        scene.Server.Abort();
    }

    [Fact]
    public async Task QoS_0_beyond_the_bound_of_a_stream_is_dropped_and_counted_and_QoS_1_is_not()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = scene.Client.Subscribe("a", options: new MqttSubscriptionOptions { MessageCount = 2 });
        await scene.GrantAsync();
        for (var i = 0; i < 5; i++)
            await scene.DeliverAsync("a", $"{i}");
        await scene.DeliverAsync("a", "5", QualityOfService.AtLeastOnce, 1);
        await scene.NothingMoreAsync();

        subscription.DroppedCount.Should().Be(3);
        await using var messages = subscription.GetAsyncEnumerator();
        var texts = new List<string>();
        for (var i = 0; i < 3; i++)
            texts.Add((await messages.NextAsync()).GetText());
        texts.Should().Equal("0", "1", "5");
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_stream_is_bounded_in_bytes_too()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = scene.Client.Subscribe("a", options: new MqttSubscriptionOptions { Bytes = 1000 });
        await scene.GrantAsync();
        await scene.DeliverAsync("a", new string('x', 5000));
        await scene.DeliverAsync("a", "y");
        await scene.NothingMoreAsync();

        subscription.DroppedCount.Should().Be(1, "a message of any size goes into an empty stream, and nothing beside it");
        scene.Server.Abort();
    }

    [Fact]
    public async Task Reading_never_stops_while_a_stream_is_full()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await scene.SubscribedAsync("a");
        for (ushort id = 1; id <= 1024; id++)
            await scene.DeliverAsync("a", "x", QualityOfService.AtLeastOnce, id);

        var publishing = scene.Client.PublishAsync("b", "y", QualityOfService.AtLeastOnce).AsTask();
        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        await scene.Server.SendAsync(new PubAckPacket { PacketId = packet.PacketId });
        (await publishing.Soon()).EnsureSuccess();
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_message_of_a_stream_owns_its_bytes()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await scene.SubscribedAsync("a/#");
        await using var messages = subscription.GetAsyncEnumerator();
        var kept = new List<MqttMessage>();
        for (var i = 0; i < 200; i++)
        {
            await scene.DeliverAsync($"a/{i}", new string((char)('a' + (i % 26)), 100));
            kept.Add(await messages.NextAsync());
        }

        for (var i = 0; i < 200; i++)
            (kept[i].Topic.ToString(), kept[i].GetText()).Should().Be(($"a/{i}", new string((char)('a' + (i % 26)), 100)));
        scene.Server.Abort();
    }

    [Fact]
    public async Task All_properties_of_a_received_message_can_be_read()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await scene.SubscribedAsync("a");
        await scene.Server.SendAsync(new PublishPacket
        {
            Topic = "a",
            Retain = true,
            PayloadFormatIndicator = 1,
            ContentType = "text/plain",
            ResponseTopic = "answers",
            CorrelationData = new byte[] { 7 },
            MessageExpiryInterval = 11,
            UserProperties = [("n", "v"), ("n", "w")],
        });
        await using var messages = subscription.GetAsyncEnumerator();
        var message = await messages.NextAsync();

        message.Retain.Should().BeTrue();
        message.Duplicate.Should().BeFalse();
        message.Payload.IsEmpty.Should().BeTrue();
        message.IsText.Should().BeTrue();
        message.ContentType.ToString().Should().Be("text/plain");
        message.ResponseTopic.ToString().Should().Be("answers");
        message.CorrelationData!.Value.ToArray().Should().Equal(7);
        message.Expiry.Should().Be(TimeSpan.FromSeconds(11));
        message.UserProperties.Select(pair => $"{pair.Name}={pair.Value}").Should().Equal("n=v", "n=w");
        scene.Server.Abort();
    }

    [Fact, Spec(V5, "3.3.2-10")]
    public async Task Topic_aliases_up_to_the_maximum_that_was_offered_are_resolved()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { Limits = new MqttClientLimits { TopicAliasMaximum = 2 } });
        await using var subscription = await scene.SubscribedAsync("#");
        await using var messages = subscription.GetAsyncEnumerator();
        for (ushort alias = 1; alias <= 2; alias++)
        {
            await scene.Server.SendAsync(new PublishPacket { Topic = $"long/{alias}", TopicAlias = alias });
            (await messages.NextAsync()).Topic.ToString().Should().Be($"long/{alias}");
        }

        await scene.Server.SendAsync(new PublishPacket { TopicAlias = 1 });
        (await messages.NextAsync()).Topic.ToString().Should().Be("long/1");
        await scene.Server.SendAsync(new PublishPacket { Topic = "other", TopicAlias = 3 });
        (await scene.Server.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.TopicAliasInvalid);
        scene.Server.Abort();
    }

    [Fact, Spec(V5, "3.3.2-7")]
    public async Task Topic_aliases_end_with_the_connection()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { Limits = new MqttClientLimits { TopicAliasMaximum = 2 } });
        await scene.Server.SendAsync(new PublishPacket { Topic = "long", TopicAlias = 1 });
        await scene.NothingMoreAsync();
        await scene.BreakAsync();
        await scene.ConnectAsync(new ConnAckPacket { SessionPresent = true });
        await scene.Server.SendAsync(new PublishPacket { TopicAlias = 1 });

        (await scene.Server.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.ProtocolError);
    }

    [Fact]
    public async Task A_message_of_many_kilobytes_in_small_pieces_arrives_whole()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await scene.SubscribedAsync("a");
        var payload = new byte[300_000];
        new Random(1).NextBytes(payload);
        var packet = new PublishPacket { Topic = "a", Payload = payload };
        var bytes = new byte[MqttPacketWriter.Measure(packet, MqttProtocolVersion.V500)];
        MqttPacketWriter.Write(bytes, packet, MqttProtocolVersion.V500);
        await using var messages = subscription.GetAsyncEnumerator();
        var next = messages.NextAsync();
        for (var at = 0; at < bytes.Length; at += 777)
            await scene.Server.SendBytesAsync(bytes.AsMemory(at, Math.Min(777, bytes.Length - at)));

        (await next).Payload.ToArray().Should().Equal(payload);
        scene.Server.Abort();
    }

    [Theory, Spec(V5, "4.5.0-2"), Spec(V311, "4.5.0-2")]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task What_matches_no_subscription_is_acknowledged_and_can_be_read_as_unclaimed(MqttProtocolVersion version)
    {
        await using var scene = await Scene.ConnectedAsync(version: version);
        await using var subscription = await scene.SubscribedAsync("a");
        await scene.DeliverAsync("z", "1", QualityOfService.AtLeastOnce, 7);
        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(7);
        await scene.DeliverAsync("z", "2", QualityOfService.ExactlyOnce, 8);
        (await scene.Server.ExpectAsync<PubRecPacket>()).PacketId.Should().Be(8);

        await using var messages = scene.Client.Unclaimed.GetAsyncEnumerator();
        (await messages.NextAsync()).GetText().Should().Be("1");
        (await messages.NextAsync()).GetText().Should().Be("2");
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_PUBREL_before_the_PUBREC_is_a_protocol_error()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await scene.SubscribedAsync("a");
        await scene.DeliverAsync("a", "1", QualityOfService.ExactlyOnce, 7);
        await scene.Server.SendAsync(new PubRelPacket { PacketId = 7 });

        (await scene.Server.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.ProtocolError);
    }

    [Fact]
    public async Task Leaving_an_enumeration_acknowledges_the_message_in_hand_and_the_next_one_goes_on_after_it()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await scene.SubscribedAsync("a");
        await scene.DeliverAsync("a", "1", QualityOfService.AtLeastOnce, 1);
        await scene.DeliverAsync("a", "2", QualityOfService.AtLeastOnce, 2);
        await foreach (var message in subscription)
        {
            message.GetText().Should().Be("1");
            break;
        }

        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(1);
        await scene.NothingMoreAsync();
        await using var messages = subscription.GetAsyncEnumerator();
        (await messages.NextAsync()).GetText().Should().Be("2");
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_stream_has_one_reader_at_a_time()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await scene.SubscribedAsync("a");
        await using var messages = subscription.GetAsyncEnumerator();
        var waiting = messages.MoveNextAsync().AsTask();

        await using var second = subscription.GetAsyncEnumerator();
        await FluentActions.Awaiting(() => second.MoveNextAsync().Soon()).Should().ThrowAsync<InvalidOperationException>();
        await scene.DeliverAsync("a", "1");
        (await waiting.Soon()).Should().BeTrue();
        scene.Server.Abort();
    }

    [Fact]
    public async Task Waiting_for_a_message_can_be_cancelled_and_loses_nothing()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await scene.SubscribedAsync("a");
        using var cancel = new CancellationTokenSource();
        await using (var messages = subscription.GetAsyncEnumerator(cancel.Token))
        {
            var waiting = messages.MoveNextAsync().AsTask();
            await cancel.CancelAsync();
            await FluentActions.Awaiting(() => waiting.Soon()).Should().ThrowAsync<OperationCanceledException>();
        }

        await scene.DeliverAsync("a", "1");
        await using var again = subscription.GetAsyncEnumerator();
        (await again.NextAsync()).GetText().Should().Be("1");
        scene.Server.Abort();
    }
}
