using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Hooks;
using Mqtt.Server.Broker.Rules;

namespace Mqtt.Broker.Tests;

/// <summary>Rules that are hooks: rewritten topics, automatic subscriptions, delayed messages.</summary>
public abstract class RuleTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : RuleTests(StoreKind.None);

    public sealed class WithMemoryStore() : RuleTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : RuleTests(StoreKind.SlowCommit);

    // --- Rewriting

    [Theory]
    [InlineData("old/7/x", "new/x/7")]
    [InlineData("old//x", "new/x/")]
    [InlineData("tail/a/b/c", "all/a/b/c/here")]
    [InlineData("tail/a", "all/a/here")]
    [InlineData("swap/a/b", "b/a/swap")]
    [InlineData("old/7/x/more", "old/7/x/more")]
    [InlineData("old/7", "old/7")]
    [InlineData("tail", "tail")]
    [InlineData("first/a", "1/a")]
    public void Published_topics_are_rewritten_by_the_first_rule_that_matches(string topic, string expected)
    {
        Rewrite();
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("#");

        Connect("publisher").Publish(topic, "message", QoS1);

        subscriber.Receive(expected, "message");
    }

    [Theory]
    [InlineData("old/+/x", "new/x/7")]
    [InlineData("tail/#", "all/a/b/here")]
    [InlineData("$share/group/old/+/x", "new/x/7")]
    public void Filters_are_rewritten_in_SUBSCRIBE_and_in_UNSUBSCRIBE(string filter, string topic)
    {
        if (topic.StartsWith("all"))
            WithBroker = options => options with { Hooks = [new TopicRewrite(new TopicRewriteRule("tail/{rest...}", "all/{rest...}") { ForPublish = false })] };
        else
            WithBroker = options => options with { Hooks = [new TopicRewrite(new TopicRewriteRule("old/{id}/x", "new/x/{id}") { ForPublish = false })] };
        var subscriber = Connect("subscriber");
        subscriber.Subscribe(filter).ReasonCodes.Should().Equal(ReasonCode.GrantedQoS0);
        var publisher = Connect("publisher");

        publisher.Publish(topic, "message");
        subscriber.Receive(topic, "message");

        subscriber.Unsubscribe(filter).ReasonCodes.Should().Equal(ReasonCode.Success);
        publisher.Publish(topic, "message", QoS1).Should().Be(ReasonCode.NoMatchingSubscribers);
    }

    [Fact]
    public void A_rule_for_subscriptions_alone_leaves_what_is_published()
    {
        WithBroker = options => options with { Hooks = [new TopicRewrite(new TopicRewriteRule("a/{x}", "b/{x}") { ForPublish = false })] };
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("a/1");
        var publisher = Connect("publisher");

        publisher.Publish("a/1", "not this", QoS1).Should().Be(ReasonCode.NoMatchingSubscribers);
        publisher.Publish("b/1", "this");

        subscriber.Receive("b/1", "this");
    }

    [Theory]
    [InlineData("a/{x", "b")]
    [InlineData("a/{x}y", "b")]
    [InlineData("a/+", "b")]
    [InlineData("a/{}", "b")]
    [InlineData("a/{x}/{x}", "b")]
    [InlineData("a/{rest...}/b", "b")]
    [InlineData("a/{x}", "b/{y}")]
    [InlineData("", "b")]
    public void A_rule_that_is_not_well_formed_is_refused_at_once(string from, string to)
    {
        var act = () => new TopicRewrite(new TopicRewriteRule(from, to));

        act.Should().Throw<ArgumentException>();
    }

    // --- Automatic subscriptions

    [Fact]
    public void Clients_get_their_subscriptions_with_their_names_filled_in_once()
    {
        var recorder = new InlineRecorder { Only = ["subscribed"] };
        WithBroker = options => options with
        {
            Hooks = [new AutomaticSubscriptions(new TopicSubscription("inbox/%c", QoS1), new TopicSubscription("users/%u/%c/#"), new TopicSubscription("100%/news")), recorder],
        };

        var client = Connect("client", with: packet => packet.UserName = "%c");

        recorder.Take().Should().Equal("subscribed client inbox/client 01", "subscribed client users/%c/client/# 00", "subscribed client 100%/news 00");
        Connect("publisher").Publish("inbox/client", "message", QoS1);
        client.Receive("inbox/client", "message").QualityOfService.Should().Be(QoS1);
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("+")]
    [InlineData("#")]
    public void A_client_whose_name_means_more_than_one_level_does_not_get_the_subscription(string clientId)
    {
        var recorder = new InlineRecorder { Only = ["subscribed"] };
        WithBroker = options => options with { Hooks = [new AutomaticSubscriptions(new TopicSubscription("inbox/%c"), new TopicSubscription("users/%u"), new TopicSubscription("news")), recorder] };

        Connect(clientId);

        recorder.Take().Should().Equal($"subscribed {clientId} news 00");
    }

    // --- Delayed

    [Theory, InlineData(0), InlineData(1), InlineData(2)]
    public void A_delayed_message_is_acknowledged_at_once_and_published_when_its_time_has_come(int qualityOfService)
    {
        Delay();
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("#", QoS2);

        Connect("publisher").Publish("$delayed/5/a/b", "message", (QualityOfService)qualityOfService).Should().Be(ReasonCode.Success);

        Advance(4.9);
        subscriber.ExpectNothing();
        Advance(0.4);
        subscriber.Receive("a/b", "message").QualityOfService.Should().Be((QualityOfService)qualityOfService);
        subscriber.ExpectNothing();
    }

    [Fact]
    public void Delayed_messages_come_in_the_order_of_their_times_and_then_of_their_coming()
    {
        Delay();
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("#");
        var publisher = Connect("publisher");

        publisher.Publish("$delayed/9/t", "late");
        publisher.Publish("$delayed/3/t", "first");
        publisher.Publish("$delayed/3/t", "second");
        publisher.Publish("$delayed/0/t", "now");
        publisher.Publish("$delayed/3/t", "third");

        subscriber.Receive("t", "now");
        subscriber.ExpectNothing();
        Advance(3.3);
        foreach (var payload in new[] { "first", "second", "third" })
            subscriber.Receive("t", payload);
        subscriber.ExpectNothing();
        Advance(6);
        subscriber.Receive("t", "late");
    }

    [Fact]
    public void A_delayed_message_keeps_No_Local_its_properties_and_its_retain_flag_for_its_time()
    {
        Delay();
        var publisher = Connect("publisher");
        publisher.Subscribe([new("t") { NoLocal = true }]);
        var subscriber = Connect("subscriber");
        subscriber.Subscribe([new("t") { RetainAsPublished = true }]);

        publisher.Publish("$delayed/5/t", "message", QoS1, retain: true, with: packet =>
        {
            packet.ContentType = "text/plain";
            packet.MessageExpiryInterval = 60;
        });
        Broker.RetainedCount.Should().Be(0);
        Advance(5.3);

        var message = subscriber.Receive("t", "message");
        message.Retain.Should().BeTrue();
        message.ContentType.ToString().Should().Be("text/plain");
        message.MessageExpiryInterval.Should().BeInRange(54, 55);
        publisher.ExpectNothing();
        Broker.RetainedCount.Should().Be(1);
    }

    [Fact]
    public void A_delayed_message_that_expires_before_its_time_is_dropped_and_counted()
    {
        Delay();
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("#");

        Connect("publisher").Publish("$delayed/5/t", "message", with: packet => packet.MessageExpiryInterval = 3);
        Advance(6);

        subscriber.ExpectNothing();
        Broker.Statistics.Dropped(DropCause.Expired).Should().Be(1);
    }

    [Theory]
    [InlineData("$delayed/x/t")]
    [InlineData("$delayed/5")]
    [InlineData("$delayed/5/")]
    [InlineData("$delayed/-1/t")]
    [InlineData("$delayed//t")]
    [InlineData("$delayed/604801/t")]
    [InlineData("$delayed/99999999999/t")]
    [InlineData("$delayed/5/$SYS/uptime")]
    public void A_delay_that_is_none_is_refused(string topic)
    {
        Delay();
        var publisher = Connect("publisher");

        publisher.Publish(topic, "message", QoS1).Should().Be(ReasonCode.TopicNameInvalid);
        publisher.Publish(topic, "message", QoS2).Should().Be(ReasonCode.TopicNameInvalid);
    }

    [Fact]
    public void Delayed_messages_are_bounded_in_number_and_bytes_and_make_room_when_they_leave()
    {
        WithBroker = options => options with { Hooks = [new DelayedPublish { MaximumCount = 2, MaximumBytes = 100 }] };
        var publisher = Connect("publisher");

        publisher.Publish("$delayed/5/t", new string('x', 100), QoS1).Should().Be(ReasonCode.QuotaExceeded);
        publisher.Publish("$delayed/5/t", "1", QoS1).Should().Be(ReasonCode.Success);
        publisher.Publish("$delayed/5/t", "2", QoS2).Should().Be(ReasonCode.Success);
        publisher.Publish("$delayed/5/t", "3", QoS1).Should().Be(ReasonCode.QuotaExceeded);
        Broker.Statistics.Dropped(DropCause.QueueFull).Should().Be(2);
        Advance(5.3);

        publisher.Publish("$delayed/5/t", "4", QoS1).Should().Be(ReasonCode.Success);
    }

    [Fact]
    public void Rights_and_hooks_of_a_delayed_message_are_about_its_own_topic()
    {
        var seen = new List<string>();
        WithBroker = options => options with
        {
            Hooks =
            [
                new DelayedPublish(),
                new AskedInline
                {
                    MayPublish = (_, access) => new(access.Topic != "secret"),
                    Publish = request =>
                    {
                        seen.Add($"{request.Topic} in {request.Delay.TotalSeconds}");
                        request.Topic = "changed";
                        return default;
                    },
                },
            ],
        };
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("#");
        var publisher = Connect("publisher");

        publisher.Publish("$delayed/5/secret", "1", QoS1).Should().Be(ReasonCode.NotAuthorized);
        publisher.Publish("$delayed/5/open", "2", QoS1).Should().Be(ReasonCode.Success);
        Advance(5.3);

        subscriber.Receive("changed", "2");
        seen.Should().Equal("open in 5");
    }

    [Fact]
    public void A_will_is_delayed_from_the_moment_when_it_would_be_published_and_its_rights_are_about_its_own_topic()
    {
        WithBroker = options => options with { Hooks = [new DelayedPublish(), new AskedInline { MayPublish = (_, access) => new(access.Topic != "secret") }] };
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("#");

        foreach (var topic in new[] { "open", "secret" })
            Connect(topic, with: packet => packet.Will = new WillMessage { Topic = $"$delayed/5/{topic}", Payload = "gone"u8.ToArray() }).Cut();

        Advance(4.5);
        subscriber.ExpectNothing();
        Advance(1);
        subscriber.Receive("open", "gone");
        subscriber.ExpectNothing();
    }

    [Fact]
    public void What_is_delayed_when_the_broker_ends_is_given_back()
    {
        Delay();
        Connect("publisher").Publish("$delayed/5/t", "message", QoS1);

        Renew();
    }

    [Fact]
    public void Without_the_rule_the_topic_is_one_like_any_other()
    {
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("$delayed/#");

        Connect("publisher").Publish("$delayed/5/t", "message", QoS1);

        subscriber.Receive("$delayed/5/t", "message");
    }

    private void Delay() => WithBroker = static options => options with { Hooks = [new DelayedPublish()] };

    private void Rewrite() => WithBroker = static options => options with
    {
        Hooks =
        [
            new TopicRewrite(
                new TopicRewriteRule("old/{id}/x", "new/x/{id}"),
                new TopicRewriteRule("tail/{rest...}", "all/{rest}/here") { ForSubscribe = false },
                new TopicRewriteRule("swap/{a}/{b}", "{b}/{a}/swap"),
                new TopicRewriteRule("first/{x}", "1/{x}"),
                new TopicRewriteRule("first/{x}", "2/{x}")),
        ],
    };
}
