namespace Mqtt.Client.Tests;

/// <summary>Messages that cannot be sent at once: without a connection, and when the server takes no more.</summary>
public class QueueTests
{
    [Fact]
    public async Task QoS_1_and_2_wait_for_the_next_connection_in_order_and_QoS_0_does_not()
    {
        await using var scene = await OfflineAsync();
        var publishing = Enumerable.Range(0, 4).Select(i => scene.Client.PublishAsync("a", $"{i}", i % 2 == 0 ? QualityOfService.AtLeastOnce : QualityOfService.ExactlyOnce).AsTask()).ToArray();
        await FluentActions.Awaiting(() => scene.Client.PublishAsync("a", "now or never").Soon()).Should().ThrowAsync<MqttConnectionException>();
        scene.Client.Statistics.MessagesQueued.Should().Be(4);
        await scene.Dialled().AcceptAsync();

        for (var i = 0; i < 4; i++)
            await AcknowledgeAsync(scene, $"{i}");
        (await Task.WhenAll(publishing).Soon()).Should().OnlyContain(result => result.IsSuccess);
        scene.Client.Statistics.MessagesQueued.Should().Be(0);
    }

    [Fact]
    public async Task QoS_0_waits_too_if_it_is_asked_to_and_QoS_1_fails_if_it_is_not()
    {
        await using var scene = await OfflineAsync(new() { AtMostOnce = MqttQueuePolicy.Wait, Acknowledged = MqttQueuePolicy.FailOffline });
        var kept = scene.Client.PublishAsync("a", "0").AsTask();
        kept.IsCompleted.Should().BeFalse();
        await FluentActions.Awaiting(() => scene.Client.PublishAsync("a", "1", QualityOfService.AtLeastOnce).Soon()).Should().ThrowAsync<MqttConnectionException>();
        var other = scene.Client.PublishAsync(Message("2"), MqttQueuePolicy.Wait).AsTask();
        await scene.Dialled().AcceptAsync();

        await AcknowledgeAsync(scene, "2");
        (await scene.Server.ExpectAsync<PublishPacket>()).Payload.ToArray().Should().Equal("0"u8.ToArray());
        await Task.WhenAll(kept, other).Soon();
    }

    [Fact]
    public async Task Beyond_the_bound_a_message_waits_for_room()
    {
        await using var scene = await OfflineAsync(new() { Count = 2 });
        var publishing = Enumerable.Range(0, 5).Select(i => scene.Client.PublishAsync(Message($"{i}")).AsTask()).ToArray();
        scene.Client.Statistics.MessagesQueued.Should().Be(5);
        await scene.Dialled().AcceptAsync(new ConnAckPacket { ReceiveMaximum = 1 });

        for (var i = 0; i < 5; i++)
            await AcknowledgeAsync(scene, $"{i}");
        await Task.WhenAll(publishing).Soon();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Beyond_the_bound_a_message_fails_is_dropped_or_drops_the_oldest(bool isBoundOfBytes)
    {
        await using var scene = await OfflineAsync(isBoundOfBytes ? new() { Bytes = 2 * 9 } : new() { Count = 2 });
        var first = scene.Client.PublishAsync(Message("1")).AsTask();
        var second = scene.Client.PublishAsync(Message("2"), MqttQueuePolicy.FailWhenFull).AsTask();

        await FluentActions.Awaiting(() => scene.Client.PublishAsync(Message("3"), MqttQueuePolicy.FailWhenFull).Soon()).Should().ThrowAsync<MqttConnectionException>();
        var dropped = await scene.Client.PublishAsync(Message("4"), MqttQueuePolicy.DropNewest).Soon();
        (dropped.ReasonCode, dropped.IsSuccess).Should().Be((ReasonCode.QuotaExceeded, false));
        first.IsCompleted.Should().BeFalse();
        var last = scene.Client.PublishAsync(Message("5"), MqttQueuePolicy.DropOldest).AsTask();
        (await first.Soon()).ReasonCode.Should().Be(ReasonCode.QuotaExceeded);
        scene.Client.Statistics.MessagesLost(MqttPublishLoss.QueueFull).Should().Be(2);

        await scene.Dialled().AcceptAsync();
        await AcknowledgeAsync(scene, "2");
        await AcknowledgeAsync(scene, "5");
        await Task.WhenAll(second, last).Soon();
        await scene.NothingMoreAsync();
    }

    [Fact]
    public async Task The_oldest_to_be_dropped_is_one_of_QoS_0_if_there_is_any()
    {
        await using var scene = await OfflineAsync(new() { Count = 2, AtMostOnce = MqttQueuePolicy.Wait });
        var kept = scene.Client.PublishAsync(Message("1")).AsTask();
        var dropped = scene.Client.PublishAsync("a", "0").AsTask();
        var newest = scene.Client.PublishAsync(Message("2"), MqttQueuePolicy.DropOldest).AsTask();
        (await dropped.Soon()).ReasonCode.Should().Be(ReasonCode.QuotaExceeded);
        await scene.Dialled().AcceptAsync();

        await AcknowledgeAsync(scene, "1");
        await AcknowledgeAsync(scene, "2");
        await Task.WhenAll(kept, newest).Soon();
    }

    [Fact]
    public async Task A_message_larger_than_the_bound_is_taken_into_an_empty_queue_and_nothing_beside_it()
    {
        await using var scene = await OfflineAsync(new() { Bytes = 10 });
        var large = scene.Client.PublishAsync(new MqttMessage("a", new byte[100]) { QualityOfService = QualityOfService.AtLeastOnce }).AsTask();

        await FluentActions.Awaiting(() => scene.Client.PublishAsync(Message("1"), MqttQueuePolicy.FailWhenFull).Soon()).Should().ThrowAsync<MqttConnectionException>();
        large.IsCompleted.Should().BeFalse();
    }

    [Fact]
    public async Task The_bounds_hold_as_well_for_what_waits_for_the_window_of_the_server()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { Queue = new() { Count = 1 } }, answer: new ConnAckPacket { ReceiveMaximum = 1 });
        var inFlight = scene.Client.PublishAsync(Message("1")).AsTask();
        var waiting = scene.Client.PublishAsync(Message("2")).AsTask();
        (await scene.Client.PublishAsync(Message("3"), MqttQueuePolicy.DropNewest).Soon()).ReasonCode.Should().Be(ReasonCode.QuotaExceeded);
        var newest = scene.Client.PublishAsync(Message("4"), MqttQueuePolicy.DropOldest).AsTask();

        (await waiting.Soon()).ReasonCode.Should().Be(ReasonCode.QuotaExceeded);
        await AcknowledgeAsync(scene, "1");
        await AcknowledgeAsync(scene, "4");
        await Task.WhenAll(inFlight, newest).Soon();
    }

    [Fact]
    public async Task A_message_that_is_cancelled_leaves_its_room_to_the_next_and_is_never_sent()
    {
        await using var scene = await OfflineAsync(new() { Count = 1 });
        using var cancel = new CancellationTokenSource();
        var cancelled = scene.Client.PublishAsync(Message("1"), cancel.Token).AsTask();
        await cancel.CancelAsync();
        await FluentActions.Awaiting(() => cancelled.Soon()).Should().ThrowAsync<OperationCanceledException>();
        var kept = scene.Client.PublishAsync(Message("2"), MqttQueuePolicy.FailWhenFull).AsTask();
        await scene.Dialled().AcceptAsync();

        await AcknowledgeAsync(scene, "2");
        await kept.Soon();
        await scene.NothingMoreAsync();
    }

    [Fact]
    public async Task What_is_published_anew_for_a_lost_session_comes_before_what_waited_even_if_the_queue_is_full()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { Reconnect = Scene.AtOnce, Queue = new() { Count = 1 } }, answer: new ConnAckPacket { ReceiveMaximum = 2 });
        var publishing = Enumerable.Range(0, 3).Select(i => scene.Client.PublishAsync(Message($"{i}")).AsTask()).ToArray();
        await scene.Server.ExpectAsync<PublishPacket>();
        await scene.Server.ExpectAsync<PublishPacket>();
        await scene.BreakAsync();
        await scene.Dialled().AcceptAsync(new ConnAckPacket { ReceiveMaximum = 1 });

        for (var i = 0; i < 3; i++)
            await AcknowledgeAsync(scene, $"{i}");
        await Task.WhenAll(publishing).Soon();
    }

    [Fact]
    public async Task A_message_that_is_not_to_wait_for_another_connection_fails_with_its_own()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { Reconnect = Scene.AtOnce }, answer: new ConnAckPacket { ReceiveMaximum = 1 });
        var inFlight = scene.Client.PublishAsync(Message("1"), MqttQueuePolicy.FailOffline).AsTask();
        var waiting = scene.Client.PublishAsync(Message("2"), MqttQueuePolicy.FailOffline).AsTask();
        await scene.Server.ExpectAsync<PublishPacket>();
        await scene.BreakAsync();

        await FluentActions.Awaiting(() => waiting.Soon()).Should().ThrowAsync<MqttConnectionException>();
        await scene.Dialled().AcceptAsync(new ConnAckPacket { SessionPresent = true });
        await AcknowledgeAsync(scene, "1");
        await inFlight.Soon();
        await scene.NothingMoreAsync();
    }

    [Fact]
    public async Task A_message_waits_for_a_first_connection_that_is_being_made_and_not_for_one_that_nobody_makes()
    {
        await using var scene = Scene.Begin();
        await FluentActions.Awaiting(() => scene.Client.PublishAsync(Message("0")).Soon()).Should().ThrowAsync<MqttConnectionException>();
        var connecting = scene.Client.ConnectAsync().AsTask();
        var publishing = scene.Client.PublishAsync(Message("1")).AsTask();
        await scene.Dialled().AcceptAsync();
        await connecting.Soon();

        await AcknowledgeAsync(scene, "1");
        await publishing.Soon();
    }

    [Fact]
    public async Task What_was_never_sent_is_forgotten_when_the_client_is_disconnected()
    {
        await using var scene = await OfflineAsync();
        var publishing = scene.Client.PublishAsync(Message("1")).AsTask();
        await scene.Client.DisconnectAsync().Soon();

        await FluentActions.Awaiting(() => publishing.Soon()).Should().ThrowAsync<MqttConnectionException>();
        scene.Client.Statistics.MessagesQueued.Should().Be(0);
    }

    [Theory]
    [InlineData(0, 100)]
    [InlineData(29_001, 71)]
    [InlineData(30_000, 70)]
    [InlineData(99_999, 1)]
    public async Task The_expiry_that_is_sent_is_what_is_left_of_it(int waitedMilliseconds, uint left)
    {
        await using var scene = await OfflineAsync(new() { AtMostOnce = MqttQueuePolicy.Wait });
        var publishing = new List<Task>();
        foreach (var qualityOfService in Enum.GetValues<QualityOfService>())
            publishing.Add(scene.Client.PublishAsync(Expiring($"{(int)qualityOfService}", 100, qualityOfService)).AsTask());
        scene.Time.Advance(TimeSpan.FromMilliseconds(waitedMilliseconds));
        await scene.Dialled().AcceptAsync();

        foreach (var text in (string[])["1", "2", "0"])
            (await AcknowledgeAsync(scene, text)).MessageExpiryInterval.Should().Be(left);
        await Task.WhenAll(publishing).Soon();
    }

    [Fact]
    public async Task A_message_that_expired_while_it_waited_is_dropped_and_counted()
    {
        await using var scene = await OfflineAsync(new() { AtMostOnce = MqttQueuePolicy.Wait });
        var expiring = scene.Client.PublishAsync(Expiring("1", 10, QualityOfService.AtLeastOnce)).AsTask();
        var expiringToo = scene.Client.PublishAsync(Expiring("0", 10, QualityOfService.AtMostOnce)).AsTask();
        var kept = scene.Client.PublishAsync(Message("2")).AsTask();
        scene.Time.Advance(TimeSpan.FromSeconds(11));
        await scene.Dialled().AcceptAsync();

        await AcknowledgeAsync(scene, "2");
        await kept.Soon();
        foreach (var lost in (Task<MqttPublishResult>[])[expiring, expiringToo])
            (await lost.Soon()).Should().Match<MqttPublishResult>(result => result.ReasonCode == ReasonCode.ImplementationSpecificError && !result.IsSuccess);
        scene.Client.Statistics.MessagesLost(MqttPublishLoss.Expired).Should().Be(2);
        await scene.NothingMoreAsync();
    }

    [Fact]
    public async Task In_a_full_queue_those_that_have_expired_make_room()
    {
        await using var scene = await OfflineAsync(new() { Count = 2 });
        var expiring = scene.Client.PublishAsync(Expiring("1", 10, QualityOfService.AtLeastOnce)).AsTask();
        var first = scene.Client.PublishAsync(Expiring("2", 30, QualityOfService.AtLeastOnce)).AsTask();
        await FluentActions.Awaiting(() => scene.Client.PublishAsync(Message("3"), MqttQueuePolicy.FailWhenFull).Soon()).Should().ThrowAsync<MqttConnectionException>();
        scene.Time.Advance(TimeSpan.FromSeconds(11));
        var second = scene.Client.PublishAsync(Message("4"), MqttQueuePolicy.FailWhenFull).AsTask();
        (await expiring.Soon()).IsSuccess.Should().BeFalse();
        await scene.Dialled().AcceptAsync();

        await AcknowledgeAsync(scene, "2");
        await AcknowledgeAsync(scene, "4");
        await Task.WhenAll(first, second).Soon();
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    public void Bounds_that_cannot_be_are_refused(int count, int bytes) =>
        FluentActions.Invoking(() => new MqttClient(new MqttClientOptions { Queue = new() { Count = count, Bytes = bytes } })).Should().Throw<ArgumentException>().WithMessage("*Queue.*");

    private static MqttMessage Expiring(string text, int seconds, QualityOfService qualityOfService) =>
        new("a", text) { QualityOfService = qualityOfService, Expiry = TimeSpan.FromSeconds(seconds), ContentType = "text/plain" };

    private static MqttMessage Message(string text) => new("a", text) { QualityOfService = QualityOfService.AtLeastOnce };

    /// <summary>A client that has lost its connection, and has dialled again.</summary>
    private static async Task<Scene> OfflineAsync(MqttClientQueue? queue = null)
    {
        var scene = await Scene.ConnectedAsync(options => options with
        {
            Reconnect = Scene.AtOnce,
            Queue = queue ?? options.Queue,
            Timeouts = new() { Connect = Timeout.InfiniteTimeSpan }, // so that a test can move the time
        });
        await scene.BreakAsync();
        return scene;
    }

    /// <summary>The next packet is this message, and the server has taken it.</summary>
    private static async Task<PublishPacket> AcknowledgeAsync(Scene scene, string text)
    {
        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        System.Text.Encoding.UTF8.GetString(packet.Payload.Span).Should().Be(text);
        if (packet.QualityOfService == QualityOfService.ExactlyOnce)
        {
            await scene.Server.SendAsync(new PubRecPacket { PacketId = packet.PacketId });
            await scene.Server.SendAsync(new PubCompPacket { PacketId = packet.PacketId });
        }
        else if (packet.QualityOfService == QualityOfService.AtLeastOnce)
        {
            await scene.Server.SendAsync(new PubAckPacket { PacketId = packet.PacketId });
        }

        return packet;
    }
}
