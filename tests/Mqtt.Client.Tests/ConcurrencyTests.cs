using System.Collections.Concurrent;

namespace Mqtt.Client.Tests;

/// <summary>Handlers that work at several messages side by side.</summary>
public class ConcurrencyTests
{
    [Fact]
    public async Task Different_keys_are_handled_side_by_side_and_acknowledged_in_the_order_of_arrival()
    {
        await using var scene = await Scene.ConnectedAsync();
        var slow = new TaskCompletionSource();
        var fast = new TaskCompletionSource();
        await using var subscription = await SubscribedAsync(scene, 2, async (message, _) =>
        {
            if (message.Topic.ToString() == "a/slow")
                await slow.Task;
            else
                fast.TrySetResult();
        });
        await scene.DeliverAsync("a/slow", "x", QualityOfService.AtLeastOnce, 1);
        await scene.DeliverAsync("a/fast", "x", QualityOfService.AtLeastOnce, 2);
        await fast.Task.Soon();
        await scene.NothingMoreAsync();
        slow.SetResult();

        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(1);
        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(2);
        scene.Server.Abort();
    }

    [Fact]
    public async Task Each_key_keeps_its_order_and_never_has_two_messages_in_hand()
    {
        await using var scene = await Scene.ConnectedAsync();
        var seen = new ConcurrentDictionary<string, List<int>>();
        var inHand = new ConcurrentDictionary<string, int>();
        var count = 0;
        var all = new TaskCompletionSource();
        await using var subscription = await SubscribedAsync(scene, 4, async (message, _) =>
        {
            var topic = message.Topic.ToString();
            inHand.AddOrUpdate(topic, 1, (_, before) => before + 1).Should().Be(1);
            for (var i = int.Parse(message.GetText()) % 5; i > 0; i--)
                await Task.Yield();
            seen.GetOrAdd(topic, _ => []).Add(int.Parse(message.GetText()));
            inHand.AddOrUpdate(topic, 0, (_, before) => before - 1);
            if (Interlocked.Increment(ref count) == 1000)
                all.SetResult();
        });
        for (var i = 0; i < 1000; i++)
            await scene.DeliverAsync($"a/{i % 7}", $"{i}");
        await all.Task.Soon();

        seen.Should().HaveCount(7);
        foreach (var (topic, numbers) in seen)
            numbers.Should().Equal(Enumerable.Range(0, 1000).Where(i => topic == $"a/{i % 7}"));
        scene.Server.Abort();
    }

    [Fact]
    public async Task No_more_than_the_maximum_are_in_hand()
    {
        await using var scene = await Scene.ConnectedAsync();
        var entered = new SemaphoreSlim(0);
        var goOn = new SemaphoreSlim(0);
        var inHand = 0;
        await using var subscription = await SubscribedAsync(scene, 3, async (_, _) =>
        {
            Interlocked.Increment(ref inHand).Should().BeLessThanOrEqualTo(3);
            entered.Release();
            await goOn.WaitAsync(CancellationToken.None);
            Interlocked.Decrement(ref inHand);
        });
        for (var i = 0; i < 30; i++)
            await scene.DeliverAsync($"a/{i}", "x");
        for (var i = 0; i < 30; i++)
        {
            (await entered.WaitAsync(TimeSpan.FromSeconds(10))).Should().BeTrue();
            if (i >= 2)
                goOn.Release();
        }

        goOn.Release(2);
        scene.Server.Abort();
    }

    [Fact]
    public async Task The_key_may_be_anything_of_the_message()
    {
        await using var scene = await Scene.ConnectedAsync();
        var first = new TaskCompletionSource();
        var other = new TaskCompletionSource();
        var seen = new ConcurrentQueue<string>();
        var options = new MqttSubscriptionOptions { MaximumConcurrency = 2, ConcurrencyKey = message => message.GetText()[..1] };
        await using var subscription = scene.Client.Subscribe(
            "a/#",
            async (message, _) =>
            {
                if (message.GetText() == "k1")
                    await first.Task;
                seen.Enqueue(message.GetText());
                if (message.GetText() == "l1")
                    other.SetResult();
                if (message.GetText() == "k2")
                    first.Task.IsCompleted.Should().BeTrue();
            },
            QualityOfService.AtLeastOnce,
            options);
        await scene.GrantAsync();
        await scene.DeliverAsync("a/1", "k1", QualityOfService.AtLeastOnce, 1);
        await scene.DeliverAsync("a/2", "k2", QualityOfService.AtLeastOnce, 2);
        await scene.DeliverAsync("a/3", "l1", QualityOfService.AtLeastOnce, 3);
        await other.Task.Soon();
        first.SetResult();
        for (var i = 0; i < 3; i++)
            await scene.Server.ExpectAsync<PubAckPacket>();

        seen.Should().Equal("l1", "k1", "k2");
        scene.Server.Abort();
    }

    [Fact]
    public async Task Failures_of_the_handler_and_of_the_key_fall_to_the_policy_and_the_rest_goes_on()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { HandlerFailure = MqttHandlerFailure.Refuse });
        var options = new MqttSubscriptionOptions
        {
            MaximumConcurrency = 2,
            ConcurrencyKey = message => message.GetText() == "no key" ? throw new InvalidOperationException("key") : message.Topic,
        };
        await using var subscription = scene.Client.Subscribe(
            "a/#", (message, _) => message.GetText() == "no" ? throw new InvalidOperationException("oh") : default, QualityOfService.AtLeastOnce, options);
        await scene.GrantAsync();
        await scene.DeliverAsync("a/1", "no key", QualityOfService.AtLeastOnce, 1);
        await scene.DeliverAsync("a/2", "no", QualityOfService.AtLeastOnce, 2);
        await scene.DeliverAsync("a/2", "yes", QualityOfService.AtLeastOnce, 3);

        var answers = new[] { await scene.Server.ExpectAsync<PubAckPacket>(), await scene.Server.ExpectAsync<PubAckPacket>(), await scene.Server.ExpectAsync<PubAckPacket>() };
        answers.Select(answer => answer.ReasonCode).Should().Equal(ReasonCode.UnspecifiedError, ReasonCode.UnspecifiedError, ReasonCode.Success);
        await scene.ErrorAsync();
        await scene.ErrorAsync();
        scene.Server.Abort();
    }

    [Fact]
    public async Task Disposing_cancels_what_is_in_hand_waits_for_it_and_acknowledges_the_rest()
    {
        await using var scene = await Scene.ConnectedAsync();
        var entered = new SemaphoreSlim(0);
        var left = 0;
        var subscription = await SubscribedAsync(scene, 2, async (_, cancellationToken) =>
        {
            entered.Release();
            try
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }
            finally
            {
                Interlocked.Increment(ref left);
            }
        });
        for (ushort i = 1; i <= 20; i++)
            await scene.DeliverAsync($"a/{i % 3}", "x", QualityOfService.AtLeastOnce, i);
        await scene.NothingMoreAsync();
        (await entered.WaitAsync(TimeSpan.FromSeconds(10))).Should().BeTrue();
        (await entered.WaitAsync(TimeSpan.FromSeconds(10))).Should().BeTrue();
        var disposing = subscription.DisposeAsync().AsTask();
        var unsubscribe = await scene.Server.ExpectAsync<UnsubscribePacket>();
        await scene.Server.SendAsync(new UnsubAckPacket { PacketId = unsubscribe.PacketId, ReasonCodes = [ReasonCode.Success] });
        await disposing.Soon();

        left.Should().Be(2);
        for (ushort i = 1; i <= 20; i++)
            (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(i);
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_handler_may_await_the_server_while_all_others_do()
    {
        await using var scene = await Scene.ConnectedAsync(answer: new ConnAckPacket { ReceiveMaximum = 1 });
        var handled = 0;
        var all = new TaskCompletionSource();
        await using var subscription = await SubscribedAsync(scene, 8, async (_, cancellationToken) =>
        {
            (await scene.Client.PublishAsync("b", "x", QualityOfService.AtLeastOnce, cancellationToken: cancellationToken)).EnsureSuccess();
            if (Interlocked.Increment(ref handled) == 100)
                all.SetResult();
        });
        for (ushort i = 1; i <= 100; i++)
            await scene.DeliverAsync($"a/{i}", "x", QualityOfService.AtLeastOnce, i);
        for (var i = 0; i < 200; i++)
        {
            if (await scene.Server.ExpectAsync<MqttPacket>() is PublishPacket packet)
                await scene.Server.SendAsync(new PubAckPacket { PacketId = packet.PacketId });
        }

        await all.Task.Soon();
        scene.Server.Abort();
    }

    [Theory]
    [InlineData("MaximumConcurrency")]
    [InlineData("MessageCount")]
    [InlineData("Bytes")]
    [InlineData("Overflow")]
    public async Task An_option_that_cannot_be_used_is_named(string name)
    {
        await using var client = new MqttClient("mqtt://localhost");
        var options = name switch
        {
            "MaximumConcurrency" => new MqttSubscriptionOptions { MaximumConcurrency = 2 },
            "MessageCount" => new MqttSubscriptionOptions { MessageCount = 0 },
            "Bytes" => new MqttSubscriptionOptions { Bytes = -1 },
            _ => new MqttSubscriptionOptions { Overflow = (MqttOverflow)9 },
        };

        client.Invoking(one => one.Subscribe("a", options: options)).Should().Throw<ArgumentException>().Which.ParamName.Should().Be(name);
    }

    private static async Task<MqttSubscription> SubscribedAsync(Scene scene, int concurrency, Func<MqttMessage, CancellationToken, Task> handler)
    {
        var subscription = scene.Client.Subscribe(
            "a/#",
            (message, cancellationToken) => new ValueTask(handler(message, cancellationToken)),
            QualityOfService.AtLeastOnce,
            new MqttSubscriptionOptions { MaximumConcurrency = concurrency });
        await scene.GrantAsync();
        return subscription;
    }
}
