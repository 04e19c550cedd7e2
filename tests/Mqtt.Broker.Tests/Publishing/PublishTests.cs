using Mqtt.Server.Broker;

namespace Mqtt.Broker.Tests;

/// <summary>From a client to the broker: acknowledgements, duplicates, limits.</summary>
public abstract class PublishTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : PublishTests(StoreKind.None);

    public sealed class WithMemoryStore() : PublishTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : PublishTests(StoreKind.SlowCommit);

    [Theory, Versions]
    [Spec(V311, "2.3.1-5")]
    [Spec(V5, "2.2.1-2")]
    [Spec(V311, "3.3.4-1")]
    [Spec(V5, "3.3.4-1")]
    [Spec(V311, "4.3.1-1")]
    [Spec(V5, "4.3.1-1")]
    public void QoS_0_is_not_acknowledged_and_delivered(MqttProtocolVersion version)
    {
        var subscriber = Subscriber(version);
        var publisher = Connect("publisher", version);

        publisher.Publish("t", "message");

        publisher.ExpectNothing();
        var message = subscriber.Receive("t", "message");
        message.QualityOfService.Should().Be(QoS0);
        message.Duplicate.Should().BeFalse();
        message.PacketId.Should().Be(0);
    }

    [Theory, Versions]
    [Spec(V311, "2.3.1-6")]
    [Spec(V311, "3.3.4-1")]
    [Spec(V311, "4.3.2-2")]
    [Spec(V5, "2.2.1-5")]
    [Spec(V5, "3.3.4-1")]
    [Spec(V5, "3.4.2-1")]
    [Spec(V5, "4.3.2-4")]
    public void QoS_1_is_acknowledged_by_PUBACK_with_its_identifier(MqttProtocolVersion version)
    {
        var subscriber = Subscriber(version);
        var publisher = Connect("publisher", version);

        publisher.Send(new PublishPacket { Topic = "t", Payload = "message"u8.ToArray(), QualityOfService = QoS1, PacketId = 4711 });

        var acknowledged = publisher.Expect<PubAckPacket>();
        acknowledged.PacketId.Should().Be(4711);
        acknowledged.ReasonCode.Should().Be(ReasonCode.Success);
        acknowledged.Frame.Length.Should().Be(4);
        subscriber.Receive("t", "message");
    }

    [Theory, Versions]
    [Spec(V311, "2.3.1-6")]
    [Spec(V311, "3.3.4-1")]
    [Spec(V311, "4.3.3-2")]
    [Spec(V5, "2.2.1-5")]
    [Spec(V5, "3.3.4-1")]
    [Spec(V5, "3.5.2-1")]
    [Spec(V5, "3.7.2-1")]
    [Spec(V5, "4.3.3-8")]
    [Spec(V5, "4.3.3-11")]
    public void QoS_2_is_acknowledged_by_PUBREC_and_PUBCOMP_with_its_identifier(MqttProtocolVersion version)
    {
        var subscriber = Subscriber(version);
        var publisher = Connect("publisher", version);

        publisher.Send(new PublishPacket { Topic = "t", Payload = "message"u8.ToArray(), QualityOfService = QoS2, PacketId = 65_535 });
        publisher.Expect<PubRecPacket>().PacketId.Should().Be(65_535);
        publisher.Send(new PubRelPacket { PacketId = 65_535 });
        var completed = publisher.Expect<PubCompPacket>();

        completed.PacketId.Should().Be(65_535);
        completed.ReasonCode.Should().Be(ReasonCode.Success);
        subscriber.Receive("t", "message");
        subscriber.ExpectNothing();
    }

    [Theory, Versions]
    public void A_publisher_is_told_that_nobody_subscribes_if_its_version_has_a_word_for_it(MqttProtocolVersion version)
    {
        var publisher = Connect("publisher", version);
        var expected = version == MqttProtocolVersion.V500 ? ReasonCode.NoMatchingSubscribers : ReasonCode.Success;

        publisher.Publish("t", "message", QoS1).Should().Be(expected);
        publisher.Publish("t", "message", QoS2).Should().Be(expected);
    }

    [Theory, Versions]
    [Spec(V311, "4.3.3-2")]
    [Spec(V5, "4.3.3-10")]
    public void A_QoS_2_message_that_comes_again_before_PUBREL_is_acknowledged_again_and_not_delivered_again(MqttProtocolVersion version)
    {
        var subscriber = Subscriber(version);
        var publisher = Connect("publisher", version);
        var packet = publisher.SendPublish("t", "message", QoS2);
        publisher.Expect<PubRecPacket>();

        packet.Duplicate = true;
        publisher.Send(packet);
        publisher.Expect<PubRecPacket>().PacketId.Should().Be(packet.PacketId);
        publisher.Send(new PubRelPacket { PacketId = packet.PacketId });
        publisher.Expect<PubCompPacket>();

        subscriber.Receive("t", "message");
        subscriber.ExpectNothing();
    }

    [Theory, Versions]
    [Spec(V311, "4.3.3-2")]
    [Spec(V5, "4.3.3-10")]
    public void A_QoS_2_identifier_is_remembered_over_the_end_of_the_connection(MqttProtocolVersion version)
    {
        var subscriber = Subscriber(version);
        var publisher = Resume("publisher", version);
        var packet = publisher.SendPublish("t", "message", QoS2);
        publisher.Expect<PubRecPacket>();
        publisher.Cut();

        publisher = Resume("publisher", version);
        packet.Duplicate = true;
        publisher.Send(packet);
        publisher.Expect<PubRecPacket>();
        publisher.Send(new PubRelPacket { PacketId = packet.PacketId });
        publisher.Expect<PubCompPacket>().ReasonCode.Should().Be(ReasonCode.Success);

        subscriber.Receive("t", "message");
        subscriber.ExpectNothing();
    }

    [Theory, Versions]
    [Spec(V5, "4.3.3-12")]
    public void After_PUBCOMP_the_same_identifier_is_a_new_message(MqttProtocolVersion version)
    {
        var subscriber = Subscriber(version);
        var publisher = Connect("publisher", version);

        foreach (var payload in (string[])["first", "second"])
        {
            publisher.Publish("t", payload, QoS2, with: packet => packet.PacketId = 5);
            subscriber.Receive("t", payload);
        }
    }

    [Theory, Versions]
    [Spec(V5, "4.3.2-5")]
    public void After_PUBACK_the_same_identifier_is_a_new_message_whatever_DUP_says(MqttProtocolVersion version)
    {
        var subscriber = Subscriber(version);
        var publisher = Connect("publisher", version);

        publisher.Publish("t", "first", QoS1, with: packet => packet.PacketId = 5);
        publisher.Publish("t", "second", QoS1, with: packet => (packet.PacketId, packet.Duplicate) = (5, true));

        subscriber.Receive("t", "first");
        subscriber.Receive("t", "second");
    }

    [Theory, Versions]
    [Spec(V311, "3.3.1-3")]
    [Spec(V311, "3.3.1-2")]
    [Spec(V5, "3.3.1-3")]
    [Spec(V5, "3.3.1-2")]
    [Spec(V5, "4.3.2-2")]
    [Spec(V5, "4.3.3-2")]
    public void DUP_of_a_publisher_is_not_passed_on(MqttProtocolVersion version)
    {
        var subscriber = Subscriber(version);
        var publisher = Connect("publisher", version);

        publisher.Publish("t", "one", QoS1, with: packet => packet.Duplicate = true);
        publisher.Publish("t", "two", QoS2, with: packet => packet.Duplicate = true);

        subscriber.Receive("t", "one").Duplicate.Should().BeFalse();
        subscriber.Receive("t", "two").Duplicate.Should().BeFalse();
    }

    [Theory, Versions]
    [Spec(V5, "4.3.3-11")]
    public void PUBREL_for_an_unknown_identifier_is_answered_by_PUBCOMP(MqttProtocolVersion version)
    {
        var client = Connect("client", version);

        client.Send(new PubRelPacket { PacketId = 9 });

        var completed = client.Expect<PubCompPacket>();
        completed.PacketId.Should().Be(9);
        completed.ReasonCode.Should().Be(version == MqttProtocolVersion.V500 ? ReasonCode.PacketIdentifierNotFound : ReasonCode.Success);
    }

    [Theory, Versions]
    [Spec(V311, "4.6.0-5")]
    [Spec(V311, "4.6.0-6")]
    [Spec(V5, "4.6.0-5")]
    [Spec(V5, "4.6.0-6")]
    [Spec(V5, "4.6.0-2")]
    [Spec(V5, "4.6.0-3")]
    [Spec(V311, "4.6.0-2")]
    [Spec(V311, "4.6.0-3")]
    public void Messages_and_their_acknowledgements_keep_their_order(MqttProtocolVersion version)
    {
        var subscriber = Subscriber(version);
        var publisher = Connect("publisher", version);
        var sent = new List<PublishPacket>();
        for (var i = 0; i < 60; i++)
            sent.Add(publisher.SendPublish("t", $"{i}", (QualityOfService)(i % 3)));

        foreach (var packet in sent.Where(packet => packet.QualityOfService != QoS0))
        {
            if (packet.QualityOfService == QoS1)
                publisher.Expect<PubAckPacket>().PacketId.Should().Be(packet.PacketId);
            else
                publisher.Expect<PubRecPacket>().PacketId.Should().Be(packet.PacketId);
        }

        var received = Enumerable.Range(0, 60).Select(_ => subscriber.Expect<PublishPacket>()).ToLookup(message => message.QualityOfService, TextOf);
        foreach (var quality in (QualityOfService[])[QoS0, QoS1, QoS2])
            received[quality].Should().Equal(sent.Where(packet => packet.QualityOfService == quality).Select(TextOf));
    }

    // --- What is refused

    [Theory]
    [InlineData("$SYS")]
    [InlineData("$SYS/broker/load")]
    [InlineData("$share/group/t")]
    public void A_topic_that_clients_must_not_write_is_refused_in_5(string topic)
    {
        var watcher = Connect("watcher");
        watcher.Subscribe([new("$SYS/#", QoS2), new("$SYS", QoS2)]);
        var publisher = Connect("publisher");

        publisher.Publish(topic, "message", retain: true);
        publisher.Publish(topic, "message", QoS1).Should().Be(ReasonCode.TopicNameInvalid);
        publisher.Publish(topic, "message", QoS2).Should().Be(ReasonCode.TopicNameInvalid);

        publisher.ExpectNothing();
        watcher.ExpectNothing();
        Broker.RetainedCount.Should().Be(0);
    }

    [Theory, Versions(Only3 = true)]
    [Spec(V311, "3.3.5-2")]
    public void A_topic_that_clients_must_not_write_is_acknowledged_and_dropped_in_3(MqttProtocolVersion version)
    {
        var watcher = Connect("watcher");
        watcher.Subscribe("$SYS/#", QoS2);
        var publisher = Connect("publisher", version);

        publisher.Publish("$SYS/a", "message", QoS1, retain: true);
        publisher.Publish("$SYS/a", "message", QoS2);

        watcher.ExpectNothing();
        Broker.RetainedCount.Should().Be(0);
    }

    [Fact]
    [Spec(V5, "3.1.2-29")]
    public void A_client_that_wants_no_problem_information_gets_none_on_acknowledgements()
    {
        var client = Connect("client", with: packet => packet.RequestProblemInformation = false);

        client.SendPublish("$SYS/a", "refused", QoS1);
        client.Expect<PubAckPacket>().Properties.IsEmpty.Should().BeTrue();
        client.SendPublish("$SYS/a", "refused", QoS2);
        client.Expect<PubRecPacket>().Properties.IsEmpty.Should().BeTrue();
        client.Subscribe("$share/g/t").Properties.IsEmpty.Should().BeTrue();
        client.Unsubscribe("none").Properties.IsEmpty.Should().BeTrue();
    }

    [Fact]
    [Spec(V5, "4.3.3-9")]
    public void After_a_PUBREC_that_refuses_the_identifier_is_free()
    {
        var subscriber = Subscriber();
        var publisher = Connect("publisher");
        publisher.Publish("$SYS/a", "refused", QoS2, with: packet => packet.PacketId = 5);

        publisher.Publish("t", "message", QoS2, with: packet => packet.PacketId = 5);

        subscriber.Receive("t", "message");
    }

    [Theory, Versions]
    public void Other_topics_that_begin_with_a_dollar_pass(MqttProtocolVersion version)
    {
        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("$aws/#", QoS1);

        Connect("publisher", version).Publish("$aws/things", "message", QoS1);

        subscriber.Receive("$aws/things", "message");
    }

    // --- Receive Maximum

    [Fact]
    [Spec(V5, "3.3.4-7")]
    public void More_unreleased_QoS_2_messages_than_Receive_Maximum_are_an_error()
    {
        WithBroker = options => options with { Limits = new() { ReceiveMaximum = 3 } };
        var publisher = Connect("publisher");
        for (var i = 0; i < 3; i++)
        {
            publisher.SendPublish("t", "message", QoS2);
            publisher.Expect<PubRecPacket>();
        }

        publisher.SendPublish("t", "one too many", QoS2);

        publisher.ExpectGoodbye(ReasonCode.ReceiveMaximumExceeded);
    }

    [Theory, Versions(Only3 = true)]
    public void A_3_client_cannot_know_of_a_Receive_Maximum_and_may_leave_as_many_QoS_2_messages_unreleased_as_there_are_identifiers(MqttProtocolVersion version)
    {
        WithBroker = options => options with { Limits = new() { ReceiveMaximum = 3 } };
        var publisher = Connect("publisher", version);

        for (var i = 1; i <= ushort.MaxValue; i++)
            publisher.SendPublish("t", "", QoS2);

        for (var i = 1; i <= ushort.MaxValue; i++)
            publisher.Expect<PubRecPacket>().PacketId.Should().Be((ushort)i);
        publisher.ExpectNothing();
    }

    [Fact]
    public void Receive_Maximum_is_announced_and_every_PUBCOMP_and_PUBACK_gives_room()
    {
        WithBroker = options => options with { Limits = new() { ReceiveMaximum = 2 } };
        var publisher = Connect("publisher");
        publisher.Answer.ReceiveMaximum.Should().Be(2);

        for (var i = 0; i < 10; i++)
        {
            publisher.Publish("t", "message", QoS2);
            publisher.Publish("t", "message", QoS1);
        }

        publisher.ExpectNothing();
    }

    [Theory, Versions]
    public void A_client_that_uses_all_of_Receive_Maximum_with_both_QoS_breaks_no_rule(MqttProtocolVersion version)
    {
        WithBroker = options => options with { Limits = new() { ReceiveMaximum = 4 } };
        Resume("durable").Subscribe("t", QoS2);
        var publisher = Resume("publisher", version);
        var two = publisher.SendPublish("t", "1", QoS2);
        publisher.SendPublish("t", "2", QoS1);
        publisher.SendPublish("t", "3", QoS2);
        publisher.SendPublish("t", "4", QoS1);

        publisher.Expect<PubRecPacket>().PacketId.Should().Be(two.PacketId);
        publisher.Expect<PubAckPacket>();
        publisher.Expect<PubRecPacket>();
        publisher.Expect<PubAckPacket>();

        publisher.ExpectNothing();
    }

    [Fact]
    public void QoS_2_messages_of_an_earlier_connection_count_again_only_when_they_come_again()
    {
        WithBroker = options => options with { Limits = new() { ReceiveMaximum = 2 } };
        var publisher = Resume("publisher");
        var first = publisher.SendPublish("t", "1", QoS2);
        publisher.Expect<PubRecPacket>();
        publisher.SendPublish("t", "2", QoS2);
        publisher.Expect<PubRecPacket>();
        publisher.Cut();

        publisher = Resume("publisher");
        publisher.SendPublish("t", "3", QoS2, with: packet => packet.PacketId = 100);
        publisher.Expect<PubRecPacket>();
        publisher.Send(first);
        publisher.Expect<PubRecPacket>();
        publisher.SendPublish("t", "4", QoS2, with: packet => packet.PacketId = 101);

        publisher.ExpectGoodbye(ReasonCode.ReceiveMaximumExceeded);
    }

    // --- Topic aliases of clients

    [Fact]
    [Spec(V5, "3.3.2-12")]
    [Spec(V5, "3.1.2-27")]
    public void A_topic_alias_stands_for_its_topic_and_is_not_passed_on()
    {
        var subscriber = Subscriber();
        var publisher = Connect("publisher");

        for (ushort alias = 1; alias <= 16; alias++)
        {
            publisher.Publish($"topic/{alias}", "set", QoS1, with: packet => packet.TopicAlias = alias);
            publisher.Publish("", "used", QoS1, with: packet => packet.TopicAlias = alias);
            subscriber.Receive($"topic/{alias}", "set").TopicAlias.Should().BeNull();
            subscriber.Receive($"topic/{alias}", "used").TopicAlias.Should().BeNull();
        }
    }

    [Fact]
    public void A_topic_alias_can_be_given_to_another_topic()
    {
        var subscriber = Subscriber();
        var publisher = Connect("publisher");
        publisher.Publish("one", "1", with: packet => packet.TopicAlias = 1);
        publisher.Publish("two", "2", with: packet => packet.TopicAlias = 1);

        publisher.Publish("", "3", with: packet => packet.TopicAlias = 1);

        subscriber.Receive("one", "1");
        subscriber.Receive("two", "2");
        subscriber.Receive("two", "3");
    }

    [Fact]
    [Spec(V5, "3.3.2-9")]
    [Spec(V5, "3.2.2-17")]
    public void A_topic_alias_above_the_maximum_is_an_error()
    {
        var client = Connect("client");

        client.SendPublish("t", with: packet => packet.TopicAlias = 17);

        client.ExpectGoodbye(ReasonCode.TopicAliasInvalid);
    }

    [Fact]
    [Spec(V5, "3.3.2-8")]
    public void A_topic_alias_of_0_is_an_error()
    {
        var client = Connect("client");

        client.SendBytes(0x30, 7, 0, 1, (byte)'t', 3, 35, 0, 0);

        client.ExpectGoodbye(ReasonCode.TopicAliasInvalid);
    }

    [Fact]
    public void A_topic_alias_that_was_not_set_is_an_error()
    {
        var client = Connect("client");

        client.SendPublish("", with: packet => packet.TopicAlias = 3);

        client.ExpectGoodbye(ReasonCode.ProtocolError);
    }

    [Fact]
    [Spec(V5, "3.3.2-7")]
    public void A_topic_alias_does_not_outlive_the_connection()
    {
        var client = Resume("client");
        client.Publish("t", "set", with: packet => packet.TopicAlias = 3);
        client.Cut();

        client = Resume("client");
        client.SendPublish("", with: packet => packet.TopicAlias = 3);

        client.ExpectGoodbye(ReasonCode.ProtocolError);
    }

    [Fact]
    [Spec(V5, "3.2.2-18")]
    public void Without_a_topic_alias_maximum_every_alias_is_an_error()
    {
        WithBroker = options => options with { Limits = new() { TopicAliasMaximum = 0 } };
        var client = Connect("client");
        client.Answer.TopicAliasMaximum.Should().BeNull();

        client.SendPublish("t", with: packet => packet.TopicAlias = 1);

        client.ExpectGoodbye(ReasonCode.TopicAliasInvalid);
    }

    // --- What is malformed

    [Theory, Versions]
    [Spec(V311, "3.3.1-4")]
    [Spec(V5, "3.3.1-4")]
    [Spec(V5, "4.13.1-1")]
    [Spec(V311, "4.8.0-1")]
    public void A_malformed_packet_closes_the_connection_with_its_code_and_harms_nobody_else(MqttProtocolVersion version)
    {
        var other = Subscriber(version);
        var client = Connect("client", version);

        client.SendBytes(0x36, 3, 0, 1, (byte)'t');

        client.ExpectGoodbye(ReasonCode.MalformedPacket);
        other.ExpectNothing();
    }

    [Fact]
    public void A_packet_larger_than_the_broker_accepts_is_an_error_as_soon_as_its_length_is_known()
    {
        WithServer = options => options with { Limits = options.Limits with { MaximumPacketBytes = 1000 } };
        var client = Connect("client");

        client.SendBytes(0x30, 0xE8, 0x07);

        client.ExpectGoodbye(ReasonCode.PacketTooLarge);
    }

    private TestClient Subscriber(MqttProtocolVersion version = MqttProtocolVersion.V500)
    {
        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("#", QoS2);
        return subscriber;
    }

    private static string TextOf(PublishPacket packet) => System.Text.Encoding.UTF8.GetString(packet.Payload.Span);
}
