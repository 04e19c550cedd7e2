namespace Mqtt.Broker.Tests;

public abstract class SubscribeTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : SubscribeTests(StoreKind.None);

    public sealed class WithMemoryStore() : SubscribeTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : SubscribeTests(StoreKind.SlowCommit);

    [Theory, Versions]
    [Spec(V311, "2.3.1-7")]
    [Spec(V311, "3.8.4-1")]
    [Spec(V311, "3.8.4-2")]
    [Spec(V311, "3.8.4-4")]
    [Spec(V311, "3.8.4-5")]
    [Spec(V311, "3.9.3-1")]
    [Spec(V5, "2.2.1-6")]
    [Spec(V5, "3.8.4-1")]
    [Spec(V5, "3.8.4-2")]
    [Spec(V5, "3.8.4-5")]
    [Spec(V5, "3.8.4-6")]
    [Spec(V5, "3.8.4-7")]
    [Spec(V5, "3.9.3-1")]
    [Spec(V5, "3.9.3-2")]
    public void SUBACK_says_for_each_filter_in_order_what_was_granted(MqttProtocolVersion version)
    {
        var client = Connect("client", version);

        client.Send(new SubscribePacket { PacketId = 0xABCD, Subscriptions = [new("a", QoS1), new("b/+", QoS0), new("#", QoS2), new("a", QoS2)] });

        var answer = client.Expect<SubAckPacket>();
        answer.PacketId.Should().Be(0xABCD);
        answer.ReasonCodes.Should().Equal(ReasonCode.GrantedQoS1, ReasonCode.GrantedQoS0, ReasonCode.GrantedQoS2, ReasonCode.GrantedQoS2);
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V310, ReasonCode.GrantedQoS0)]
    [InlineData(MqttProtocolVersion.V311, ReasonCode.UnspecifiedError)]
    [Spec(V311, "3.9.3-2")]
    [Spec(V311, "3.8.4-5")]
    public void A_filter_that_is_refused_says_so_in_the_words_of_its_version_and_the_others_hold(MqttProtocolVersion version, ReasonCode refusal)
    {
        var client = Connect("client", version);

        client.Subscribe([new("a", QoS1), new("$share/group", QoS1), new("c", QoS1)]).ReasonCodes
            .Should().Equal(ReasonCode.GrantedQoS1, refusal, ReasonCode.GrantedQoS1);

        var publisher = Connect("publisher");
        publisher.Publish("group", "no");
        publisher.Publish("c", "yes");
        client.Receive("c", "yes");
        client.ExpectNothing();
    }

    [Theory, Versions]
    public void A_client_that_subscribes_and_then_publishes_reaches_itself(MqttProtocolVersion version)
    {
        var client = Connect("client", version);
        client.Send(new SubscribePacket { PacketId = 1, Subscriptions = [new("t", QoS1)] });
        client.SendPublish("t", "own", QoS1);

        client.Expect<SubAckPacket>();
        var packets = (MqttPacket[])[client.Expect<MqttPacket>(), client.Expect<MqttPacket>()];
        packets.Select(packet => packet.Type).Should().BeEquivalentTo([MqttPacketType.Publish, MqttPacketType.PubAck]);
    }

    // --- Wildcards

    [Theory]
    [InlineData("sport/#", "sport", true)]
    [InlineData("sport/#", "sport/tennis/player1/ranking", true)]
    [InlineData("sport/#", "sports", false)]
    [InlineData("#", "a/b", true)]
    [InlineData("#", "/", true)]
    [InlineData("+", "finance", true)]
    [InlineData("+", "/finance", false)]
    [InlineData("/+", "/finance", true)]
    [InlineData("+/+", "/finance", true)]
    [InlineData("sport/+", "sport", false)]
    [InlineData("sport/+", "sport/", true)]
    [InlineData("+/tennis/#", "sport/tennis", true)]
    [InlineData("sport/+/player1", "sport/tennis/player1", true)]
    [InlineData("sport/+/player1", "sport/tennis/player2", false)]
    [InlineData("a/b", "a/b/", false)]
    [InlineData("ACCOUNTS", "Accounts", false)]
    [InlineData("a b", "a b", true)]
    [InlineData("#", "$aws/things", false)]
    [InlineData("+/things", "$aws/things", false)]
    [InlineData("$aws/#", "$aws/things", true)]
    [InlineData("$aws/+", "$aws/things", true)]
    [Spec(V311, "4.7.1-2")]
    [Spec(V311, "4.7.1-3")]
    [Spec(V311, "4.7.2-1")]
    [Spec(V311, "4.7.3-4")]
    [Spec(V311, "3.3.2-3")]
    [Spec(V5, "4.7.1-1")]
    [Spec(V5, "4.7.1-2")]
    [Spec(V5, "4.7.2-1")]
    [Spec(V5, "4.7.3-4")]
    [Spec(V5, "3.3.2-3")]
    public void Messages_and_retained_messages_reach_the_filters_that_match_their_topic(string filter, string topic, bool matches)
    {
        var publisher = Connect("publisher");
        publisher.Publish(topic, "retained", retain: true);
        var subscriber = Connect("subscriber");
        subscriber.Subscribe(filter, QoS1);
        if (matches)
            subscriber.Receive(topic, "retained");

        publisher.Publish(topic, "live", QoS1);

        if (matches)
            subscriber.Receive(topic, "live");
        subscriber.ExpectNothing();
    }

    [Fact]
    public void Names_with_very_many_levels_are_matched()
    {
        var topic = string.Join('/', Enumerable.Repeat("a", 30_000));
        var subscriber = Connect("subscriber");
        subscriber.Subscribe([new(topic), new("#"), new("+/#")], identifier: 1);

        Connect("publisher").Publish(topic, "deep");

        subscriber.Receive(topic, "deep");
    }

    // --- Several subscriptions that match

    [Theory, Versions]
    [Spec(V311, "3.3.5-1")]
    [Spec(V5, "3.3.4-2")]
    public void Overlapping_subscriptions_bring_one_copy_at_the_highest_QoS(MqttProtocolVersion version)
    {
        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe([new("a/#", QoS0), new("a/+", QoS2), new("a/b", QoS1)]);

        Connect("publisher").Publish("a/b", "message", QoS2);

        subscriber.Receive("a/b", "message").QualityOfService.Should().Be(QoS2);
        subscriber.ExpectNothing();
    }

    [Fact]
    [Spec(V5, "3.3.4-3")]
    [Spec(V5, "3.3.4-4")]
    public void The_one_copy_carries_the_identifiers_of_all_subscriptions_that_match()
    {
        var subscriber = Connect("subscriber");
        subscriber.Subscribe([new("a/#")], identifier: 1);
        subscriber.Subscribe([new("a/+", QoS1)], identifier: 268_435_455);
        subscriber.Subscribe([new("a/b")]);
        subscriber.Subscribe([new("+/b")], identifier: 1);
        subscriber.Subscribe([new("other")], identifier: 99);
        var publisher = Connect("publisher");

        foreach (var quality in (QualityOfService[])[QoS0, QoS1, QoS2])
        {
            publisher.Publish("a/b", "message", quality);
            subscriber.Receive("a/b", "message").SubscriptionIdentifiers.Should().BeEquivalentTo([1u, 1u, 268_435_455u]);
        }
    }

    [Fact]
    [Spec(V5, "3.3.4-3")]
    public void A_retained_message_carries_the_identifier_of_the_subscription_that_brings_it()
    {
        Connect("publisher").Publish("t", "kept", QoS1, retain: true);
        var subscriber = Connect("subscriber");

        subscriber.Subscribe([new("t", QoS1)], identifier: 42);

        subscriber.Receive("t", "kept").SubscriptionIdentifiers.Should().Equal(42u);
    }

    [Fact]
    public void Identifiers_stay_with_messages_that_wait()
    {
        var subscriber = Resume("subscriber");
        subscriber.Subscribe([new("t", QoS1)], identifier: 7);
        subscriber.Cut();
        Connect("publisher").Publish("t", "message", QoS1);

        Resume("subscriber").Receive("t", "message").SubscriptionIdentifiers.Should().Equal(7u);
    }

    [Fact]
    [Spec(V5, "3.3.4-6")]
    public void A_client_must_not_publish_a_subscription_identifier()
    {
        var client = Connect("client");

        client.SendBytes(0x30, 6, 0, 1, (byte)'t', 2, 11, 1);

        client.ExpectGoodbye(ReasonCode.ProtocolError);
    }

    // --- Options

    [Fact]
    [Spec(V5, "3.8.3-3")]
    public void No_Local_keeps_a_clients_own_messages_away_from_it_and_nobody_else()
    {
        var client = Connect("client");
        client.Subscribe([new("t", QoS1) { NoLocal = true }]);
        var other = Connect("other");
        other.Subscribe("t", QoS1);

        client.Publish("t", "own", QoS1);
        client.ExpectNothing();
        other.Receive("t", "own");
        Connect("publisher").Publish("t", "foreign", QoS1);

        client.Receive("t", "foreign");
        other.Receive("t", "foreign");
    }

    [Fact]
    public void No_Local_takes_only_its_own_subscription_out_of_several()
    {
        var client = Connect("client");
        client.Subscribe([new("t", QoS2) { NoLocal = true }], identifier: 1);
        client.Subscribe([new("#", QoS1)], identifier: 2);

        client.SendPublish("t", "own", QoS2);

        var message = client.Expect<MqttPacket>() as PublishPacket ?? client.Expect<PublishPacket>();
        message.QualityOfService.Should().Be(QoS1);
        message.SubscriptionIdentifiers.Should().Equal(2u);
    }

    [Fact]
    public void No_Local_holds_over_reconnects_since_it_goes_by_the_client_identifier()
    {
        var client = Resume("client");
        client.Subscribe([new("t", QoS1) { NoLocal = true }]);
        client.Cut();

        client = Resume("client");
        client.Publish("t", "own", QoS1);

        client.ExpectNothing();
    }

    [Fact]
    [Spec(V5, "3.3.1-12")]
    [Spec(V5, "3.3.1-13")]
    [Spec(V311, "3.3.1-9")]
    public void RETAIN_reaches_established_subscriptions_only_with_Retain_As_Published()
    {
        var plain = Connect("plain");
        plain.Subscribe("t");
        var old = Connect("old", MqttProtocolVersion.V311);
        old.Subscribe("t");
        var keeping = Connect("keeping");
        keeping.Subscribe([new("t") { RetainAsPublished = true }]);
        var publisher = Connect("publisher");

        publisher.Publish("t", "retained", retain: true);
        publisher.Publish("t", "plain");

        plain.Receive("t", "retained").Retain.Should().BeFalse();
        plain.Receive("t", "plain").Retain.Should().BeFalse();
        old.Receive("t", "retained").Retain.Should().BeFalse();
        keeping.Receive("t", "retained").Retain.Should().BeTrue();
        keeping.Receive("t", "plain").Retain.Should().BeFalse();
    }

    [Fact]
    public void RETAIN_is_kept_if_any_of_several_subscriptions_keeps_it()
    {
        var client = Connect("client");
        client.Subscribe([new("t", QoS2), new("+", QoS0) { RetainAsPublished = true }]);

        Connect("publisher").Publish("t", "message", QoS2, retain: true);

        client.Receive("t", "message").Retain.Should().BeTrue();
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V310)]
    [InlineData(MqttProtocolVersion.V311)]
    public void A_bridge_of_3_gets_RETAIN_as_published_and_never_its_own_messages(MqttProtocolVersion version)
    {
        var bridge = Connect("bridge", version, packet => packet.IsBridge = true);
        bridge.Subscribe("#", QoS2);
        var plain = Connect("plain", version);
        plain.Subscribe("#", QoS2);

        var publisher = Connect("publisher", version);

        bridge.Publish("t", "own", QoS1, retain: true);
        publisher.Publish("t", "foreign", QoS1, retain: true);
        publisher.Publish("t", "passing");

        bridge.Receive("t", "foreign").Retain.Should().BeTrue();
        bridge.Receive("t", "passing").Retain.Should().BeFalse();
        bridge.ExpectNothing();
        plain.Receive("t", "own").Retain.Should().BeFalse();
        plain.Receive("t", "foreign").Retain.Should().BeFalse();
    }

    [Fact]
    public void A_bridge_of_3_is_a_member_of_a_shared_subscription_like_any_other()
    {
        var bridge = Connect("bridge", MqttProtocolVersion.V311, packet => packet.IsBridge = true);
        bridge.Subscribe("$share/group/t", QoS1);

        bridge.SendPublish("t", "own", retain: true);

        bridge.Receive("t", "own").Retain.Should().BeTrue();
    }

    // --- Replacing and ending

    [Theory, Versions]
    [Spec(V311, "3.8.4-3")]
    [Spec(V5, "3.8.4-3")]
    public void A_second_subscription_to_the_same_filter_replaces_the_first(MqttProtocolVersion version)
    {
        var client = Connect("client", version);
        client.Subscribe("t", QoS2);
        client.Subscribe("t", QoS0);

        Connect("publisher").Publish("t", "message", QoS2);

        client.Receive("t", "message").QualityOfService.Should().Be(QoS0);
        client.ExpectNothing();
    }

    [Fact]
    [Spec(V5, "3.8.4-3")]
    public void Replacing_a_subscription_replaces_its_options_and_its_identifier()
    {
        var client = Connect("client");
        client.Subscribe([new("t", QoS1) { NoLocal = true, RetainAsPublished = true }], identifier: 1);
        client.Subscribe([new("t", QoS1)], identifier: 2);

        client.SendPublish("t", "own", retain: true);
        var message = client.Receive("t", "own");
        message.Retain.Should().BeFalse();
        message.SubscriptionIdentifiers.Should().Equal(2u);

        client.Subscribe([new("t", QoS1)]);
        client.Receive("t", "own");
        Connect("publisher").Publish("t", "message");
        client.Receive("t", "message").SubscriptionIdentifiers.Should().BeEmpty();
    }

    [Theory, Versions]
    [Spec(V5, "3.8.4-4")]
    public void Replacing_a_subscription_loses_no_message(MqttProtocolVersion version)
    {
        var client = Connect("client", version);
        client.Subscribe("t", QoS1);
        var publisher = Connect("publisher");

        publisher.SendPublish("t", "before", QoS1);
        client.Send(new SubscribePacket { PacketId = 77, Subscriptions = [new("t", QoS1)] });
        publisher.SendPublish("t", "after", QoS1);

        var received = Enumerable.Range(0, 3).Select(_ => client.Expect<MqttPacket>()).OfType<PublishPacket>().Count();
        received.Should().Be(2);
    }

    [Theory, Versions]
    [Spec(V311, "2.3.1-7")]
    [Spec(V311, "3.10.4-1")]
    [Spec(V311, "3.10.4-2")]
    [Spec(V311, "3.10.4-4")]
    [Spec(V311, "3.10.4-5")]
    [Spec(V311, "3.10.4-6")]
    [Spec(V5, "2.2.1-6")]
    [Spec(V5, "3.10.4-1")]
    [Spec(V5, "3.10.4-2")]
    [Spec(V5, "3.10.4-4")]
    [Spec(V5, "3.10.4-5")]
    [Spec(V5, "3.10.4-6")]
    [Spec(V5, "3.11.3-1")]
    [Spec(V5, "3.11.3-2")]
    public void UNSUBSCRIBE_ends_exactly_the_filters_it_names_and_is_always_answered(MqttProtocolVersion version)
    {
        var client = Connect("client", version);
        client.Subscribe([new("a/+"), new("b"), new("c")]);

        var answer = client.Unsubscribe("a/b", "b", "unknown", "B", "a/+");

        if (version == MqttProtocolVersion.V500)
        {
            answer.ReasonCodes.Should().Equal(
                ReasonCode.NoSubscriptionExisted, ReasonCode.Success, ReasonCode.NoSubscriptionExisted, ReasonCode.NoSubscriptionExisted, ReasonCode.Success);
        }

        var publisher = Connect("publisher");
        foreach (var topic in (string[])["a/b", "b", "c"])
            publisher.Publish(topic, "message");
        client.Receive("c", "message");
        client.ExpectNothing();
    }

    [Theory, Versions]
    [Spec(V311, "3.10.4-3")]
    [Spec(V5, "3.10.4-3")]
    public void After_UNSUBSCRIBE_what_was_begun_is_completed(MqttProtocolVersion version)
    {
        var client = Resume("client", version);
        client.Subscribe("t", QoS2);
        Connect("publisher").Publish("t", "one", QoS1);
        Connect("publisher").Publish("t", "two", QoS2);
        var one = client.Expect<PublishPacket>();
        var two = client.Expect<PublishPacket>();

        client.Unsubscribe("t");
        client.Cut();
        client = Resume("client", version);

        client.Receive("t", "one").PacketId.Should().Be(one.PacketId);
        client.Receive("t", "two").PacketId.Should().Be(two.PacketId);
    }

    [Theory, Versions]
    public void An_ended_subscription_is_ended_after_a_restart_too(MqttProtocolVersion version)
    {
        var client = Resume("client", version);
        client.Subscribe([new("a", QoS1), new("b", QoS1)]);
        client.Unsubscribe("a");
        client.Cut();

        Harness.Restart();

        client = Resume("client", version);
        var publisher = Connect("publisher");
        publisher.Publish("a", "message", QoS1);
        publisher.Publish("b", "message", QoS1);
        if (HasStore)
            client.Receive("b", "message");
        client.ExpectNothing();
    }

    [Fact]
    public void Subscription_options_and_identifiers_hold_after_a_restart()
    {
        if (!HasStore)
            return;
        var client = Resume("client");
        client.Subscribe([new("t", QoS1) { RetainAsPublished = true }], identifier: 5);
        client.Subscribe([new("own", QoS1) { NoLocal = true }]);
        client.Cut();

        Harness.Restart();

        client = Resume("client");
        client.Publish("own", "message", QoS1);
        Connect("publisher").Publish("t", "message", QoS2, retain: true);
        var message = client.Receive("t", "message");
        message.QualityOfService.Should().Be(QoS1);
        message.Retain.Should().BeTrue();
        message.SubscriptionIdentifiers.Should().Equal(5u);
        client.ExpectNothing();
    }
}
