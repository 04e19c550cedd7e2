using System.Text;
using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Broker.Tests;

/// <summary>What hooks make of a message between the client and its subscribers.</summary>
public abstract class PublishHookTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : PublishHookTests(StoreKind.None);

    public sealed class WithMemoryStore() : PublishHookTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : PublishHookTests(StoreKind.SlowCommit);

    [Theory, InlineData(true), InlineData(false)]
    public void A_hook_changes_everything_of_a_message_and_the_client_gets_its_own_acknowledgement(bool inline)
    {
        Ask(inline, request =>
        {
            request.Topic = "changed/" + request.Topic;
            request.Payload = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(request.Payload.Span).ToUpperInvariant());
            request.QualityOfService = QoS1;
            request.Retain = true;
            request.UserProperties = [("from", request.Client.ClientId)];
            return default;
        });
        var subscriber = Subscriber("#");
        var publisher = Connect("publisher");

        publisher.Publish("t", "message", QoS2).Should().Be(ReasonCode.Success);

        var message = subscriber.Receive("changed/t", "MESSAGE");
        message.QualityOfService.Should().Be(QoS1);
        message.UserProperties.Should().Equal(("from", "publisher"));
        var late = Connect("late");
        late.Subscribe("changed/#");
        late.Receive("changed/t", "MESSAGE").Retain.Should().BeTrue();
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Hooks_are_asked_in_their_order_and_each_sees_what_the_last_one_left(bool inline)
    {
        List<string> seen = [];
        Ask(inline, Note("first"), Note("second"), Note("third"));
        var subscriber = Subscriber("#");

        Connect("publisher").Publish("t", "message", QoS1);

        seen.Should().Equal("t", "t/first", "t/first/second");
        subscriber.Receive("t/first/second/third", "message");

        Func<PublishRequest, ValueTask> Note(string name) => request =>
        {
            seen.Add(request.Topic.ToString());
            request.Topic = $"{request.Topic}/{name}";
            return default;
        };
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_refused_message_reaches_nobody_and_no_later_hook_and_is_answered_with_the_code(bool inline)
    {
        Ask(inline, Refuse, request => throw new InvalidOperationException("The first has decided."));
        var subscriber = Subscriber("#");
        var publisher = Connect("publisher");

        publisher.Publish("t", "0").Should().Be(ReasonCode.Success);
        publisher.Publish("t", "1", QoS1).Should().Be(ReasonCode.PayloadFormatInvalid);
        publisher.Publish("t", "2", QoS2).Should().Be(ReasonCode.PayloadFormatInvalid);

        subscriber.ExpectNothing();
        Broker.Statistics.Dropped(DropCause.Hook).Should().Be(3);

        static ValueTask Refuse(PublishRequest request)
        {
            request.Refuse(ReasonCode.PayloadFormatInvalid);
            return default;
        }
    }

    [Theory, Versions(Only3 = true)]
    public void A_3x_client_whose_message_is_refused_gets_its_acknowledgements_and_nobody_the_message(MqttProtocolVersion version)
    {
        Ask(inline: true, request =>
        {
            request.Refuse();
            return default;
        });
        var subscriber = Subscriber("#");
        var publisher = Connect("publisher", version);

        publisher.Publish("t", "1", QoS1);
        publisher.Publish("t", "2", QoS2);

        publisher.ExpectNothing();
        subscriber.ExpectNothing();
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_dropped_message_is_acknowledged_as_if_it_had_been_delivered(bool inline)
    {
        Ask(inline, request =>
        {
            request.Drop();
            return default;
        });
        var subscriber = Subscriber("#");
        var publisher = Connect("publisher");

        publisher.Publish("t", "1", QoS1).Should().Be(ReasonCode.Success);
        publisher.Publish("t", "2", QoS2).Should().Be(ReasonCode.Success);

        subscriber.ExpectNothing();
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Only_the_chosen_clients_get_a_message_if_they_subscribe(bool inline)
    {
        Ask(
            inline,
            request =>
            {
                request.AllowClients(["a", "b", "not subscribed"]);
                return default;
            },
            request =>
            {
                request.FilterReceivers(clientId => clientId != "a");
                return default;
            });
        var (a, b, c, other) = (Subscriber("#", "a"), Subscriber("#", "b"), Subscriber("#", "c"), Connect("not subscribed"));

        Connect("publisher").Publish("t", "message", QoS1).Should().Be(ReasonCode.Success);

        b.Receive("t", "message");
        foreach (var client in new[] { a, c, other })
            client.ExpectNothing();
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Of_a_shared_group_only_a_chosen_client_is_picked_and_what_waits_for_it_never_moves_to_another(bool inline)
    {
        Ask(inline, request =>
        {
            request.AllowClients(["b"]);
            return default;
        });
        var (a, b, c) = (Subscriber("$share/group/#", "a"), Resume("b"), Subscriber("$share/group/#", "c"));
        b.Subscribe("$share/group/#", QoS1);
        var publisher = Connect("publisher");

        for (var i = 0; i < 4; i++)
            publisher.Publish("t", $"{i}", QoS1).Should().Be(ReasonCode.Success);

        for (var i = 0; i < 4; i++)
            b.Receive("t", $"{i}");
        b.Cut();
        publisher.Publish("t", "later", QoS1).Should().Be(ReasonCode.Success);
        Connect("b").ExpectNothing();
        a.ExpectNothing();
        c.ExpectNothing();
    }

    [Fact]
    public void A_filter_of_receivers_that_throws_chooses_nobody_for_this_message_alone()
    {
        var fails = true;
        Ask(inline: true, request =>
        {
            request.FilterReceivers(_ => fails ? throw new InvalidOperationException("as announced") : true);
            return default;
        });
        var subscriber = Subscriber("#");
        var publisher = Connect("publisher");

        publisher.Publish("t", "1", QoS1).Should().Be(ReasonCode.NoMatchingSubscribers);
        fails = false;
        publisher.Publish("t", "2", QoS1).Should().Be(ReasonCode.Success);

        subscriber.Receive("t", "2");
        ExpectFailures(1);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_hook_that_throws_costs_its_own_message_alone_and_is_reported(bool inline)
    {
        Ask(inline, request => request.Topic == "bad" ? throw new InvalidOperationException("as announced") : default);
        var subscriber = Subscriber("#");
        var publisher = Connect("publisher");

        publisher.Publish("bad", "1", QoS1).Should().Be(ReasonCode.ImplementationSpecificError);
        publisher.Publish("bad", "2", QoS2).Should().Be(ReasonCode.ImplementationSpecificError);
        publisher.Publish("good", "3", QoS2).Should().Be(ReasonCode.Success);

        subscriber.Receive("good", "3");
        ExpectFailures(2);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_hook_that_waits_keeps_its_own_client_waiting_in_order_and_nobody_else(bool inline)
    {
        var answer = new TaskCompletionSource();
        Ask(inline, request => request.Client.ClientId == "slow" ? new(answer.Task) : default);
        var subscriber = Subscriber("#");
        var slow = Connect("slow");
        var other = Connect("other");

        slow.SendPublish("slow", "1", QoS1);
        slow.SendPublish("slow", "2", QoS1);
        slow.Send(new PingReqPacket());
        other.Publish("other", "3", QoS1).Should().Be(ReasonCode.Success);

        slow.ExpectNothing();
        subscriber.Receive("other", "3");
        subscriber.ExpectNothing();
        Answer(answer);
        subscriber.Receive("slow", "1");
        subscriber.Receive("slow", "2");
        slow.Expect<PubAckPacket>().PacketId.Should().Be(1);
        slow.Expect<PubAckPacket>().PacketId.Should().Be(2);
        slow.Expect<PingRespPacket>();
    }

    [Fact]
    public void A_hook_that_takes_long_is_counted_while_it_still_does()
    {
        var answer = new TaskCompletionSource();
        Ask(inline: false, request => new(answer.Task));
        var publisher = Connect("publisher");

        publisher.SendPublish("t", "1", QoS1);
        Advance(0.9);
        Broker.Statistics.SlowHooks.Should().Be(0);
        Advance(0.3);

        Broker.Statistics.SlowHooks.Should().Be(1);
        Answer(answer);
        publisher.Expect<PubAckPacket>();
        Advance(5);
        Broker.Statistics.SlowHooks.Should().Be(1);
    }

    [Fact]
    public void A_message_whose_hook_answers_after_its_connection_was_taken_over_is_published_by_the_resent_one_alone()
    {
        var answer = new TaskCompletionSource();
        Ask(inline: false, request => new(answer.Task));
        var subscriber = Subscriber("#");
        var first = Resume("publisher");
        first.SendPublish("t", "message", QoS2);
        Run();

        var second = Resume("publisher");
        second.SendPublish("t", "message", QoS2, with: packet => packet.Duplicate = true);
        Answer(answer);

        second.Expect<PubRecPacket>().ReasonCode.Should().Be(ReasonCode.Success);
        subscriber.Receive("t", "message");
        subscriber.ExpectNothing();
    }

    [Fact]
    [Spec(V5, "4.3.3-10")]
    public void A_repeated_QoS_2_message_is_acknowledged_again_without_asking_the_hooks()
    {
        var asked = 0;
        Ask(inline: true, request =>
        {
            asked++;
            return default;
        });
        var subscriber = Subscriber("#");
        var publisher = Connect("publisher");
        var packet = publisher.SendPublish("t", "message", QoS2);
        publisher.Expect<PubRecPacket>();

        packet.Duplicate = true;
        publisher.Send(packet);

        publisher.Expect<PubRecPacket>().PacketId.Should().Be(packet.PacketId);
        asked.Should().Be(1);
        subscriber.Receive("t", "message");
        subscriber.ExpectNothing();
    }

    [Fact]
    public void A_hook_sees_the_topic_behind_an_alias_and_its_change_does_not_touch_the_alias()
    {
        Ask(inline: true, request =>
        {
            request.Topic = $"changed/{request.Topic}";
            return default;
        });
        var subscriber = Subscriber("#");
        var publisher = Connect("publisher");

        publisher.SendPublish("t", "1", with: packet => packet.TopicAlias = 3);
        publisher.SendPublish("", "2", with: packet => packet.TopicAlias = 3);

        subscriber.Receive("changed/t", "1");
        subscriber.Receive("changed/t", "2");
    }

    [Fact]
    public void A_hook_cannot_send_a_client_s_message_to_topics_that_are_the_broker_s()
    {
        Ask(inline: true, request =>
        {
            request.Topic = "$SYS/broker/uptime";
            return default;
        });
        var subscriber = Subscriber("$SYS/#");

        Connect("publisher").Publish("t", "message", QoS1).Should().Be(ReasonCode.TopicNameInvalid);

        subscriber.ExpectNothing();
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Who_may_not_publish_is_refused_before_any_hook_is_asked(bool inline)
    {
        var asked = 0;
        Ask(
            inline,
            new Asked
            {
                MayPublish = (client, access) => new(client.ClientId == "friend" || access.Topic == "open"),
                Publish = _ =>
                {
                    asked++;
                    return default;
                },
            });
        var subscriber = Subscriber("#");
        var stranger = Connect("stranger");

        stranger.Publish("secret", "0");
        stranger.Publish("secret", "1", QoS1).Should().Be(ReasonCode.NotAuthorized);
        stranger.Publish("secret", "2", QoS2).Should().Be(ReasonCode.NotAuthorized);
        asked.Should().Be(0);
        stranger.Publish("open", "3", QoS1).Should().Be(ReasonCode.Success);
        Connect("friend").Publish("secret", "4", QoS1).Should().Be(ReasonCode.Success);

        subscriber.Receive("open", "3");
        subscriber.Receive("secret", "4");
        subscriber.ExpectNothing();
        Broker.Statistics.Dropped(DropCause.NotAuthorized).Should().Be(3);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void An_authorization_that_throws_denies_even_if_another_allows(bool inline)
    {
        Ask(inline, new Asked { MayPublish = (_, _) => throw new InvalidOperationException("as announced") }, new Asked());
        var subscriber = Subscriber("#");

        Connect("publisher").Publish("t", "1", QoS1).Should().Be(ReasonCode.NotAuthorized);

        subscriber.ExpectNothing();
        ExpectFailures(1);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Observers_are_told_of_every_message_in_order_with_its_receivers(bool inline)
    {
        var recorder = inline ? new InlineRecorder { Only = ["published", "refused"] } : new Recorder { Only = ["published", "refused"] };
        WithBroker = options => options with { Hooks = [recorder, new AskedInline { MayPublish = (_, access) => new(access.Topic != "secret") }] };
        var subscriber = Subscriber("a");
        var publisher = Connect("publisher");

        publisher.Publish("a", "1");
        publisher.Publish("b", "2", QoS1);
        publisher.Publish("secret", "3", QoS1);
        publisher.Publish("a", "4", QoS2);

        recorder.Take().Should().Equal("published publisher a: 1 to 1", "published publisher b: 2 to 0", "refused publisher secret 87", "published publisher a: 4 to 1");
        subscriber.Receive("a", "1");
        subscriber.Receive("a", "4");
    }

    [Fact]
    public void An_observer_that_throws_is_reported_and_told_the_rest()
    {
        var told = new List<string>();
        WithBroker = options => options with { Hooks = [new Thrower(told)] };
        var publisher = Connect("publisher");

        publisher.Publish("t", "1", QoS1);
        publisher.Publish("t", "2", QoS1);
        publisher.Publish("t", "3", QoS1);

        told.Should().Equal("1", "2", "3");
        ExpectFailures(3);
    }

    [Fact]
    public void What_goes_beyond_the_queue_of_an_observer_is_counted_and_its_order_stays()
    {
        var release = new TaskCompletionSource();
        var told = new List<string>();
        WithBroker = options => options with { Hooks = [new SlowObserver(told, release.Task)], HookQueueCount = 2 };
        var publisher = Connect("publisher");

        foreach (var payload in new[] { "1", "2", "3", "4", "5" })
            publisher.Publish("t", payload, QoS1).Should().Be(ReasonCode.NoMatchingSubscribers);

        Broker.Statistics.HookNoticesLost.Should().Be(2);
        Answer(release);
        told.Should().Equal("1", "2", "3");
        publisher.Publish("t", "6", QoS1);
        told.Should().Equal("1", "2", "3", "6");
    }

    [Fact]
    public void A_hooked_message_is_as_durable_as_any_other()
    {
        if (!HasSlowCommits)
            return;
        Ask(inline: false, request =>
        {
            request.Topic = "changed";
            return default;
        });
        var subscriber = Resume("subscriber");
        subscriber.Subscribe("#", QoS2);
        subscriber.Cut();
        var publisher = Resume("publisher");
        Harness.CommitsWhenIdle = false;

        publisher.SendPublish("t", "message", QoS2);
        publisher.ExpectNothing();
        Harness.CommitsWhenIdle = true;
        publisher.Expect<PubRecPacket>();
        Harness.Crash();

        Resume("subscriber").Receive("changed", "message");
    }

    private void Ask(bool inline, params Func<PublishRequest, ValueTask>[] hooks) => Ask(inline, [.. hooks.Select(hook => new Asked { Publish = hook })]);

    private void Ask(bool inline, params Asked[] hooks) => WithBroker = options => options with { Hooks = [.. hooks.Select(hook => hook.On(inline))] };

    private TestClient Subscriber(string filter, string clientId = "subscriber")
    {
        var subscriber = Connect(clientId);
        subscriber.Subscribe(filter, QoS2);
        return subscriber;
    }

    private void Answer(TaskCompletionSource source)
    {
        Harness.Pump.Schedule(static source => ((TaskCompletionSource)source!).SetResult(), source);
        Run();
    }

    private void ExpectFailures(int count)
    {
        Broker.Statistics.HookFailures.Should().Be(count);
        Harness.Log.Errors.Should().HaveCount(count).And.OnlyContain(error => error.Contains("as announced"));
        Harness.Log.Clear();
    }

    private sealed class Thrower(List<string> told) : IMessageObserver
    {
        public ValueTask OnPublishedAsync(BrokerClient? client, BrokerMessage message, int receivers)
        {
            told.Add(Encoding.UTF8.GetString(message.Payload.Span));
            throw new InvalidOperationException("as announced");
        }
    }

    private sealed class SlowObserver(List<string> told, Task release) : IMessageObserver
    {
        public async ValueTask OnPublishedAsync(BrokerClient? client, BrokerMessage message, int receivers)
        {
            told.Add(Encoding.UTF8.GetString(message.Payload.Span));
            await release.ConfigureAwait(false);
        }
    }
}
