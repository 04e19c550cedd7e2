namespace Mqtt.Client.Tests;

/// <summary>What becomes of QoS 0 messages that find a stream full.</summary>
public class OverflowTests
{
    [Fact]
    public async Task Dropping_the_oldest_keeps_the_newest_and_every_message_of_QoS_1()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await SubscribedAsync(scene, new MqttSubscriptionOptions { MessageCount = 3, Overflow = MqttOverflow.DropOldest });
        await scene.DeliverAsync("a", "0");
        await scene.DeliverAsync("a", "1", QualityOfService.AtLeastOnce, 1);
        for (var i = 2; i < 8; i++)
            await scene.DeliverAsync("a", $"{i}");
        await scene.NothingMoreAsync();

        subscription.DroppedCount.Should().Be(5);
        (await TextsAsync(subscription, 3)).Should().Equal("1", "6", "7");
        scene.Server.Abort();
    }

    [Fact]
    public async Task Where_only_QoS_1_waits_the_newest_of_QoS_0_is_dropped()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await SubscribedAsync(scene, new MqttSubscriptionOptions { MessageCount = 2, Overflow = MqttOverflow.DropOldest });
        await scene.DeliverAsync("a", "0", QualityOfService.AtLeastOnce, 1);
        await scene.DeliverAsync("a", "1", QualityOfService.AtLeastOnce, 2);
        await scene.DeliverAsync("a", "2");
        await scene.NothingMoreAsync();

        subscription.DroppedCount.Should().Be(1);
        (await TextsAsync(subscription, 2)).Should().Equal("0", "1");
        scene.Server.Abort();
    }

    [Fact]
    public async Task Dropping_goes_on_while_a_message_is_in_hand()
    {
        await using var scene = await Scene.ConnectedAsync();
        var entered = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        var seen = new List<string>();
        var last = new TaskCompletionSource();
        await using var subscription = scene.Client.Subscribe(
            "a",
            async (message, _) =>
            {
                entered.TrySetResult();
                await goOn.Task;
                seen.Add(message.GetText());
                if (message.GetText() == "last")
                    last.SetResult();
            },
            options: new MqttSubscriptionOptions { Bytes = 10_000, Overflow = MqttOverflow.DropOldest });
        await scene.GrantAsync();
        await scene.DeliverAsync("a", "first");
        await entered.Task.Soon();
        for (var i = 0; i < 100; i++)
            await scene.DeliverAsync("a", new string((char)('a' + (i % 26)), 3_000));
        await scene.DeliverAsync("a", "last");
        await scene.NothingMoreAsync();
        goOn.SetResult();
        await last.Task.Soon();

        seen.Should().HaveElementAt(0, "first").And.HaveElementAt(seen.Count - 1, "last").And.HaveCount(5);
        (seen.Count + subscription.DroppedCount).Should().Be(102);
        scene.Server.Abort();
    }

    [Fact]
    public async Task Waiting_loses_nothing_since_the_server_is_not_read()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { Limits = new MqttClientLimits { ExcessBytes = 0 } });
        await using var subscription = await SubscribedAsync(scene, new MqttSubscriptionOptions { MessageCount = 2, Overflow = MqttOverflow.Wait });
        var delivering = DeliverAsync(scene, 100, 10_000);
        var texts = await TextsAsync(subscription, 100);
        await delivering;

        texts.Select(text => int.Parse(text.AsSpan(0, 4))).Should().Equal(Enumerable.Range(0, 100));
        subscription.DroppedCount.Should().Be(0);
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_handler_may_await_the_server_while_its_own_stream_is_full()
    {
        await using var scene = await Scene.ConnectedAsync();
        var done = new TaskCompletionSource();
        var handled = 0;
        await using var subscription = scene.Client.Subscribe(
            "a",
            async (_, cancellationToken) =>
            {
                (await scene.Client.PublishAsync("b", "x", QualityOfService.AtLeastOnce, cancellationToken: cancellationToken)).EnsureSuccess();
                if (++handled == 100)
                    done.SetResult();
            },
            options: new MqttSubscriptionOptions { MessageCount = 1, Overflow = MqttOverflow.Wait });
        await scene.GrantAsync();
        var delivering = DeliverAsync(scene, 100, 10_000);
        for (var i = 0; i < 100; i++)
        {
            var packet = await scene.Server.ExpectAsync<PublishPacket>();
            await delivering.WaitAsync(TimeSpan.FromSeconds(10)); // All of it lies before the answer.
            await scene.Server.SendAsync(new PubAckPacket { PacketId = packet.PacketId });
        }

        await done.Task.Soon();
        subscription.DroppedCount.Should().Be(0, "what came before the answer found room in the excess");
        scene.Server.Abort();
    }

    [Fact]
    public async Task What_goes_beyond_the_excess_is_dropped_and_counted_and_the_call_is_answered()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { Limits = new MqttClientLimits { ExcessBytes = 50_000 } });
        await using var subscription = await SubscribedAsync(scene, new MqttSubscriptionOptions { MessageCount = 1, Overflow = MqttOverflow.Wait });
        var publishing = scene.Client.PublishAsync("b", "x", QualityOfService.AtLeastOnce).AsTask();
        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        await DeliverAsync(scene, 100, 10_000);
        await scene.Server.SendAsync(new PubAckPacket { PacketId = packet.PacketId });
        (await publishing.Soon()).EnsureSuccess();

        subscription.DroppedCount.Should().Be(95, "one fits, four are excess");
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_call_that_begins_while_nothing_is_read_gets_its_answer()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await SubscribedAsync(scene, new MqttSubscriptionOptions { MessageCount = 1, Overflow = MqttOverflow.Wait });
        await scene.NothingMoreAsync();
        await scene.DeliverAsync("a", "0");

        var subscribing = scene.Client.SubscribeAsync("c").AsTask();
        await scene.GrantAsync();
        await using var other = await subscribing.Soon();
        scene.Server.Abort();
    }

    [Fact]
    public async Task Disconnecting_does_not_wait_for_a_full_stream()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await SubscribedAsync(scene, new MqttSubscriptionOptions { MessageCount = 1, Overflow = MqttOverflow.Wait });
        var delivering = DeliverAsync(scene, 100, 10_000);
        var disconnecting = scene.Client.DisconnectAsync().AsTask();
        await scene.Server.ExpectAsync<DisconnectPacket>();
        scene.Server.CompleteWriting();

        await disconnecting.Soon();
        scene.Server.Abort();
        await delivering.ContinueWith(_ => { }, TaskScheduler.Default); // How far it came is of no interest.
    }

    [Fact]
    public async Task While_nothing_is_read_pings_go_out_and_their_answers_are_not_missed()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { Limits = new MqttClientLimits { ExcessBytes = 0 } });
        await using var subscription = await SubscribedAsync(scene, new MqttSubscriptionOptions { MessageCount = 1, Overflow = MqttOverflow.Wait });

        // The answer to the first leaves at the end of the turn in which the second has filled the stream.
        var filling = new byte[] { 0x62, 2, 0x10, 0, 0x30, 8, 0, 1, (byte)'a', 0, (byte)'0', (byte)'0', (byte)'0', (byte)'0' };
        await scene.Server.SendBytesAsync(filling);
        await scene.Server.ExpectAsync<PubCompPacket>();
        var delivering = DeliverAsync(scene, 99, 10_000);
        for (var i = 0; i < 3; i++)
        {
            scene.Time.Advance(TimeSpan.FromSeconds(60));
            await scene.Server.ExpectAsync<PingReqPacket>();
        }

        (await TextsAsync(subscription, 100)).Should().HaveCount(100);
        await delivering;
        scene.Client.IsConnected.Should().BeTrue();
        scene.Server.Abort();
    }

    private static async Task<MqttSubscription> SubscribedAsync(Scene scene, MqttSubscriptionOptions options)
    {
        var subscription = scene.Client.Subscribe("a", QualityOfService.AtLeastOnce, options);
        await scene.GrantAsync();
        return subscription;
    }

    private static async Task DeliverAsync(Scene scene, int count, int bytes)
    {
        for (var i = 0; i < count; i++)
            await scene.DeliverAsync("a", $"{i:0000}{new string('x', bytes - 4)}");
    }

    private static async Task<List<string>> TextsAsync(MqttSubscription subscription, int count)
    {
        var texts = new List<string>();
        await using var messages = subscription.GetAsyncEnumerator();
        while (texts.Count < count)
            texts.Add((await messages.NextAsync()).GetText());
        return texts;
    }
}
