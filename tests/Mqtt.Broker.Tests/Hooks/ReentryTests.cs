using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Broker.Tests;

/// <summary>Hooks that use the broker while it waits for them, and hooks that never answer.</summary>
public abstract class ReentryTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : ReentryTests(StoreKind.None);

    public sealed class WithMemoryStore() : ReentryTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : ReentryTests(StoreKind.SlowCommit);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_hook_may_publish_and_every_message_comes_in_order_and_is_acknowledged(bool inline)
    {
        Ask(inline, new Asked
        {
            Publish = async request => await Broker.PublishAsync("log", request.Payload, QoS1, retain: true),
            Subscribe = async request => await Broker.PublishAsync("log", "subscribe", QoS1),
            Connect = async request => await Broker.PublishAsync("log", $"connect {request.ClientId}", QoS1),
        });
        var subscriber = Resume("subscriber");
        subscriber.Subscribe("#", QoS2);

        var publisher = Resume("publisher");
        subscriber.Receive("log", "connect publisher");
        for (var i = 0; i < 5; i++)
        {
            publisher.Publish("t", $"{i}", QoS2).Should().Be(ReasonCode.Success);
            subscriber.Receive("log", $"{i}");
            subscriber.Receive("t", $"{i}");
        }
    }

    [Fact]
    public void An_observer_may_publish_about_everything_that_it_is_told()
    {
        WithBroker = options => options with { Hooks = [new Reporter(() => Broker)] };
        var subscriber = Connect("subscriber");
        subscriber.Receive("report", "connected subscriber");

        var client = Connect("client");
        client.Subscribe("t", QoS1);
        Connect("publisher").Publish("t", "1", QoS1);
        client.Receive("t", "1");
        client.Disconnect();

        foreach (var report in (string[])["connected client", "subscribed client", "connected publisher", "delivered client", "published t", "acknowledged client", "disconnected client"])
            subscriber.Receive("report", report);
        subscriber.ExpectNothing();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_hook_may_disconnect_the_client_whose_message_it_is_asked_about(bool inline)
    {
        Ask(inline, new Asked
        {
            Publish = async request =>
            {
                if (request.Topic == "bad")
                    await Broker.DisconnectAsync(request.Client.ClientId, new() { EndSession = true });
            },
        });
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("#", QoS1);
        var publisher = Resume("publisher", with: packet => packet.Will = new() { Topic = "will" });
        publisher.Publish("good", "1", QoS1).Should().Be(ReasonCode.Success);

        publisher.SendPublish("bad", "2", QoS1);
        publisher.SendPublish("good", "3", QoS1);

        publisher.ExpectGoodbye(ReasonCode.AdministrativeAction);
        subscriber.Receive("good", "1");
        subscriber.Receive("will", "");
        subscriber.ExpectNothing();
        Broker.SessionCount.Should().Be(1);
        Resume("publisher").Publish("good", "4", QoS1).Should().Be(ReasonCode.Success);
        subscriber.Receive("good", "4");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_hook_may_disconnect_the_client_whose_subscription_it_is_asked_about(bool inline)
    {
        Ask(inline, new Asked
        {
            Subscribe = async request => await Broker.DisconnectAsync(request.Client.ClientId),
            Unsubscribe = async request => await Broker.DisconnectAsync(request.Client.ClientId),
        });
        var client = Resume("client");
        client.Send(new SubscribePacket { PacketId = 1, Subscriptions = [new("t")] });
        client.ExpectGoodbye(ReasonCode.AdministrativeAction);

        client = Resume("client");
        client.Answer.SessionPresent.Should().BeTrue();
        client.Send(new UnsubscribePacket { PacketId = 1, Filters = ["t"] });
        client.ExpectGoodbye(ReasonCode.AdministrativeAction);

        Broker.Subscriptions.Count.Should().Be(0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_hook_that_lets_a_client_in_may_disconnect_the_older_connection_of_its_name(bool inline)
    {
        Ask(inline, new Asked { Connect = async request => await Broker.DisconnectAsync(request.ClientId, new() { ReasonCode = ReasonCode.ServerBusy }) });
        var older = Resume("client");

        var newer = Resume("client");

        older.ExpectGoodbye(ReasonCode.ServerBusy);
        newer.Answer.SessionPresent.Should().BeTrue();
        newer.Publish("t", "1", QoS1).Should().Be(ReasonCode.NoMatchingSubscribers);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_hook_may_subscribe_and_unsubscribe_clients_also_the_one_that_it_is_asked_about(bool inline)
    {
        Ask(inline, new Asked
        {
            Publish = async request =>
            {
                if (request.Topic == "stop")
                    await Broker.UnsubscribeAsync("client", ["#"]);
            },
            Subscribe = async request => await Broker.SubscribeAsync(request.Client.ClientId, [new("extra", QoS1)]),
            Unsubscribe = async request => await Broker.UnsubscribeAsync(request.Client.ClientId, ["extra"]),
        });
        var client = Resume("client");
        var publisher = Connect("publisher");
        client.Subscribe("#", QoS1);
        publisher.Publish("t", "1", QoS1);
        client.Receive("t", "1");

        publisher.Publish("stop", "2", QoS1).Should().Be(ReasonCode.NoMatchingSubscribers, "the hook was faster");
        publisher.Publish("extra", "3", QoS1);
        client.Receive("extra", "3");
        client.Unsubscribe("#").ReasonCodes.Should().Equal(ReasonCode.NoSubscriptionExisted);
        publisher.Publish("extra", "4", QoS1);

        client.ExpectNothing();
        Broker.Subscriptions.Count.Should().Be(0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_hook_that_is_asked_about_a_will_may_publish_and_whatever_would_wait_for_itself_fails(bool inline)
    {
        Ask(inline, new Asked
        {
            Will = async request =>
            {
                await Broker.PublishAsync("log", "will", QoS1);
                if (request.ClientId == "wrong")
                    await Broker.DisconnectAsync(request.ClientId);
            },
        });
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("#", QoS1);
        foreach (var clientId in (string[])["right", "wrong"])
        {
            Resume(clientId, with: packet => packet.Will = new() { Topic = "will/" + clientId });
            Resume(clientId).Answer.SessionPresent.Should().BeTrue("it waits for its will, and not for ever");
            subscriber.Receive("log", "will");
            if (clientId == "right")
                subscriber.Receive("will/right", "");
        }

        subscriber.ExpectNothing();
        Harness.Log.Errors.Should().ContainSingle().Which.Should().Contain("would wait for itself");
        Harness.Log.Clear();
    }

    [Fact]
    public void One_that_authenticates_may_use_the_broker()
    {
        WithBroker = options => options with
        {
            Hooks =
            [
                new BasicHook(async request =>
                {
                    await Broker.PublishAsync("log", request.ClientId, QoS1, retain: true);
                    await Broker.DisconnectAsync("other");
                    return AuthenticationResult.Allowed;
                }),
            ],
        };
        var other = Connect("other");

        Connect("client").Subscribe("log", QoS1);

        other.ExpectGoodbye(ReasonCode.AdministrativeAction);
        Broker.Retained.Find("log")!.Payload.ToArray().Should().Equal("client"u8.ToArray());
    }

    // --- Hooks that never answer

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_hook_that_never_answers_keeps_its_own_connection_alone_and_neither_takeover_nor_the_end(bool inline)
    {
        var never = new TaskCompletionSource();
        Ask(inline, new Asked { Publish = request => request.Topic == "stuck" ? new(never.Task) : default });
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("#", QoS1);
        var stuck = Resume("stuck");
        stuck.SendPublish("stuck", "1", QoS1);
        stuck.SendPublish("good", "2", QoS1);
        Run();
        Advance(2);

        Broker.Statistics.SlowHooks.Should().Be(1);
        Connect("other").Publish("good", "3", QoS1).Should().Be(ReasonCode.Success);
        subscriber.Receive("good", "3");
        var again = Resume("stuck");
        stuck.ExpectGoodbye(ReasonCode.SessionTakenOver);
        again.Publish("good", "4", QoS1).Should().Be(ReasonCode.Success);
        subscriber.Receive("good", "4");

        var before = Harness.Time.Elapsed;
        Harness.Stop();
        (Harness.Time.Elapsed - before).Should().BeLessThan(TimeSpan.FromSeconds(11));
        Harness.Log.Errors.Should().ContainSingle().Which.Should().Contain("The server stops");
        Harness.Log.Clear();
        Answer(never);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_client_whose_hook_never_answers_is_gone_when_its_network_is(bool inline)
    {
        var (watcher, stuck, never) = Stuck(inline, keepAlive: 0);

        stuck.Cut();
        Advance(11);

        watcher.Receive("will", "gone");
        Broker.Clients.Find("stuck").Should().BeNull();
        Broker.Statistics.Connected.Should().Be(1);
        Resume("stuck").Answer.SessionPresent.Should().BeTrue();
        Answer(never);
        watcher.ExpectNothing();
        Broker.Statistics.Connected.Should().Be(2);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_client_whose_hook_never_answers_is_gone_when_its_keep_alive_has_run_out(bool inline)
    {
        var (watcher, stuck, never) = Stuck(inline, keepAlive: 10);

        Advance(15);
        watcher.ExpectNothing();
        Advance(0.5);

        stuck.ExpectGoodbye(ReasonCode.KeepAliveTimeout);
        watcher.Receive("will", "gone");
        Broker.Clients.Find("stuck").Should().BeNull();
        Answer(never);
        watcher.ExpectNothing();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_client_whose_hook_does_not_answer_and_that_goes_on_pinging_stays(bool inline)
    {
        var (watcher, stuck, never) = Stuck(inline, keepAlive: 10);

        for (var i = 0; i < 20; i++)
        {
            stuck.Send(new PingReqPacket());
            Advance(10);
        }

        watcher.ExpectNothing();
        stuck.ExpectNothing();
        Answer(never);
        watcher.Receive("stuck", "message");
        stuck.Expect<PubAckPacket>();
        for (var i = 0; i < 20; i++)
            stuck.Expect<PingRespPacket>();
    }

    [Fact]
    public void What_a_client_sent_before_its_end_is_handled_when_its_hook_has_answered()
    {
        var (watcher, stuck, answer) = Stuck(inline: false, keepAlive: 0);
        stuck.Send(new DisconnectPacket());
        stuck.EndSending();

        Advance(100);
        watcher.ExpectNothing();
        Answer(answer);

        watcher.Receive("stuck", "message");
        watcher.ExpectNothing();
        Broker.Clients.Find("stuck").Should().BeNull();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_will_whose_hook_never_answers_keeps_its_own_client_alone_and_not_the_end(bool inline)
    {
        var never = new TaskCompletionSource();
        Ask(inline, new Asked { Will = request => new(never.Task) });
        var client = Resume("client", with: packet => packet.Will = new() { Topic = "will" });
        client.Cut();
        var again = Open();
        again.Send(new ConnectPacket { ClientId = "client", CleanStart = false, SessionExpiryInterval = Hour, KeepAliveSeconds = 0 });
        again.ExpectNothing();
        Connect("other").Publish("t", "1", QoS1).Should().Be(ReasonCode.NoMatchingSubscribers);

        var token = new CancellationTokenSource();
        var disconnecting = BrokerHarness.Quietly(() => Broker.DisconnectAsync("client", cancellationToken: token.Token).AsTask());
        Run();
        disconnecting.IsCompleted.Should().BeFalse();
        token.Cancel();
        disconnecting.IsCanceled.Should().BeTrue();

        Harness.Stop();
        Harness.Log.Errors.Should().Contain(error => error.Contains("hooks have not completed"));
        Harness.Log.Clear();
        Answer(never);
    }

    [Fact]
    public void An_observer_that_never_comes_back_keeps_nobody_and_not_the_end()
    {
        var never = new TaskCompletionSource();
        var told = new List<string>();
        WithBroker = options => options with { StopTimeout = TimeSpan.FromSeconds(1), HookQueueCount = 10, Hooks = [new StuckObserver(never.Task), new Recorder { Only = ["published"] }] };
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("t", QoS1);
        var publisher = Connect("publisher");
        for (var i = 0; i < 30; i++)
        {
            publisher.Publish("t", $"{i}", QoS1).Should().Be(ReasonCode.Success);
            subscriber.Receive("t", $"{i}");
        }

        ((Recorder)Broker.Options.Hooks[1]).Take().Should().HaveCount(30);
        Broker.Statistics.HookNoticesLost.Should().Be(19);
        Harness.Stop();
        Harness.Log.Errors.Should().ContainSingle().Which.Should().Contain("hooks have not completed within 00:00:01");
        Harness.Log.Clear();
        Answer(never);
    }

    [Fact]
    public void A_hook_may_end_the_broker_and_is_not_waited_for_by_itself_for_ever()
    {
        var ending = new List<Task>();
        WithBroker = options => options with { Hooks = [new Ender(() => Broker, ending)] };
        Connect("client").Publish("end", "now", QoS1);

        Harness.Finish(Task.WhenAll(ending));

        Harness.Log.Errors.Should().ContainSingle().Which.Should().Contain("hooks have not completed");
        Harness.Log.Clear();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Of_fifty_hooks_each_is_asked_in_order_until_one_fails(bool inline)
    {
        List<int> asked = [];
        var fails = false;
        Ask(inline, [.. Enumerable.Range(0, 50).Select(i => new Asked
        {
            Publish = request =>
            {
                asked.Add(i);
                return fails && i == 25 ? throw new InvalidOperationException("as announced") : default;
            },
        })]);
        var publisher = Connect("publisher");

        publisher.Publish("t", "1", QoS1).Should().Be(ReasonCode.NoMatchingSubscribers);
        asked.Should().Equal(Enumerable.Range(0, 50));
        asked.Clear();
        fails = true;
        publisher.Publish("t", "2", QoS1).Should().Be(ReasonCode.ImplementationSpecificError);

        asked.Should().Equal(Enumerable.Range(0, 26));
        Harness.Log.Errors.Should().ContainSingle();
        Harness.Log.Clear();
    }

    private void Ask(bool inline, params Asked[] hooks) => WithBroker = options => options with { Hooks = [.. hooks.Select(hook => hook.On(inline))] };

    // A client with a will whose hook does not answer, and who watches.
    private (TestClient Watcher, TestClient Stuck, TaskCompletionSource Never) Stuck(bool inline, ushort keepAlive)
    {
        var never = new TaskCompletionSource();
        Ask(inline, new Asked { Publish = request => request.Topic == "stuck" ? new(never.Task) : default });
        var watcher = Connect("watcher");
        watcher.Subscribe("#", QoS1);
        var stuck = Resume("stuck", with: packet =>
        {
            packet.KeepAliveSeconds = keepAlive;
            packet.Will = new WillMessage { Topic = "will", Payload = "gone"u8.ToArray() };
        });
        stuck.SendPublish("stuck", "message", QoS1);
        Run();
        return (watcher, stuck, never);
    }

    private void Answer(TaskCompletionSource source)
    {
        Harness.Pump.Schedule(static source => ((TaskCompletionSource)source!).SetResult(), source);
        Run();
    }

    private sealed class StuckObserver(Task never) : IMessageObserver
    {
        public ValueTask OnPublishedAsync(BrokerClient? client, BrokerMessage message, int receivers) => new(never);
    }

    private sealed class Ender(Func<MqttBroker> broker, List<Task> ending) : IMessageObserver
    {
        public async ValueTask OnPublishedAsync(BrokerClient? client, BrokerMessage message, int receivers)
        {
            var disposing = broker().DisposeAsync().AsTask();
            ending.Add(disposing);
            await disposing;
        }
    }

    // Not about its own reports, which would never end.
    private sealed class Reporter(Func<MqttBroker> broker) : IConnectionObserver, ISubscriptionObserver, IMessageObserver, IDeliveryObserver
    {
        public ValueTask OnConnectedAsync(BrokerClient client, bool resumed) => client.ClientId == "subscriber" ? SubscribeAsync(client) : Report($"connected {client}");

        public ValueTask OnDisconnectedAsync(BrokerClient client, MqttCloseCause cause, bool sessionEnded) => Report($"disconnected {client}");

        public ValueTask OnSubscribedAsync(BrokerClient client, TopicSubscription subscription, ReasonCode reasonCode) => Report($"subscribed {client}");

        public ValueTask OnPublishedAsync(BrokerClient? client, BrokerMessage message, int receivers) => client is null ? default : Report($"published {message.Topic}");

        public ValueTask OnDeliveredAsync(Delivery delivery, BrokerMessage message) => message.Topic == "report" ? default : Report($"delivered {delivery.ClientId}");

        public ValueTask OnAcknowledgedAsync(Delivery delivery, BrokerMessage message, bool refused) => message.Topic == "report" ? default : Report($"acknowledged {delivery.ClientId}");

        private async ValueTask SubscribeAsync(BrokerClient client)
        {
            await broker().SubscribeAsync(client.ClientId, [new("report", QoS1)]);
            await Report($"connected {client}");
        }

        private async ValueTask Report(string text) => await broker().PublishAsync("report", text, QoS1);
    }
}
