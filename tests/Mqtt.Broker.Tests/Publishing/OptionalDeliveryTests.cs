using Mqtt.Server.Broker;

namespace Mqtt.Broker.Tests;

/// <summary>What the broker does otherwise if an option says so: retries, queues, copies.</summary>
public abstract class OptionalDeliveryTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : OptionalDeliveryTests(StoreKind.None);

    public sealed class WithMemoryStore() : OptionalDeliveryTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : OptionalDeliveryTests(StoreKind.SlowCommit);

    // --- Sent again on a living connection

    [Theory, Versions(Only3 = true)]
    public void What_a_3_client_does_not_acknowledge_is_sent_again_in_order_until_it_does(MqttProtocolVersion version)
    {
        WithBroker = options => options with { RetryIntervals = [TimeSpan.FromSeconds(10)] };
        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("t", QoS2);
        var publisher = Connect("publisher");
        publisher.Publish("t", "1", QoS1);
        publisher.Publish("t", "2", QoS2);
        subscriber.ReceiveOnly("t", "1").Duplicate.Should().BeFalse();
        subscriber.ReceiveOnly("t", "2").Duplicate.Should().BeFalse();
        Advance(9.8);
        subscriber.ExpectNothing();

        Advance(10.4);
        var first = subscriber.ReceiveOnly("t", "1");
        var second = subscriber.ReceiveOnly("t", "2");
        (first.Duplicate, second.Duplicate).Should().Be((true, true));
        subscriber.Acknowledge(first);
        subscriber.Send(new PubRecPacket { PacketId = second.PacketId });
        subscriber.Expect<PubRelPacket>();
        Advance(20.4);

        subscriber.Expect<PubRelPacket>().PacketId.Should().Be(second.PacketId);
        subscriber.Send(new PubCompPacket { PacketId = second.PacketId });
        Advance(60);
        subscriber.ExpectNothing();
    }

    [Theory, Versions(Only3 = true)]
    public void The_times_between_retries_grow_as_they_are_set_and_begin_anew_when_all_is_acknowledged(MqttProtocolVersion version)
    {
        WithBroker = options => options with { RetryIntervals = [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(60)], InFlightExpiry = TimeSpan.FromSeconds(300) };
        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("t", QoS1);
        var publisher = Connect("publisher");
        publisher.Publish("t", "1", QoS1);
        subscriber.ReceiveOnly("t", "1").Duplicate.Should().BeFalse();

        List<double> times = [];
        for (var at = 0.0; at < 180; at += 0.5)
        {
            Advance(0.5);
            if (Broker.Clients.Find("subscriber")!.Traffic.MessagesSent > times.Count + 1)
                times.Add(at + 0.5);
        }

        times.Should().HaveCount(4);
        times[0].Should().BeInRange(1, 2.5);
        (times[1] - times[0]).Should().BeInRange(9.5, 10.5);
        (times[2] - times[1]).Should().BeInRange(59.5, 60.5);
        (times[3] - times[2]).Should().BeInRange(59.5, 60.5);
        for (var i = 0; i < 3; i++)
            subscriber.ReceiveOnly("t", "1").Duplicate.Should().BeTrue();
        subscriber.Receive("t", "1");
        Advance(61);
        publisher.Publish("t", "2", QoS1);
        subscriber.ReceiveOnly("t", "2");
        Advance(2.5);
        subscriber.Receive("t", "2").Duplicate.Should().BeTrue();
    }

    [Theory, Versions(Only3 = true)]
    public void A_message_that_is_sent_again_and_again_is_given_up_in_the_end(MqttProtocolVersion version)
    {
        WithBroker = options => options with { RetryIntervals = [TimeSpan.FromSeconds(10)], InFlightExpiry = TimeSpan.FromSeconds(35) };
        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("t", QoS1);
        Connect("publisher").Publish("t", "1", QoS1);

        Advance(71);
        var sent = Broker.Clients.Find("subscriber")!.Traffic.MessagesSent;
        Advance(600);

        sent.Should().BeInRange(4, 7);
        Broker.Clients.Find("subscriber")!.Traffic.MessagesSent.Should().Be(sent);
        Broker.Statistics.Dropped(DropCause.Expired).Should().Be(1);
    }

    [Fact]
    [Spec(V5, "4.4.0-1")]
    public void Nothing_is_sent_again_to_a_5_client_on_a_living_connection()
    {
        WithBroker = options => options with { RetryIntervals = [TimeSpan.FromSeconds(10)] };
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("t", QoS1);
        Connect("publisher").Publish("t", "1", QoS1);
        subscriber.ReceiveOnly("t", "1");

        Advance(120);

        subscriber.ExpectNothing();
    }

    [Theory, Versions]
    public void What_is_not_acknowledged_for_too_long_is_given_up_and_makes_room(MqttProtocolVersion version)
    {
        WithBroker = options => options with { InFlightExpiry = TimeSpan.FromSeconds(30), Limits = options.Limits with { InFlightMaximum = 1, InFlightMaximum3 = 1 } };
        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("t", QoS1);
        var publisher = Connect("publisher");
        publisher.Publish("t", "1", QoS1);
        publisher.Publish("t", "2", QoS1);
        subscriber.ReceiveOnly("t", "1");
        Advance(29.5);
        subscriber.ExpectNothing();

        Advance(31);

        subscriber.Receive("t", "2");
        Broker.Statistics.Dropped(DropCause.Expired).Should().Be(1);
    }

    // --- How long a message is kept at most

    [Theory, Versions]
    public void A_message_that_waits_longer_than_any_is_kept_is_let_go(MqttProtocolVersion version)
    {
        WithBroker = options => options with { MaximumMessageExpiry = TimeSpan.FromSeconds(60) };
        var subscriber = Resume("subscriber", version);
        subscriber.Subscribe("t", QoS1);
        subscriber.Cut();
        var publisher = Connect("publisher");
        publisher.Publish("t", "forever", QoS1);
        publisher.Publish("t", "an hour", QoS1, with: packet => packet.MessageExpiryInterval = 3600);
        Advance(30);
        publisher.Publish("t", "later", QoS1);
        Advance(30);

        Resume("subscriber", version).Receive("t", "later");

        Broker.Statistics.Dropped(DropCause.Expired).Should().Be(2);
    }

    [Fact]
    [Spec(V5, "3.3.2-6")]
    public void The_expiry_that_subscribers_are_told_is_the_publishers_and_nobodys_else()
    {
        WithBroker = options => options with { MaximumMessageExpiry = TimeSpan.FromSeconds(60) };
        var subscriber = Resume("subscriber");
        subscriber.Subscribe("t", QoS1);
        subscriber.Cut();
        var publisher = Connect("publisher");
        publisher.Publish("t", "forever", QoS1);
        publisher.Publish("t", "an hour", QoS1, with: packet => packet.MessageExpiryInterval = 3600);
        Advance(10);

        subscriber = Resume("subscriber");

        subscriber.Receive("t", "forever").MessageExpiryInterval.Should().BeNull();
        subscriber.Receive("t", "an hour").MessageExpiryInterval.Should().Be(3590);
    }

    [Fact]
    public void A_retained_message_is_kept_no_longer_either_and_a_restart_begins_it_anew()
    {
        WithBroker = options => options with { MaximumMessageExpiry = TimeSpan.FromSeconds(60) };
        var publisher = Connect("publisher", with: packet => packet.Will = new() { Topic = "will", Payload = "gone"u8.ToArray(), Retain = true });
        publisher.Publish("t", "kept", QoS1, retain: true);
        publisher.Cut();
        Advance(HasStore ? 55 : 59);
        Connect("early").Subscribe("#");
        Broker.Retained.Count.Should().BeGreaterThanOrEqualTo(2);
        if (HasStore)
        {
            Harness.Restart();
            Advance(59);
        }

        var early = Connect("early");
        early.Subscribe("t");
        early.Receive("t", "kept").MessageExpiryInterval.Should().BeNull();
        Advance(1);
        var late = Connect("late");
        late.Subscribe("t");
        late.Subscribe("will");

        late.ExpectNothing();
    }

    // --- Queues

    [Theory, Versions]
    public void QoS_0_waits_for_a_session_without_a_connection_if_it_shall(MqttProtocolVersion version)
    {
        WithBroker = options => options with { Limits = options.Limits with { QueueQoS0 = true, QueueCount = 3 } };
        var subscriber = Resume("subscriber", version);
        subscriber.Subscribe("t", QoS1);
        subscriber.Cut();
        var publisher = Connect("publisher");
        publisher.Publish("t", "1");
        publisher.Publish("t", "2", QoS1);
        publisher.Publish("t", "3");
        publisher.Publish("t", "4", QoS1);

        subscriber = Resume("subscriber", version);

        subscriber.Receive("t", "2");
        subscriber.Receive("t", "3").QualityOfService.Should().Be(QoS0);
        subscriber.Receive("t", "4");
        Broker.Statistics.Dropped(DropCause.QueueFull).Should().Be(1, "the oldest of QoS 0 made room");
    }

    [Theory]
    [InlineData(QueuePolicy.DropNewest, "2 3 4 5")]
    [InlineData(QueuePolicy.DropOldest, "3 4 5 6")]
    [InlineData(QueuePolicy.RefuseNewest, "0 1 2 3")]
    public void A_full_queue_lets_go_what_its_policy_says(QueuePolicy policy, string left)
    {
        WithBroker = options => options with { Limits = options.Limits with { QueueQoS0 = true, QueueCount = 4, QueuePolicy = policy } };
        var subscriber = Resume("subscriber");
        subscriber.Subscribe("t", QoS1);
        subscriber.Cut();
        var publisher = Connect("publisher");
        publisher.Publish("t", "0", QoS1, with: packet => packet.MessageExpiryInterval = 5);
        publisher.Publish("t", "1");
        publisher.Publish("t", "2", QoS1);
        publisher.Publish("t", "3", QoS1);
        Advance(policy == QueuePolicy.RefuseNewest ? 0 : 10);
        publisher.Publish("t", "4", QoS1);
        publisher.Publish("t", "5", QoS1);
        publisher.Publish("t", "6", QoS1);

        subscriber = Resume("subscriber");

        foreach (var payload in left.Split(' '))
            subscriber.Receive("t", payload);
        subscriber.ExpectNothing();
    }

    // --- Overlapping subscriptions

    [Fact]
    [Spec(V5, "3.3.4-5")]
    public void Each_overlapping_subscription_can_have_a_copy_with_its_own_QoS_and_identifier()
    {
        WithBroker = options => options with { CopyPerSubscription = true };
        var subscriber = Connect("subscriber");
        subscriber.Subscribe([new("a/#", QoS0)], identifier: 1);
        subscriber.Subscribe([new("a/+", QoS2)], identifier: 2);
        subscriber.Subscribe([new("a/b", QoS1)]);

        Connect("publisher").Publish("a/b", "message", QoS2);

        List<(QualityOfService, string)> copies = [];
        for (var i = 0; i < 3; i++)
        {
            var copy = subscriber.ReceiveOnly("a/b", "message");
            copies.Add((copy.QualityOfService, string.Join(' ', copy.SubscriptionIdentifiers)));
        }

        subscriber.ExpectNothing();
        copies.Should().BeEquivalentTo([(QoS0, "1"), (QoS2, "2"), (QoS1, "")]);
    }

    // --- A slow store

    [Theory, Versions(Only3 = true)]
    public void A_3_client_that_publishes_faster_than_the_store_commits_is_not_read_and_loses_nothing(MqttProtocolVersion version)
    {
        WithBroker = options => options with { Limits = options.Limits with { ReceiveMaximum = 10 } };
        var subscriber = Resume("durable");
        subscriber.Subscribe("t", QoS1);
        subscriber.Cut();
        var publisher = Connect("publisher", version);
        Harness.CommitsWhenIdle = false;
        for (var i = 0; i < 100; i++)
            publisher.SendPublish("t", $"{i}", QoS1);
        Run();

        Harness.CommitsWhenIdle = true;

        for (var i = 1; i <= 100; i++)
            publisher.Expect<PubAckPacket>().PacketId.Should().Be((ushort)i);
        publisher.ExpectNothing();
        subscriber = Resume("durable");
        for (var i = 0; i < 100; i++)
            subscriber.Receive("t", $"{i}");
    }

    [Theory, Versions(Only3 = true)]
    public void The_same_holds_at_QoS_2(MqttProtocolVersion version)
    {
        WithBroker = options => options with { Limits = options.Limits with { ReceiveMaximum = 10 } };
        Resume("durable").Subscribe("t", QoS2);
        var publisher = Connect("publisher", version);
        Harness.CommitsWhenIdle = false;
        for (var i = 0; i < 100; i++)
            publisher.SendPublish("t", $"{i}", QoS2);
        Run();

        Harness.CommitsWhenIdle = true;

        for (var i = 1; i <= 100; i++)
            publisher.Expect<PubRecPacket>().PacketId.Should().Be((ushort)i);
        publisher.ExpectNothing();
    }

    [Theory, Versions(Only3 = true)]
    public void A_3_client_that_is_not_read_for_the_stores_sake_can_go(MqttProtocolVersion version)
    {
        WithBroker = options => options with { Limits = options.Limits with { ReceiveMaximum = 10 } };
        Resume("durable").Subscribe("t", QoS1);
        var publisher = Connect("publisher", version);
        Harness.CommitsWhenIdle = false;
        for (var i = 0; i < 100; i++)
            publisher.SendPublish("t", $"{i}", QoS1);
        Run();

        var again = Open(version);
        again.Send(new ConnectPacket { Version = version, ClientId = "publisher", KeepAliveSeconds = 0 });
        Run();
        Harness.CommitsWhenIdle = true;

        again.Expect<ConnAckPacket>().ReasonCode.Should().Be(ReasonCode.Success);
        publisher.Cut();
        Broker.SessionCount.Should().Be(2);
    }
}
