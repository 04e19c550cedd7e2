namespace Mqtt.Client.Tests;

public class PublishTests
{
    [Theory, Spec(V5, "4.3.1-1"), Spec(V5, "2.2.1-2"), Spec(V5, "3.3.1-2"), Spec(V311, "4.3.1-1")]
    [InlineData(MqttProtocolVersion.V310)]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task QoS_0_completes_at_once_and_has_no_identifier(MqttProtocolVersion version)
    {
        await using var scene = await Scene.ConnectedAsync(version: version);
        var publishing = scene.Client.PublishAsync("plant/7", "21.5", retain: true);
        publishing.IsCompletedSuccessfully.Should().BeTrue();
        (await publishing).EnsureSuccess().ReasonCode.Should().Be(ReasonCode.Success);

        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        packet.Topic.ToString().Should().Be("plant/7");
        packet.Payload.ToArray().Should().Equal("21.5"u8.ToArray());
        packet.QualityOfService.Should().Be(QualityOfService.AtMostOnce);
        packet.Retain.Should().BeTrue();
        packet.Duplicate.Should().BeFalse();
        packet.PacketId.Should().Be(0);
    }

    [Theory, Spec(V5, "4.3.2-1"), Spec(V5, "4.3.2-2"), Spec(V5, "4.3.2-3"), Spec(V5, "2.2.1-3"), Spec(V311, "4.3.2-1"), Spec(V311, "2.3.1-2")]
    [InlineData(MqttProtocolVersion.V310)]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task QoS_1_completes_with_PUBACK(MqttProtocolVersion version)
    {
        await using var scene = await Scene.ConnectedAsync(version: version);
        var publishing = scene.Client.PublishAsync("a", "x", QualityOfService.AtLeastOnce).AsTask();
        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        packet.QualityOfService.Should().Be(QualityOfService.AtLeastOnce);
        packet.Duplicate.Should().BeFalse();
        packet.PacketId.Should().NotBe(0);
        await scene.NothingMoreAsync();
        publishing.IsCompleted.Should().BeFalse();

        await scene.Server.SendAsync(new PubAckPacket { PacketId = packet.PacketId });
        (await publishing.Soon()).EnsureSuccess();
    }

    [Theory, Spec(V5, "4.3.3-1"), Spec(V5, "4.3.3-2"), Spec(V5, "4.3.3-3"), Spec(V5, "4.3.3-4"), Spec(V5, "4.3.3-5"), Spec(V5, "2.2.1-5"), Spec(V311, "4.3.3-1")]
    [InlineData(MqttProtocolVersion.V310)]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task QoS_2_answers_PUBREC_with_PUBREL_and_completes_with_PUBCOMP(MqttProtocolVersion version)
    {
        await using var scene = await Scene.ConnectedAsync(version: version);
        var publishing = scene.Client.PublishAsync("a", "x", QualityOfService.ExactlyOnce).AsTask();
        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        packet.QualityOfService.Should().Be(QualityOfService.ExactlyOnce);
        packet.Duplicate.Should().BeFalse();
        await scene.Server.SendAsync(new PubRecPacket { PacketId = packet.PacketId });
        (await scene.Server.ExpectAsync<PubRelPacket>()).PacketId.Should().Be(packet.PacketId);
        await scene.NothingMoreAsync();
        publishing.IsCompleted.Should().BeFalse();

        await scene.Server.SendAsync(new PubCompPacket { PacketId = packet.PacketId });
        (await publishing.Soon()).EnsureSuccess();
    }

    [Fact]
    public async Task The_result_carries_what_the_server_says()
    {
        await using var scene = await Scene.ConnectedAsync();
        var publishing = scene.Client.PublishAsync("a", "x", QualityOfService.AtLeastOnce).AsTask();
        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        await scene.Server.SendAsync(new PubAckPacket
        {
            PacketId = packet.PacketId,
            ReasonCode = ReasonCode.NotAuthorized,
            ReasonString = "not you",
            UserProperties = [("why", "because")],
        });

        var result = await publishing.Soon();
        result.IsSuccess.Should().BeFalse();
        result.ReasonCode.Should().Be(ReasonCode.NotAuthorized);
        result.ReasonString.Should().Be("not you");
        result.UserProperties["why"]!.Value.ToString().Should().Be("because");
        result.Invoking(refused => refused.EnsureSuccess()).Should().Throw<MqttRefusedException>().Which.ReasonCode.Should().Be(ReasonCode.NotAuthorized);
    }

    [Fact, Spec(V5, "4.4.0-2"), Spec(V5, "4.3.3-4")]
    public async Task A_PUBREC_that_fails_ends_the_delivery_and_frees_the_window()
    {
        await using var scene = await Scene.ConnectedAsync(answer: new ConnAckPacket { ReceiveMaximum = 1 });
        var first = scene.Client.PublishAsync("a", "1", QualityOfService.ExactlyOnce).AsTask();
        var second = scene.Client.PublishAsync("a", "2", QualityOfService.ExactlyOnce).AsTask();
        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        await scene.Server.SendAsync(new PubRecPacket { PacketId = packet.PacketId, ReasonCode = ReasonCode.QuotaExceeded });

        (await first.Soon()).ReasonCode.Should().Be(ReasonCode.QuotaExceeded);
        (await scene.Server.ExpectAsync<PublishPacket>()).Payload.ToArray().Should().Equal("2"u8.ToArray());
        second.IsCompleted.Should().BeFalse();
        scene.Server.Abort();
        await FluentActions.Awaiting(() => second.Soon()).Should().ThrowAsync<MqttConnectionException>();
    }

    [Fact]
    public async Task The_result_of_QoS_2_is_what_PUBREC_said()
    {
        await using var scene = await Scene.ConnectedAsync();
        var publishing = scene.Client.PublishAsync("a", "x", QualityOfService.ExactlyOnce).AsTask();
        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        await scene.Server.SendAsync(new PubRecPacket { PacketId = packet.PacketId, ReasonCode = ReasonCode.NoMatchingSubscribers });
        await scene.Server.ExpectAsync<PubRelPacket>();
        await scene.Server.SendAsync(new PubCompPacket { PacketId = packet.PacketId });

        (await publishing.Soon()).EnsureSuccess().ReasonCode.Should().Be(ReasonCode.NoMatchingSubscribers);
    }

    [Fact, Spec(V5, "4.6.0-4"), Spec(V311, "4.6.0-4")]
    public async Task PUBREL_follows_the_order_of_PUBREC()
    {
        await using var scene = await Scene.ConnectedAsync();
        var ids = new List<ushort>();
        var publishing = new List<Task>();
        for (var i = 0; i < 3; i++)
        {
            publishing.Add(scene.Client.PublishAsync("a", "x", QualityOfService.ExactlyOnce).AsTask());
            ids.Add((await scene.Server.ExpectAsync<PublishPacket>()).PacketId);
        }

        int[] order = [2, 0, 1];
        foreach (var i in order)
            await scene.Server.SendAsync(new PubRecPacket { PacketId = ids[i] });
        foreach (var i in order)
            (await scene.Server.ExpectAsync<PubRelPacket>()).PacketId.Should().Be(ids[i]);
        foreach (var id in ids)
            await scene.Server.SendAsync(new PubCompPacket { PacketId = id });
        await Task.WhenAll(publishing).Soon();
    }

    [Fact, Spec(V5, "3.3.4-7"), Spec(V5, "4.9.0-1"), Spec(V5, "4.9.0-2")]
    public async Task No_more_are_in_flight_than_the_server_takes_and_the_rest_follows_in_order()
    {
        await using var scene = await Scene.ConnectedAsync(answer: new ConnAckPacket { ReceiveMaximum = 2 });
        var publishing = Enumerable.Range(0, 6).Select(i => scene.Client.PublishAsync("a", $"{i}", QualityOfService.AtLeastOnce).AsTask()).ToArray();
        var inFlight = new Queue<PublishPacket>();
        inFlight.Enqueue(await scene.Server.ExpectAsync<PublishPacket>());
        inFlight.Enqueue(await scene.Server.ExpectAsync<PublishPacket>());
        await scene.NothingMoreAsync();

        for (var i = 0; i < 6; i++)
        {
            var packet = inFlight.Dequeue();
            packet.Payload.ToArray().Should().Equal((byte)('0' + i));
            await scene.Server.SendAsync(new PubAckPacket { PacketId = packet.PacketId });
            if (i < 4)
                inFlight.Enqueue(await scene.Server.ExpectAsync<PublishPacket>());
        }

        await Task.WhenAll(publishing).Soon();
        await scene.NothingMoreAsync();
    }

    [Fact, Spec(V5, "3.3.4-8"), Spec(V5, "4.9.0-3")]
    public async Task A_used_up_window_holds_back_nothing_but_publishes_of_QoS_1_and_2()
    {
        await using var scene = await Scene.ConnectedAsync(answer: new ConnAckPacket { ReceiveMaximum = 1 });
        var first = scene.Client.PublishAsync("a", "1", QualityOfService.ExactlyOnce).AsTask();
        var held = scene.Client.PublishAsync("a", "2", QualityOfService.AtLeastOnce).AsTask();
        var packet = await scene.Server.ExpectAsync<PublishPacket>();

        await scene.Client.PublishAsync("a", "3");
        (await scene.Server.ExpectAsync<PublishPacket>()).QualityOfService.Should().Be(QualityOfService.AtMostOnce);
        await using var subscription = scene.Client.Subscribe("b");
        await scene.Server.ExpectAsync<SubscribePacket>();
        await scene.Server.SendAsync(new PublishPacket { Topic = "z", QualityOfService = QualityOfService.AtLeastOnce, PacketId = 5 });
        await scene.Server.ExpectAsync<PubAckPacket>();
        await scene.Server.SendAsync(new PubRecPacket { PacketId = packet.PacketId });
        await scene.Server.ExpectAsync<PubRelPacket>();
        await scene.NothingMoreAsync();

        await scene.Server.SendAsync(new PubCompPacket { PacketId = packet.PacketId });
        await first.Soon();
        var next = await scene.Server.ExpectAsync<PublishPacket>();
        await scene.Server.SendAsync(new PubAckPacket { PacketId = next.PacketId });
        await held.Soon();
        scene.Server.Abort();
    }

    [Fact, Spec(V5, "3.2.2-15")]
    public async Task A_message_larger_than_the_server_takes_is_refused_unsent()
    {
        await using var scene = await Scene.ConnectedAsync(answer: new ConnAckPacket { MaximumPacketSize = 20 });
        await scene.Client.PublishAsync("a", new byte[14]);
        (await scene.Server.ExpectAsync<PublishPacket>()).Frame.Length.Should().Be(20);

        var refused = await FluentActions.Awaiting(() => scene.Client.PublishAsync("a", new byte[15]).Soon()).Should().ThrowAsync<MqttRefusedException>();
        refused.Which.ReasonCode.Should().Be(ReasonCode.PacketTooLarge);
        await scene.NothingMoreAsync();
    }

    [Fact, Spec(V5, "3.2.2-11"), Spec(V5, "3.2.2-14")]
    public async Task QoS_and_RETAIN_beyond_what_the_server_takes_are_refused_unsent()
    {
        await using var scene = await Scene.ConnectedAsync(answer: new ConnAckPacket { MaximumQoS = 0, RetainAvailable = false });

        (await FluentActions.Awaiting(() => scene.Client.PublishAsync("a", "x", QualityOfService.AtLeastOnce).Soon()).Should().ThrowAsync<MqttRefusedException>())
            .Which.ReasonCode.Should().Be(ReasonCode.QoSNotSupported);
        (await FluentActions.Awaiting(() => scene.Client.PublishAsync("a", "x", retain: true).Soon()).Should().ThrowAsync<MqttRefusedException>())
            .Which.ReasonCode.Should().Be(ReasonCode.RetainNotSupported);
        await scene.NothingMoreAsync();
    }

    [Fact, Spec(V5, "3.3.4-6"), Spec(V5, "3.2.2-18"), Spec(V5, "3.2.2-17"), Spec(V5, "3.3.2-9")]
    public async Task A_received_message_published_again_carries_neither_alias_nor_subscription_identifier()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { Limits = new MqttClientLimits { TopicAliasMaximum = 5 } });
        await using var subscription = scene.Client.Subscribe("a");
        var subscribe = await scene.Server.ExpectAsync<SubscribePacket>();
        var packet = new PublishPacket { Topic = "a", Payload = "x"u8.ToArray(), TopicAlias = 3, ContentType = "text" };
        packet.AddSubscriptionIdentifier(subscribe.SubscriptionIdentifier!.Value);
        await scene.Server.SendAsync(packet);
        await using var messages = subscription.GetAsyncEnumerator();
        await scene.Client.PublishAsync(await messages.NextAsync());

        var again = await scene.Server.ExpectAsync<PublishPacket>();
        again.TopicAlias.Should().BeNull();
        again.SubscriptionIdentifiers.Should().BeEmpty();
        again.ContentType.ToString().Should().Be("text");
        scene.Server.Abort();
    }

    [Fact]
    public async Task All_properties_of_a_message_are_sent()
    {
        await using var scene = await Scene.ConnectedAsync();
        await scene.Client.PublishAsync(new MqttMessage("a", "x")
        {
            IsText = true,
            ContentType = "text/plain",
            ResponseTopic = "answers",
            CorrelationData = new byte[] { 7 },
            Expiry = TimeSpan.FromSeconds(11),
            UserProperties = [("n", "v"), ("n", "w")],
        });

        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        packet.PayloadFormatIndicator.Should().Be(1);
        packet.ContentType.ToString().Should().Be("text/plain");
        packet.ResponseTopic.ToString().Should().Be("answers");
        packet.CorrelationData!.Value.ToArray().Should().Equal(7);
        packet.MessageExpiryInterval.Should().Be(11);
        packet.UserProperties.Select(pair => $"{pair.Name}={pair.Value}").Should().Equal("n=v", "n=w");
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/+")]
    [InlineData("a/#")]
    [InlineData("a\0")]
    public async Task A_topic_that_cannot_be_published_to_is_refused(string topic)
    {
        await using var scene = await Scene.ConnectedAsync();

        foreach (var qualityOfService in Enum.GetValues<QualityOfService>())
            await FluentActions.Awaiting(() => scene.Client.PublishAsync(topic, "x", qualityOfService).AsTask()).Should().ThrowAsync<ArgumentException>();
        await scene.NothingMoreAsync();
    }

    [Fact]
    public async Task Without_a_connection_nothing_is_published()
    {
        await using var scene = Scene.Begin();

        await FluentActions.Awaiting(() => scene.Client.PublishAsync("a", "x").Soon()).Should().ThrowAsync<MqttConnectionException>();
    }

    [Fact]
    public async Task A_wait_for_an_acknowledgement_can_be_cancelled_and_the_identifier_stays_in_use()
    {
        await using var scene = await Scene.ConnectedAsync();
        using var cancel = new CancellationTokenSource();
        var publishing = scene.Client.PublishAsync("a", "1", QualityOfService.AtLeastOnce, cancellationToken: cancel.Token).AsTask();
        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        await cancel.CancelAsync();
        await FluentActions.Awaiting(() => publishing.Soon()).Should().ThrowAsync<OperationCanceledException>();

        await scene.Server.SendAsync(new PubAckPacket { PacketId = packet.PacketId });
        await scene.NothingMoreAsync();
    }

    [Fact]
    public async Task A_message_that_is_cancelled_before_it_was_sent_is_never_sent()
    {
        await using var scene = await Scene.ConnectedAsync(answer: new ConnAckPacket { ReceiveMaximum = 1 });
        using var cancel = new CancellationTokenSource();
        var first = scene.Client.PublishAsync("a", "1", QualityOfService.AtLeastOnce).AsTask();
        var second = scene.Client.PublishAsync("a", "2", QualityOfService.AtLeastOnce, cancellationToken: cancel.Token).AsTask();
        var third = scene.Client.PublishAsync("a", "3", QualityOfService.AtLeastOnce).AsTask();
        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        await cancel.CancelAsync();
        await FluentActions.Awaiting(() => second.Soon()).Should().ThrowAsync<OperationCanceledException>();
        await scene.Server.SendAsync(new PubAckPacket { PacketId = packet.PacketId });
        await first.Soon();

        packet = await scene.Server.ExpectAsync<PublishPacket>();
        packet.Payload.ToArray().Should().Equal("3"u8.ToArray());
        await scene.Server.SendAsync(new PubAckPacket { PacketId = packet.PacketId });
        await third.Soon();
    }

    [Fact]
    public async Task The_payload_may_be_used_again_as_soon_as_QoS_0_completes()
    {
        await using var scene = await Scene.ConnectedAsync();
        var payload = new byte[] { 1 };
        await scene.Client.PublishAsync("a", payload);
        payload[0] = 2;

        (await scene.Server.ExpectAsync<PublishPacket>()).Payload.ToArray().Should().Equal(1);
    }

    [Fact]
    public async Task Publishes_of_QoS_0_wait_while_the_network_takes_nothing_and_then_go_out_in_order()
    {
        await using var scene = Scene.Begin(options => options with { Limits = new MqttClientLimits { OutboxBytes = 1000 } }, capacityBytes: 1000);
        await scene.ConnectAsync();
        var publishing = Enumerable.Range(0, 50).Select(i => scene.Client.PublishAsync("a", Enumerable.Repeat((byte)i, 200).ToArray()).AsTask()).ToArray();
        publishing.Should().Contain(task => !task.IsCompleted, "there is room for a few only");

        for (var i = 0; i < 50; i++)
            (await scene.Server.ExpectAsync<PublishPacket>()).Payload.Span[0].Should().Be((byte)i);
        await Task.WhenAll(publishing).Soon();
    }

    [Fact]
    public async Task An_acknowledgement_of_nothing_is_ignored_and_an_unknown_PUBREC_is_told_so()
    {
        await using var scene = await Scene.ConnectedAsync();
        await scene.Server.SendAsync(new PubAckPacket { PacketId = 99 });
        await scene.Server.SendAsync(new PubCompPacket { PacketId = 99 });
        await scene.Server.SendAsync(new PubRecPacket { PacketId = 99 });

        var answer = await scene.Server.ExpectAsync<PubRelPacket>();
        answer.PacketId.Should().Be(99);
        answer.ReasonCode.Should().Be(ReasonCode.PacketIdentifierNotFound);
        await scene.NothingMoreAsync();
    }

    [Fact]
    public async Task An_acknowledgement_of_the_wrong_kind_is_a_protocol_error()
    {
        await using var scene = await Scene.ConnectedAsync();
        var publishing = scene.Client.PublishAsync("a", "x", QualityOfService.ExactlyOnce).AsTask();
        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        await scene.Server.SendAsync(new PubAckPacket { PacketId = packet.PacketId });

        (await scene.Server.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.ProtocolError);
        await FluentActions.Awaiting(() => publishing.Soon()).Should().ThrowAsync<MqttConnectionException>();
    }

    [Fact]
    public async Task Several_publishers_at_once_lose_nothing()
    {
        await using var scene = await Scene.ConnectedAsync(answer: new ConnAckPacket { ReceiveMaximum = 10 });
        var publishers = Enumerable.Range(0, 8).Select(publisher => Task.Run(async () =>
        {
            for (var i = 0; i < 50; i++)
                (await scene.Client.PublishAsync($"p/{publisher}", $"{i}", QualityOfService.AtLeastOnce)).EnsureSuccess();
        })).ToArray();
        var next = new int[8];
        for (var i = 0; i < 400; i++)
        {
            var packet = await scene.Server.ExpectAsync<PublishPacket>();
            var publisher = int.Parse(packet.Topic.ToString()[2..]);
            packet.Payload.ToArray().Should().Equal(System.Text.Encoding.UTF8.GetBytes($"{next[publisher]++}"), "each publisher's messages come in order");
            await scene.Server.SendAsync(new PubAckPacket { PacketId = packet.PacketId });
        }

        await Task.WhenAll(publishers).Soon();
    }

    [Fact]
    public async Task Messages_published_in_one_turn_leave_in_one_write()
    {
        var (ours, theirs) = MemoryChannel.CreatePair();
        var counting = new CountingChannel(ours);
        await using var client = new MqttClient(new MqttClientOptions { ConnectChannel = _ => new(counting) });
        var server = new ScriptedPeer(theirs, MqttSender.Server);
        var connecting = client.ConnectAsync();
        await server.AcceptAsync();
        await connecting.Soon();
        var before = counting.Writes;
        var publishing = new List<Task>();
        using (Turn.Enter(out _))
        {
            for (var i = 0; i < 100; i++)
                publishing.Add(client.PublishAsync("a", "x").AsTask());
        }

        publishing.Should().OnlyContain(task => task.IsCompletedSuccessfully);
        counting.Writes.Should().Be(before + 1);
        for (var i = 0; i < 100; i++)
            await server.ExpectAsync<PublishPacket>();
        await server.DisposeAsync();
    }

    private sealed class CountingChannel(MqttChannel inner) : MqttChannel
    {
        public int Writes { get; private set; }

        public override ValueTask WaitReadableAsync(CancellationToken cancellationToken = default) => inner.WaitReadableAsync(cancellationToken);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
        {
            Writes++;
            return inner.WriteAsync(bytes);
        }

        public override void CompleteWriting() => inner.CompleteWriting();

        public override void Abort() => inner.Abort();
    }
}
