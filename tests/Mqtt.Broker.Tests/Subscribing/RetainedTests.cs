using Mqtt.Server.Broker;

namespace Mqtt.Broker.Tests;

public abstract class RetainedTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : RetainedTests(StoreKind.None);

    public sealed class WithMemoryStore() : RetainedTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : RetainedTests(StoreKind.SlowCommit);

    [Theory, Versions]
    [Spec(V311, "3.3.1-5")]
    [Spec(V311, "3.3.1-6")]
    [Spec(V311, "3.3.1-8")]
    [Spec(V5, "3.3.1-5")]
    [Spec(V5, "3.3.1-9")]
    public void The_last_retained_message_of_each_topic_reaches_a_new_subscriber(MqttProtocolVersion version)
    {
        var publisher = Connect("publisher", version);
        publisher.Publish("a", "old", QoS2, retain: true);
        publisher.Publish("a", "new", QoS1, retain: true);
        publisher.Publish("b", "other", QoS0, retain: true);

        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("#", QoS2);

        var messages = (PublishPacket[])[subscriber.Expect<PublishPacket>(), subscriber.Expect<PublishPacket>()];
        messages.Select(message => (message.Topic.ToString(), message.QualityOfService, message.Retain)).Should().BeEquivalentTo([("a", QoS1, true), ("b", QoS0, true)]);
        subscriber.ExpectNothing();
    }

    [Theory, Versions]
    [Spec(V311, "3.3.1-7")]
    public void A_retained_message_of_QoS_0_replaces_one_of_higher_QoS(MqttProtocolVersion version)
    {
        var publisher = Connect("publisher", version);
        publisher.Publish("t", "two", QoS2, retain: true);
        publisher.Publish("t", "zero", QoS0, retain: true);

        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("t", QoS2);

        subscriber.Receive("t", "zero").QualityOfService.Should().Be(QoS0);
    }

    [Theory, Versions]
    [Spec(V311, "3.3.1-10")]
    [Spec(V311, "3.3.1-11")]
    [Spec(V5, "3.3.1-6")]
    [Spec(V5, "3.3.1-7")]
    public void An_empty_retained_message_is_forwarded_and_clears_the_topic(MqttProtocolVersion version)
    {
        var watcher = Connect("watcher", version);
        watcher.Subscribe("t", QoS1);
        var publisher = Connect("publisher", version);
        publisher.Publish("t", "kept", QoS1, retain: true);
        publisher.Publish("t", "", QoS1, retain: true);
        publisher.Publish("never", "", retain: true);

        watcher.Receive("t", "kept");
        watcher.Receive("t", "").Retain.Should().BeFalse();
        Broker.RetainedCount.Should().Be(0);
        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("#");
        subscriber.ExpectNothing();
    }

    [Theory, Versions]
    [Spec(V311, "3.3.1-12")]
    [Spec(V5, "3.3.1-8")]
    public void A_message_without_RETAIN_leaves_the_retained_one_alone(MqttProtocolVersion version)
    {
        var publisher = Connect("publisher", version);
        publisher.Publish("t", "kept", retain: true);
        publisher.Publish("t", "passing");
        publisher.Publish("t", "");
        publisher.Publish("u", "passing");

        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("#");

        subscriber.Receive("t", "kept");
        subscriber.ExpectNothing();
    }

    [Theory, Versions]
    [Spec(V311, "3.8.4-3")]
    [Spec(V5, "3.3.1-9")]
    [Spec(V5, "3.8.4-4")]
    public void Every_SUBSCRIBE_brings_the_retained_messages_again_by_default(MqttProtocolVersion version)
    {
        Connect("publisher").Publish("t", "kept", retain: true);
        var subscriber = Connect("subscriber", version);

        for (var i = 0; i < 2; i++)
        {
            subscriber.Subscribe("t");
            subscriber.Receive("t", "kept").Retain.Should().BeTrue();
        }
    }

    [Fact]
    [Spec(V5, "3.3.1-10")]
    public void Retain_Handling_1_brings_them_only_if_the_subscription_is_new()
    {
        Connect("publisher").Publish("t", "kept", retain: true);
        var subscriber = Connect("subscriber");
        var subscription = new TopicSubscription("t") { RetainHandling = RetainHandling.SendIfNew };

        subscriber.Subscribe([subscription]);
        subscriber.Receive("t", "kept");
        subscriber.Subscribe([subscription with { QualityOfService = QoS2 }]);
        subscriber.ExpectNothing();
        subscriber.Unsubscribe("t");
        subscriber.Subscribe([subscription]);
        subscriber.Receive("t", "kept");
    }

    [Fact]
    [Spec(V5, "3.3.1-11")]
    public void Retain_Handling_2_never_brings_them()
    {
        Connect("publisher").Publish("t", "kept", retain: true);
        var subscriber = Connect("subscriber");

        subscriber.Subscribe([new("t") { RetainHandling = RetainHandling.DoNotSend }]);

        subscriber.ExpectNothing();
    }

    [Fact]
    public void Retained_messages_come_for_each_filter_of_a_SUBSCRIBE_and_behind_its_SUBACK()
    {
        Connect("publisher").Publish("t", "kept", retain: true);
        var subscriber = Connect("subscriber");
        subscriber.Send(new SubscribePacket { PacketId = 1, Subscriptions = [new("t"), new("none"), new("+")] });

        subscriber.Expect<SubAckPacket>();
        subscriber.Receive("t", "kept");
        subscriber.Receive("t", "kept");
        subscriber.ExpectNothing();
    }

    [Fact]
    public void Retained_messages_come_to_their_publisher_too_whatever_No_Local_says()
    {
        var client = Connect("client");
        client.Publish("t", "own", retain: true);

        client.Subscribe([new("t") { NoLocal = true }]);

        client.Receive("t", "own");
    }

    [Fact]
    [Spec(V5, "3.3.2-6")]
    [Spec(V5, "3.3.2-5")]
    public void The_expiry_of_a_retained_message_counts_down_and_ends_it()
    {
        Connect("publisher").Publish("t", "kept", retain: true, with: packet => packet.MessageExpiryInterval = 10);
        Advance(4);
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("t");
        subscriber.Receive("t", "kept").MessageExpiryInterval.Should().Be(6);

        Advance(7);

        subscriber.Subscribe("t");
        subscriber.ExpectNothing();
    }

    [Theory, Versions]
    public void Retained_messages_obey_the_window_and_come_in_front_of_what_is_published_meanwhile(MqttProtocolVersion version)
    {
        WithBroker = options => options with { Limits = new() { InFlightMaximum = 2, InFlightMaximum3 = 2 } };
        var publisher = Connect("publisher");
        for (var i = 0; i < 5; i++)
            publisher.Publish($"{i}", "kept", QoS1, retain: true);
        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("#", QoS1);
        publisher.Publish("0", "live", QoS1);

        var topics = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            var message = subscriber.Expect<PublishPacket>();
            message.Retain.Should().BeTrue();
            topics.Add(message.Topic.ToString());
            subscriber.Acknowledge(message);
        }

        topics.Should().BeEquivalentTo("0", "1", "2", "3", "4");
        subscriber.Receive("0", "live").Retain.Should().BeFalse();
    }

    [Theory, Versions]
    public void Retained_messages_count_against_no_bound_of_the_queue(MqttProtocolVersion version)
    {
        WithBroker = options => options with { Limits = new() { QueueCount = 1, InFlightMaximum = 1, InFlightMaximum3 = 1 } };
        var publisher = Connect("publisher");
        for (var i = 0; i < 20; i++)
            publisher.Publish($"{i}", "kept", QoS1, retain: true);
        var subscriber = Connect("subscriber", version);

        subscriber.Subscribe("#", QoS1);

        for (var i = 0; i < 20; i++)
            subscriber.Acknowledge(subscriber.Expect<PublishPacket>());
    }

    [Fact]
    public void What_has_expired_is_forgotten_by_broker_and_store_though_nobody_asks_for_it()
    {
        var publisher = Connect("publisher");
        for (var i = 0; i < 3000; i++)
            publisher.SendPublish($"t/{i}", "kept", retain: true, with: packet => packet.MessageExpiryInterval = i % 3 == 0 ? 100u : 5);
        publisher.Publish("for ever", "kept", retain: true);

        Advance(9.5);

        Broker.RetainedCount.Should().Be(1001);
        if (HasStore)
            Harness.Store!.Retained.Load().Should().HaveCount(1001);
        Advance(95);
        Broker.RetainedCount.Should().Be(1);
    }

    [Fact]
    public void What_has_expired_while_the_broker_was_down_is_forgotten_by_the_store()
    {
        if (!HasStore)
            return;
        Connect("publisher").Publish("t", "kept", QoS1, retain: true, with: packet => packet.MessageExpiryInterval = 5);
        Harness.Stop();
        Harness.Time.Advance(TimeSpan.FromSeconds(6));

        Harness.Begin();

        Broker.RetainedCount.Should().Be(0);
        Harness.Store!.Retained.Load().Should().BeEmpty();
    }

    [Fact]
    public void A_message_that_has_expired_may_be_kept_anew()
    {
        var publisher = Connect("publisher");
        publisher.Publish("t", "old", QoS1, retain: true, with: packet => packet.MessageExpiryInterval = 1);
        Advance(1.05);
        publisher.Publish("t", "new", QoS1, retain: true);
        Advance(10);

        if (HasStore)
            Harness.Restart();
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("t");

        subscriber.Receive("t", "new");
    }

    [Theory, Versions]
    public void Retained_messages_outlive_the_broker_where_there_is_a_store(MqttProtocolVersion version)
    {
        var publisher = Connect("publisher", version);
        publisher.Publish("kept", "message", QoS1, retain: true);
        publisher.Publish("replaced", "old", retain: true);
        publisher.Publish("replaced", "new", retain: true);
        publisher.Publish("cleared", "message", retain: true);
        publisher.Publish("cleared", "", retain: true);

        Harness.Restart();

        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("#", QoS1);
        if (HasStore)
        {
            var messages = (PublishPacket[])[subscriber.Expect<PublishPacket>(), subscriber.Expect<PublishPacket>()];
            messages.Select(message => message.Topic.ToString()).Should().BeEquivalentTo("kept", "replaced");
        }

        subscriber.ExpectNothing();
    }

    [Theory, Versions]
    public void Only_so_many_topics_and_bytes_are_retained_and_what_is_replaced_or_cleared_makes_room(MqttProtocolVersion version)
    {
        WithBroker = options => options with { MaximumRetained = 2, MaximumRetainedBytes = 10 };
        var publisher = Connect("publisher", version);
        var refused = version == MqttProtocolVersion.V500 ? ReasonCode.QuotaExceeded : ReasonCode.Success;
        var watcher = Connect("watcher", version);
        watcher.Subscribe("#");

        publisher.Publish("a", "1", QoS1, retain: true);
        publisher.Publish("b", "1", QoS0, retain: true);
        publisher.Publish("c", "1", QoS1, retain: true).Should().Be(refused);
        publisher.Publish("c", "1", QoS2, retain: true).Should().Be(refused);
        publisher.Publish("c", "1", QoS0, retain: true);
        Broker.Statistics.Dropped(DropCause.RetainedFull).Should().Be(3);
        publisher.Publish("a", "1234567", QoS1, retain: true).Should().Be(ReasonCode.Success, "8 bytes and 2 are 10");
        publisher.Publish("b", "12", QoS1, retain: true).Should().Be(refused, "one byte too many");
        publisher.Publish("a", "", QoS1, retain: true);
        publisher.Publish("c", "12", QoS1, retain: true).Should().Be(ReasonCode.Success);

        Broker.RetainedCount.Should().Be(2);
        foreach (var (topic, payload) in ((string, string)[])[("a", "1"), ("b", "1"), ("a", "1234567"), ("a", ""), ("c", "12")])
            watcher.Receive(topic, payload);
        watcher.ExpectNothing();
    }
}
