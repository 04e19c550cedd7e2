using System.Text;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Client.Tests;

/// <summary>A client whose queue has a store: what is safe before what leaves, and what the next process finds.</summary>
public class StoredQueueTests
{
    private static readonly ConnAckPacket Resumed = new() { SessionPresent = true };

    // --- Before a packet leaves

    [Theory]
    [InlineData(QualityOfService.AtLeastOnce, "+1 1=AwaitingPubAck")]
    [InlineData(QualityOfService.ExactlyOnce, "+1 1=AwaitingPubRec")]
    public async Task A_message_leaves_only_when_it_and_its_packet_identifier_are_safe(QualityOfService qualityOfService, string expected)
    {
        var store = new TestPublishStore();
        await using var scene = await ConnectedAsync(store);
        using var holding = store.Hold();
        var publishing = scene.Client.PublishAsync("a", "1", qualityOfService).AsTask();
        var write = await NextAsync(store, expected);
        await scene.NothingMoreAsync();
        write.Commit();
        holding.Dispose();

        await AcknowledgeAsync(scene, "1");
        (await publishing.Soon()).EnsureSuccess();
    }

    [Fact]
    public async Task PUBREL_leaves_only_when_the_PUBREC_is_safe_and_an_acknowledged_message_is_removed()
    {
        var store = new TestPublishStore();
        await using var scene = await ConnectedAsync(store);
        using var holding = store.Hold();
        var (publishing, packet) = await PublishToPubRecAsync(scene, store);
        var write = await NextAsync(store, "1=AwaitingPubComp");
        await scene.NothingMoreAsync();
        write.Commit();

        (await scene.Server.ExpectAsync<PubRelPacket>()).PacketId.Should().Be(packet.PacketId);
        await scene.Server.SendAsync(new PubCompPacket { PacketId = packet.PacketId });
        (await publishing.Soon()).EnsureSuccess();
        await CommitAsync(store, "-1");
        await store.WhenEmptyAsync().Soon();
    }

    [Fact]
    public async Task A_message_that_the_server_refuses_is_removed()
    {
        var store = new TestPublishStore();
        await using var scene = await ConnectedAsync(store);
        foreach (var qualityOfService in (QualityOfService[])[QualityOfService.AtLeastOnce, QualityOfService.ExactlyOnce])
        {
            var publishing = scene.Client.PublishAsync("a", "1", qualityOfService).AsTask();
            var packet = await scene.Server.ExpectAsync<PublishPacket>();
            await scene.Server.SendAsync(qualityOfService == QualityOfService.AtLeastOnce
                ? new PubAckPacket { PacketId = packet.PacketId, ReasonCode = ReasonCode.NotAuthorized }
                : new PubRecPacket { PacketId = packet.PacketId, ReasonCode = ReasonCode.NotAuthorized });
            (await publishing.Soon()).ReasonCode.Should().Be(ReasonCode.NotAuthorized);
        }

        await store.WhenEmptyAsync().Soon();
    }

    [Fact]
    public async Task What_is_published_while_a_write_is_under_way_shares_the_next_one()
    {
        var store = new TestPublishStore();
        await using var scene = await ConnectedAsync(store);
        using var holding = store.Hold();
        var publishing = new List<Task> { scene.Client.PublishAsync("a", "0", QualityOfService.AtLeastOnce).AsTask() };
        var first = await store.NextWriteAsync();
        publishing.AddRange(Enumerable.Range(1, 100).Select(i => scene.Client.PublishAsync("a", $"{i}", QualityOfService.AtLeastOnce).AsTask()));
        first.Commit();

        var second = await store.NextWriteAsync();
        second.Changes.Where(change => change.Kind == MqttPublishChangeKind.Add).Should().HaveCount(100);
        second.Commit();
        holding.Dispose();
        for (var i = 0; i <= 100; i++)
            await AcknowledgeAsync(scene, $"{i}");
        await Task.WhenAll(publishing).Soon();
    }

    [Fact]
    public async Task A_message_of_QoS_0_that_need_not_wait_costs_the_store_nothing()
    {
        var store = new TestPublishStore();
        await using var scene = await ConnectedAsync(store);
        await scene.Client.PublishAsync("a", "now").Soon();

        await ExpectAsync(scene, "now");
        store.WriteCount.Should().Be(0);
    }

    [Fact]
    public async Task A_message_of_QoS_0_that_waited_leaves_the_store_before_it_is_sent()
    {
        var store = new TestPublishStore();
        await using var scene = Begin(store);
        using var holding = store.Hold();
        var enqueueing = scene.Client.EnqueueAsync(new MqttMessage("a", "1")).AsTask();
        await CommitAsync(store, "+1");
        (await enqueueing.Soon()).Should().BeTrue();
        await scene.ConnectAsync();
        var write = await NextAsync(store, "-1");
        await scene.NothingMoreAsync();
        write.Commit();

        await ExpectAsync(scene, "1");
    }

    // --- Enqueueing

    [Fact]
    public async Task An_enqueued_message_is_taken_when_it_is_safe_and_needs_no_connection()
    {
        var store = new TestPublishStore();
        await using var scene = Begin(store);
        using var holding = store.Hold();
        var enqueueing = scene.Client.EnqueueAsync(Message("1")).AsTask();
        var write = await NextAsync(store, "+1");
        enqueueing.IsCompleted.Should().BeFalse();
        write.Commit();

        (await enqueueing.Soon()).Should().BeTrue();
        scene.Client.Statistics.MessagesQueued.Should().Be(1);
        holding.Dispose();
        await scene.ConnectAsync();
        await AcknowledgeAsync(scene, "1");
    }

    [Fact]
    public async Task An_enqueued_message_is_not_taken_by_a_store_that_fails()
    {
        var store = new TestPublishStore { WriteFailure = new MqttStoreException("full") };
        await using var scene = Begin(store);
        await FluentActions.Awaiting(() => scene.Client.EnqueueAsync(Message("1")).Soon()).Should().ThrowAsync<MqttStoreException>().WithMessage("full");

        scene.Client.Statistics.MessagesQueued.Should().Be(0);
        (await scene.ErrorAsync()).Should().Contain("full");
        store.WriteFailure = null;
    }

    [Fact]
    public async Task What_is_enqueued_before_the_store_is_open_comes_behind_what_an_earlier_process_left()
    {
        var store = await LeftBehindAsync("1", "2");
        await using var scene = Begin(store);
        var enqueueing = Enumerable.Range(3, 3).Select(i => scene.Client.EnqueueAsync(Message($"{i}")).AsTask()).ToArray();
        await Task.WhenAll(enqueueing).Soon();
        await scene.ConnectAsync();

        for (var i = 1; i <= 5; i++)
            await AcknowledgeAsync(scene, $"{i}");
        await store.WhenEmptyAsync().Soon();
    }

    [Fact]
    public async Task A_message_that_waits_for_room_is_taken_when_there_is_some_and_can_be_withdrawn_until_then()
    {
        var store = new TestPublishStore();
        await using var scene = Begin(store, new() { Count = 1 });
        await scene.Client.EnqueueAsync(Message("1")).Soon();
        using var cancel = new CancellationTokenSource();
        var withdrawn = scene.Client.EnqueueAsync(Message("2"), cancel.Token).AsTask();
        var waiting = scene.Client.EnqueueAsync(Message("3")).AsTask();
        await cancel.CancelAsync();
        await FluentActions.Awaiting(() => withdrawn.Soon()).Should().ThrowAsync<OperationCanceledException>();
        waiting.IsCompleted.Should().BeFalse();
        store.Safe.Should().ContainSingle();

        await scene.ConnectAsync();
        await AcknowledgeAsync(scene, "1");
        (await waiting.Soon()).Should().BeTrue();
        await AcknowledgeAsync(scene, "3");
    }

    [Fact]
    public async Task What_a_full_queue_drops_is_removed_from_the_store_and_told()
    {
        var store = new TestPublishStore();
        await using var scene = Begin(store, new() { Count = 2 });
        await scene.Client.EnqueueAsync(Message("1")).Soon();
        await scene.Client.EnqueueAsync(Message("2")).Soon();
        (await scene.Client.EnqueueAsync(Message("3"), MqttQueuePolicy.DropNewest).Soon()).Should().BeFalse();
        (await scene.Client.EnqueueAsync(Message("4"), MqttQueuePolicy.DropOldest).Soon()).Should().BeTrue();
        var lost = await scene.HappenedAsync<MqttPublishLostEvent>();
        (lost.Topic.ToString(), lost.QualityOfService, lost.Cause).Should().Be(("a", QualityOfService.AtLeastOnce, MqttPublishLoss.QueueFull));
        await FluentActions.Awaiting(() => scene.Client.EnqueueAsync(Message("5"), MqttQueuePolicy.FailWhenFull).Soon()).Should().ThrowAsync<MqttConnectionException>();

        Payloads(store).Should().Equal("2", "4");
        scene.Client.Statistics.MessagesLost(MqttPublishLoss.QueueFull).Should().Be(2);
    }

    [Fact]
    public async Task What_becomes_of_an_enqueued_message_later_is_told()
    {
        var store = new TestPublishStore();
        await using var scene = Begin(store);
        await scene.Client.EnqueueAsync(Message("1")).Soon();
        await scene.Client.EnqueueAsync(new MqttMessage("b", "2") { QualityOfService = QualityOfService.ExactlyOnce }).Soon();
        await scene.ConnectAsync(new ConnAckPacket { MaximumQoS = 1 });
        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        await scene.Server.SendAsync(new PubAckPacket { PacketId = packet.PacketId, ReasonCode = ReasonCode.NotAuthorized, ReasonString = "not you" });

        await scene.HappenedAsync<MqttConnectedEvent>();
        (await scene.HappenedAsync<MqttPublishLostEvent>()).Should().Match<MqttPublishLostEvent>(lost => lost.Topic == "b" && lost.Cause == MqttPublishLoss.Refused);
        (await scene.HappenedAsync<MqttPublishLostEvent>()).Should().Match<MqttPublishLostEvent>(lost => lost.Topic == "a" && lost.Reason == "not you");
        await store.WhenEmptyAsync().Soon();
    }

    // --- The next process

    [Fact]
    public async Task What_was_never_sent_survives_disconnecting_and_disposal_and_goes_out_in_order()
    {
        var store = new TestPublishStore();
        await using (var scene = await ConnectedAsync(store, new ConnAckPacket { ReceiveMaximum = 1 }))
        {
            var publishing = Enumerable.Range(1, 3).Select(i => scene.Client.PublishAsync("a", $"{i}", i == 2 ? QualityOfService.ExactlyOnce : QualityOfService.AtLeastOnce).AsTask()).ToArray();
            await AcknowledgeAsync(scene, "1");
            await publishing[0].Soon();
            await ExpectAsync(scene, "2");
            await scene.DisconnectAsync();
            await FluentActions.Awaiting(() => publishing[2].Soon()).Should().ThrowAsync<MqttConnectionException>();
            await scene.Client.EnqueueAsync(Message("4")).Soon();
        }

        Payloads(store).Should().Equal("2", "3", "4");
        await using var next = Begin(store);
        await next.ConnectAsync(Resumed);
        (await ExpectAsync(next, "2")).Duplicate.Should().BeTrue();
        await AcknowledgeAsync(next, "3");
        await AcknowledgeAsync(next, "4");
    }

    [Theory, Spec(V5, "4.4.0-1"), Spec(V5, "4.6.0-1"), Spec(V5, "4.6.0-4"), Spec(V311, "4.4.0-1")]
    [InlineData(MqttProtocolVersion.V310)]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task The_next_process_goes_on_with_the_session_with_the_same_identifiers(MqttProtocolVersion version)
    {
        var store = new TestPublishStore();
        var ids = new List<ushort>();
        await using (var scene = Begin(store, version: version))
        {
            await scene.ConnectAsync();
            for (var i = 1; i <= 4; i++)
            {
                await scene.Client.EnqueueAsync(Message($"{i}", i == 1 ? QualityOfService.AtLeastOnce : QualityOfService.ExactlyOnce)).Soon();
                ids.Add((await ExpectAsync(scene, $"{i}")).PacketId);
            }

            await scene.Server.SendAsync(new PubRecPacket { PacketId = ids[3] });
            await scene.Server.ExpectAsync<PubRelPacket>();
            await scene.Server.SendAsync(new PubRecPacket { PacketId = ids[2] });
            await scene.Server.ExpectAsync<PubRelPacket>();
            store.Crash();
        }

        await using var next = Begin(store, version: version, change: options => options with { RequireKnownSession = true });
        await next.ConnectAsync(version == MqttProtocolVersion.V310 ? null : Resumed);
        foreach (var index in (int[])[3, 2])
            (await next.Server.ExpectAsync<PubRelPacket>()).PacketId.Should().Be(ids[index], "in the order of the PUBRECs");
        foreach (var index in (int[])[0, 1])
        {
            var packet = await ExpectAsync(next, $"{index + 1}");
            (packet.PacketId, packet.Duplicate).Should().Be((ids[index], true));
        }

        await next.Client.EnqueueAsync(Message("5")).Soon();
        ids.Should().NotContain((await ExpectAsync(next, "5")).PacketId);
        await next.NothingMoreAsync();
        next.Server.Abort();
    }

    [Fact]
    public async Task Without_the_session_QoS_1_goes_out_anew_QoS_2_in_flight_is_lost_and_QoS_2_never_sent_goes_out()
    {
        var store = new TestPublishStore();
        await using (var scene = await ConnectedAsync(store, new ConnAckPacket { ReceiveMaximum = 2 }))
        {
            for (var i = 1; i <= 3; i++)
                await scene.Client.EnqueueAsync(Message($"{i}", i == 1 ? QualityOfService.AtLeastOnce : QualityOfService.ExactlyOnce)).Soon();
            await ExpectAsync(scene, "1");
            await ExpectAsync(scene, "2");
            store.Crash();
        }

        await using var next = Begin(store);
        await next.ConnectAsync();
        (await AcknowledgeAsync(next, "1")).Duplicate.Should().BeFalse();
        await AcknowledgeAsync(next, "3");
        await next.HappenedAsync<MqttConnectedEvent>();
        (await next.HappenedAsync<MqttPublishLostEvent>()).Cause.Should().Be(MqttPublishLoss.OutcomeUnknown);
        Enum.GetValues<MqttPublishLoss>().Sum(next.Client.Statistics.MessagesLost).Should().Be(1);
        await next.NothingMoreAsync();
        await store.WhenEmptyAsync().Soon();
    }

    [Fact]
    public async Task What_was_stored_in_one_version_goes_out_in_another()
    {
        var store = new TestPublishStore();
        await using (var scene = Begin(store))
            await scene.Client.EnqueueAsync(new MqttMessage("a", "1") { QualityOfService = QualityOfService.AtLeastOnce, Retain = true, IsText = true, Expiry = TimeSpan.FromMinutes(1) }).Soon();

        await using var next = Begin(store, version: MqttProtocolVersion.V311);
        await next.ConnectAsync();
        (await AcknowledgeAsync(next, "1")).Retain.Should().BeTrue();
    }

    [Fact]
    public async Task A_stored_message_that_is_none_is_told_and_nothing_is_changed()
    {
        var store = new TestPublishStore();
        await using (var queue = await store.OpenAsync("tester"))
            await queue.WriteAsync([new(MqttPublishChangeKind.Add, new() { Number = 7, Version = MqttProtocolVersion.V500, Packet = new byte[] { 0xC0, 0 } })]);

        await using var scene = Begin(store);
        await FluentActions.Awaiting(() => scene.Client.ConnectAsync().Soon()).Should().ThrowAsync<MqttStoreException>().WithMessage("*Message 7*");
        store.Safe.Should().ContainSingle();
    }

    // --- Connections that come and go

    [Fact]
    public async Task What_waits_for_the_store_when_the_connection_goes_is_sent_for_the_first_time_on_the_next()
    {
        var store = new TestPublishStore();
        await using var scene = await ConnectedAsync(store, change: options => options with { Reconnect = Scene.AtOnce });
        using var holding = store.Hold();
        var first = scene.Client.PublishAsync("a", "1", QualityOfService.ExactlyOnce).AsTask();
        var second = scene.Client.PublishAsync("a", "2", QualityOfService.AtLeastOnce).AsTask();
        var write = await store.NextWriteAsync();
        await scene.BreakAsync();
        await scene.Dialled().AcceptAsync();
        await scene.NothingMoreAsync();
        holding.Dispose();
        write.Commit();

        var (sentFirst, sentSecond) = (await ExpectAsync(scene, "1"), await ExpectAsync(scene, "2"));
        (sentFirst.Duplicate, sentSecond.Duplicate).Should().Be((false, false));
        await scene.Server.SendAsync(new PubAckPacket { PacketId = sentSecond.PacketId });
        await scene.Server.SendAsync(new PubRecPacket { PacketId = sentFirst.PacketId });
        await scene.Server.ExpectAsync<PubRelPacket>();
        await scene.Server.SendAsync(new PubCompPacket { PacketId = sentFirst.PacketId });
        await Task.WhenAll(first, second).Soon();
    }

    [Fact]
    public async Task A_message_of_QoS_0_that_was_about_to_leave_waits_for_the_next_connection()
    {
        var store = new TestPublishStore();
        await using var scene = Begin(store, change: options => options with { Reconnect = Scene.AtOnce });
        using var holding = store.Hold();
        var enqueueing = scene.Client.EnqueueAsync(new MqttMessage("a", "0")).AsTask();
        await CommitAsync(store, "+1");
        await enqueueing.Soon();
        await scene.ConnectAsync();
        var write = await NextAsync(store, "-1");
        await scene.BreakAsync();
        write.Commit();
        await CommitAsync(store, "+1");
        Payloads(store).Should().Equal("0");
        holding.Dispose();
        await scene.Dialled().AcceptAsync(Resumed);

        await ExpectAsync(scene, "0");
    }

    // --- A store that fails

    [Fact]
    public async Task A_store_that_fails_fails_the_publishes_and_takes_them_again_when_it_works()
    {
        var store = new TestPublishStore();
        var log = new LogSignal(309);
        await using var scene = await ConnectedAsync(store, change: options => options with { LoggerFactory = log });
        store.WriteFailure = new MqttStoreException("full");
        await FluentActions.Awaiting(() => scene.Client.PublishAsync("a", "1", QualityOfService.AtLeastOnce).Soon()).Should().ThrowAsync<MqttStoreException>();
        await FluentActions.Awaiting(() => scene.Client.PublishAsync("a", "2", QualityOfService.ExactlyOnce).Soon()).Should().ThrowAsync<MqttStoreException>();
        await scene.NothingMoreAsync();

        store.WriteFailure = null;
        await scene.Time.TimerWithinAsync(TimeSpan.FromSeconds(1)).Soon();
        scene.Time.Advance(TimeSpan.FromSeconds(1));
        await log.Seen.Soon();
        var publishing = scene.Client.PublishAsync("a", "3", QualityOfService.AtLeastOnce).AsTask();
        await AcknowledgeAsync(scene, "3");
        (await publishing.Soon()).EnsureSuccess();
        log.Ids.Count(id => id == 308).Should().Be(1, "it is told once");
        await store.WhenEmptyAsync().Soon();
    }

    [Fact]
    public async Task However_many_wait_for_room_they_all_fail_with_the_store()
    {
        var store = new TestPublishStore();
        await using var scene = Begin(store, new() { Count = 1 });
        using var holding = store.Hold();
        var enqueueing = Enumerable.Range(0, 20_000).Select(_ => scene.Client.EnqueueAsync(Message("1")).AsTask()).ToArray();
        (await NextAsync(store, "+1")).Fail(new("full"));

        foreach (var failed in enqueueing)
            await FluentActions.Awaiting(() => failed.Soon()).Should().ThrowAsync<MqttStoreException>();
        scene.Client.Statistics.MessagesQueued.Should().Be(0);
        await scene.ErrorAsync();
    }

    [Fact]
    public async Task A_state_that_could_not_be_stored_is_stored_later_and_holds_up_what_depends_on_it()
    {
        var store = new TestPublishStore();
        await using var scene = await ConnectedAsync(store);
        using var holding = store.Hold();
        var (publishing, packet) = await PublishToPubRecAsync(scene, store);
        (await NextAsync(store, "1=AwaitingPubComp")).Fail(new("full"));
        await scene.Time.TimerWithinAsync(TimeSpan.FromSeconds(1)).Soon();
        await scene.NothingMoreAsync();
        scene.Time.Advance(TimeSpan.FromSeconds(1));
        await CommitAsync(store, "1=AwaitingPubComp");

        await scene.Server.ExpectAsync<PubRelPacket>();
        await scene.Server.SendAsync(new PubCompPacket { PacketId = packet.PacketId });
        (await publishing.Soon()).EnsureSuccess();
        await scene.ErrorAsync();
        await CommitAsync(store, "-1");
    }

    [Fact]
    public async Task A_store_that_does_not_open_is_told_before_anything_is_dialled_and_may_be_tried_again()
    {
        var store = new TestPublishStore { OpenFailure = new MqttStoreException("damaged") };
        await using var scene = Begin(store);
        await FluentActions.Awaiting(() => scene.Client.ConnectAsync().Soon()).Should().ThrowAsync<MqttStoreException>().WithMessage("damaged");
        await FluentActions.Awaiting(() => scene.Client.EnqueueAsync(Message("1")).Soon()).Should().ThrowAsync<MqttStoreException>().WithMessage("damaged");
        scene.HasDialled.Should().BeFalse();
        scene.Client.Statistics.MessagesQueued.Should().Be(0);

        store.OpenFailure = null;
        (await scene.Client.EnqueueAsync(Message("2")).Soon()).Should().BeTrue();
        await scene.ConnectAsync();
        await AcknowledgeAsync(scene, "2");
    }

    [Fact]
    public async Task Whatever_a_store_throws_comes_out_as_an_error_of_the_store()
    {
        var store = new TestPublishStore { OpenFailure = new InvalidOperationException("mine") };
        await using var scene = Begin(store);

        await FluentActions.Awaiting(() => scene.Client.ConnectAsync().Soon()).Should().ThrowAsync<MqttStoreException>().WithInnerException(typeof(InvalidOperationException));
    }

    // --- Expiry

    [Fact, Spec(V5, "4.3.3-7")]
    public async Task Expiry_counts_down_while_the_program_is_away_and_ends_nothing_that_was_sent()
    {
        var store = new TestPublishStore();
        await using (var scene = await ConnectedAsync(store, new ConnAckPacket { ReceiveMaximum = 1 }))
        {
            foreach (var (text, seconds) in ((string, int)[])[("sent", 10), ("short", 10), ("long", 100)])
                await scene.Client.EnqueueAsync(new MqttMessage("a", text) { QualityOfService = QualityOfService.AtLeastOnce, Expiry = TimeSpan.FromSeconds(seconds) }).Soon();
            await ExpectAsync(scene, "sent");
        }

        await using var next = Begin(store);
        next.Time.JumpUtc(TimeSpan.FromSeconds(30));
        await next.ConnectAsync(Resumed);
        (await AcknowledgeAsync(next, "sent")).MessageExpiryInterval.Should().Be(1);
        (await AcknowledgeAsync(next, "long")).MessageExpiryInterval.Should().Be(70);
        await next.HappenedAsync<MqttConnectedEvent>();
        (await next.HappenedAsync<MqttPublishLostEvent>()).Cause.Should().Be(MqttPublishLoss.Expired);
        await store.WhenEmptyAsync().Soon();
    }

    // --- Misuse

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void A_queue_that_outlives_the_program_needs_a_client_that_does(string? clientId) =>
        FluentActions.Invoking(() => new MqttClient(new MqttClientOptions { ClientId = clientId, CleanStart = true, Queue = new() { Store = new TestPublishStore() } }))
            .Should().Throw<ArgumentException>().WithMessage("*Queue.Store*");

    // --- Actors

    private static Scene Begin(
        TestPublishStore store, MqttClientQueue? queue = null, MqttProtocolVersion version = MqttProtocolVersion.V500, Func<MqttClientOptions, MqttClientOptions>? change = null) =>
        Scene.Begin(options => (change?.Invoke(options) ?? options) with { Queue = (queue ?? options.Queue) with { Store = store } }, version);

    private static async Task<Scene> ConnectedAsync(TestPublishStore store, ConnAckPacket? answer = null, Func<MqttClientOptions, MqttClientOptions>? change = null)
    {
        var scene = Begin(store, change: change);
        await scene.ConnectAsync(answer);
        return scene;
    }

    /// <summary>A store in which an earlier process has left these, none of them sent.</summary>
    private static async Task<TestPublishStore> LeftBehindAsync(params string[] texts)
    {
        var store = new TestPublishStore();
        await using var scene = Begin(store);
        foreach (var text in texts)
            await scene.Client.EnqueueAsync(Message(text)).Soon();
        return store;
    }

    private static MqttMessage Message(string text, QualityOfService qualityOfService = QualityOfService.AtLeastOnce) => new("a", text) { QualityOfService = qualityOfService };

    private static async Task<StoreWrite> NextAsync(TestPublishStore store, string expected)
    {
        var write = await store.NextWriteAsync();
        write.ToString().Should().Be(expected);
        return write;
    }

    // Publishes at QoS 2, until the server has answered with PUBREC.
    private static async Task<(Task<MqttPublishResult> Publishing, PublishPacket Packet)> PublishToPubRecAsync(Scene scene, TestPublishStore store)
    {
        var publishing = scene.Client.PublishAsync("a", "1", QualityOfService.ExactlyOnce).AsTask();
        await CommitAsync(store, "+1 1=AwaitingPubRec");
        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        await scene.Server.SendAsync(new PubRecPacket { PacketId = packet.PacketId });
        return (publishing, packet);
    }

    private static async Task CommitAsync(TestPublishStore store, string expected)
    {
        var write = await NextAsync(store, expected);
        write.Commit();
        await write.Made.Soon();
    }

    /// <summary>What is safe, in its order.</summary>
    private static IEnumerable<string> Payloads(TestPublishStore store) =>
        RestoredPublish.Decode(store.Safe, new MqttClientOptions()).Select(one => Encoding.UTF8.GetString(one.Message.Packet.Span[^1..]));

    private static async Task<PublishPacket> ExpectAsync(Scene scene, string text)
    {
        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        Encoding.UTF8.GetString(packet.Payload.Span).Should().Be(text);
        return packet;
    }

    /// <summary>The next packet is this message, and the server takes it.</summary>
    private static async Task<PublishPacket> AcknowledgeAsync(Scene scene, string text)
    {
        var packet = await ExpectAsync(scene, text);
        if (packet.QualityOfService == QualityOfService.ExactlyOnce)
        {
            await scene.Server.SendAsync(new PubRecPacket { PacketId = packet.PacketId });
            await scene.Server.ExpectAsync<PubRelPacket>();
            await scene.Server.SendAsync(new PubCompPacket { PacketId = packet.PacketId });
        }
        else
        {
            await scene.Server.SendAsync(new PubAckPacket { PacketId = packet.PacketId });
        }

        return packet;
    }
}
