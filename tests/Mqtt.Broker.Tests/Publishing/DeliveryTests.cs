using Mqtt.Server.Broker;

namespace Mqtt.Broker.Tests;

/// <summary>From the broker to a client: QoS, identifiers, windows, redelivery.</summary>
public abstract class DeliveryTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : DeliveryTests(StoreKind.None);

    public sealed class WithMemoryStore() : DeliveryTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : DeliveryTests(StoreKind.SlowCommit);

    [Theory, Versions]
    [Spec(V311, "3.8.4-6")]
    [Spec(V5, "3.8.4-8")]
    public void The_QoS_of_a_delivery_is_the_lower_of_what_was_published_and_what_was_granted(MqttProtocolVersion version)
    {
        var publisher = Connect("publisher", version);
        foreach (var granted in (QualityOfService[])[QoS0, QoS1, QoS2])
        {
            var subscriber = Connect($"subscriber{granted}", version);
            subscriber.Subscribe("t", granted);
            foreach (var published in (QualityOfService[])[QoS0, QoS1, QoS2])
            {
                publisher.Publish("t", "message", published);
                subscriber.Receive("t", "message").QualityOfService.Should().Be((QualityOfService)Math.Min((int)granted, (int)published));
            }

            subscriber.Disconnect();
        }
    }

    [Theory, Versions]
    [Spec(V311, "2.3.1-1")]
    [Spec(V311, "2.3.1-4")]
    [Spec(V311, "4.3.2-1")]
    [Spec(V311, "4.3.3-1")]
    [Spec(V5, "2.2.1-4")]
    [Spec(V5, "4.3.2-1")]
    [Spec(V5, "4.3.3-1")]
    public void Every_message_in_flight_has_an_identifier_of_its_own_that_is_not_0(MqttProtocolVersion version)
    {
        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("t", QoS2);
        var publisher = Connect("publisher", version);
        var inFlight = new List<PublishPacket>();

        for (var i = 0; i < 50; i++)
        {
            publisher.Publish("t", $"{i}", i % 2 == 0 ? QoS1 : QoS2);
            inFlight.Add(subscriber.ReceiveOnly("t", $"{i}"));
            if (i % 3 == 0)
            {
                subscriber.Acknowledge(inFlight[0]);
                inFlight.RemoveAt(0);
            }
        }

        inFlight.Select(message => message.PacketId).Should().OnlyHaveUniqueItems().And.NotContain((ushort)0);
    }

    // --- Redelivery

    [Theory, Versions]
    [Spec(V311, "2.3.1-4")]
    [Spec(V311, "3.3.1-1")]
    [Spec(V311, "4.3.2-1")]
    [Spec(V311, "4.4.0-1")]
    [Spec(V311, "4.6.0-1")]
    [Spec(V5, "3.3.1-1")]
    [Spec(V5, "4.3.2-3")]
    [Spec(V5, "4.3.3-3")]
    [Spec(V5, "4.4.0-1")]
    [Spec(V5, "4.6.0-1")]
    public void What_was_not_acknowledged_comes_again_after_a_reconnect_with_DUP_in_order_under_its_old_identifiers(MqttProtocolVersion version)
    {
        var subscriber = Resume("subscriber", version);
        subscriber.Subscribe("t", QoS2);
        var publisher = Connect("publisher", version);
        var sent = new List<PublishPacket>();
        for (var i = 0; i < 8; i++)
        {
            publisher.Publish("t", $"{i}", i % 2 == 0 ? QoS1 : QoS2);
            sent.Add(subscriber.ReceiveOnly("t", $"{i}"));
        }

        subscriber.Acknowledge(sent[2]);
        subscriber.Acknowledge(sent[3]);
        subscriber.Cut();
        publisher.Publish("t", "new", QoS1);
        subscriber = Resume("subscriber", version);

        foreach (var i in (int[])[0, 1, 4, 5, 6, 7])
        {
            var again = subscriber.ReceiveOnly("t", $"{i}");
            again.PacketId.Should().Be(sent[i].PacketId);
            again.Duplicate.Should().BeTrue();
            again.QualityOfService.Should().Be(sent[i].QualityOfService);
        }

        var last = subscriber.Receive("t", "new");
        last.Duplicate.Should().BeFalse();
        sent.Select(message => message.PacketId).Except([sent[2].PacketId, sent[3].PacketId]).Should().NotContain(last.PacketId);
    }

    [Theory, Versions]
    [Spec(V311, "4.3.3-1")]
    [Spec(V311, "4.4.0-1")]
    [Spec(V5, "4.3.3-4")]
    [Spec(V5, "4.3.3-5")]
    [Spec(V5, "4.3.3-6")]
    [Spec(V5, "4.4.0-1")]
    [Spec(V5, "3.6.2-1")]
    public void After_PUBREC_only_PUBREL_is_sent_again(MqttProtocolVersion version)
    {
        var subscriber = Resume("subscriber", version);
        subscriber.Subscribe("t", QoS2);
        Connect("publisher", version).Publish("t", "message", QoS2);
        var message = subscriber.ReceiveOnly("t", "message");
        subscriber.Send(new PubRecPacket { PacketId = message.PacketId });
        subscriber.Expect<PubRelPacket>().PacketId.Should().Be(message.PacketId);
        subscriber.Cut();

        subscriber = Resume("subscriber", version);
        subscriber.Expect<PubRelPacket>().PacketId.Should().Be(message.PacketId);
        subscriber.Send(new PubCompPacket { PacketId = message.PacketId });
        subscriber.ExpectNothing();
        subscriber.Cut();

        Resume("subscriber", version).ExpectNothing();
    }

    [Theory, Versions]
    [Spec(V311, "4.6.0-4")]
    [Spec(V5, "4.6.0-4")]
    public void PUBRELs_leave_in_the_order_of_their_PUBRECs(MqttProtocolVersion version)
    {
        var subscriber = Resume("subscriber", version);
        subscriber.Subscribe("t", QoS2);
        var publisher = Connect("publisher", version);
        var messages = new List<PublishPacket>();
        for (var i = 0; i < 4; i++)
        {
            publisher.Publish("t", $"{i}", QoS2);
            messages.Add(subscriber.ReceiveOnly("t", $"{i}"));
        }

        int[] order = [2, 0, 3, 1];
        foreach (var i in order)
            subscriber.Send(new PubRecPacket { PacketId = messages[i].PacketId });
        foreach (var i in order)
            subscriber.Expect<PubRelPacket>().PacketId.Should().Be(messages[i].PacketId);
        subscriber.Cut();

        subscriber = Resume("subscriber", version);
        foreach (var i in order)
            subscriber.Expect<PubRelPacket>().PacketId.Should().Be(messages[i].PacketId);
    }

    [Theory, Versions]
    public void PUBREC_that_comes_twice_is_answered_twice(MqttProtocolVersion version)
    {
        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("t", QoS2);
        Connect("publisher", version).Publish("t", "message", QoS2);
        var message = subscriber.ReceiveOnly("t", "message");

        for (var i = 0; i < 2; i++)
        {
            subscriber.Send(new PubRecPacket { PacketId = message.PacketId });
            subscriber.Expect<PubRelPacket>().ReasonCode.Should().Be(ReasonCode.Success);
        }
    }

    [Theory, Versions]
    public void Nothing_is_sent_again_on_a_living_connection(MqttProtocolVersion version)
    {
        var subscriber = Resume("subscriber", version);
        subscriber.Subscribe("t", QoS2);
        Connect("publisher", version).Publish("t", "message", QoS2);
        subscriber.ReceiveOnly("t", "message");

        Advance(600);

        subscriber.ExpectNothing();
    }

    [Theory]
    [InlineData(QoS1)]
    [InlineData(QoS2)]
    [Spec(V5, "4.4.0-2")]
    public void A_message_that_the_client_refuses_is_done_with(QualityOfService quality)
    {
        var subscriber = Resume("subscriber");
        subscriber.Subscribe("t", QoS2);
        Connect("publisher").Publish("t", "message", quality);
        var message = subscriber.ReceiveOnly("t", "message");

        subscriber.Send(quality == QoS1
            ? new PubAckPacket { PacketId = message.PacketId, ReasonCode = ReasonCode.QuotaExceeded }
            : new PubRecPacket { PacketId = message.PacketId, ReasonCode = ReasonCode.QuotaExceeded });

        subscriber.ExpectNothing();
        subscriber.Cut();
        Resume("subscriber").ExpectNothing();
    }

    // --- Windows

    [Fact]
    [Spec(V5, "3.3.4-9")]
    [Spec(V5, "3.3.4-10")]
    [Spec(V5, "4.9.0-1")]
    [Spec(V5, "4.9.0-2")]
    [Spec(V5, "4.9.0-3")]
    public void A_client_never_has_more_unacknowledged_than_its_Receive_Maximum_and_is_answered_all_the_same()
    {
        var subscriber = Resume("subscriber", with: packet => packet.ReceiveMaximum = 3);
        subscriber.Subscribe("t", QoS2);
        var publisher = Connect("publisher");
        for (var i = 0; i < 8; i++)
            publisher.Publish("t", $"{i}", i % 2 == 0 ? QoS1 : QoS2);
        var messages = Enumerable.Range(0, 3).Select(i => subscriber.ReceiveOnly("t", $"{i}")).ToList();
        subscriber.ExpectNothing();

        subscriber.Send(new PingReqPacket());
        subscriber.Expect<PingRespPacket>();
        subscriber.Send(new PubRecPacket { PacketId = messages[1].PacketId });
        subscriber.Expect<PubRelPacket>();
        subscriber.ExpectNothing();

        subscriber.Send(new PubCompPacket { PacketId = messages[1].PacketId });
        subscriber.ReceiveOnly("t", "3");
        subscriber.ExpectNothing();
        subscriber.Send(new PubAckPacket { PacketId = messages[0].PacketId });
        subscriber.ReceiveOnly("t", "4");
        subscriber.ExpectNothing();
    }

    [Fact]
    public void A_PUBREC_that_refuses_gives_room_in_the_window()
    {
        var subscriber = Connect("subscriber", with: packet => packet.ReceiveMaximum = 1);
        subscriber.Subscribe("t", QoS2);
        var publisher = Connect("publisher");
        publisher.Publish("t", "1", QoS2);
        publisher.Publish("t", "2", QoS2);

        subscriber.Send(new PubRecPacket { PacketId = subscriber.ReceiveOnly("t", "1").PacketId, ReasonCode = ReasonCode.UnspecifiedError });

        subscriber.Receive("t", "2");
    }

    [Theory, Versions(Only3 = true)]
    public void A_3_client_has_at_most_the_configured_number_in_flight(MqttProtocolVersion version)
    {
        WithBroker = options => options with { Limits = new() { InFlightMaximum3 = 2 } };
        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("t", QoS1);
        var publisher = Connect("publisher", version);
        for (var i = 0; i < 4; i++)
            publisher.Publish("t", $"{i}", QoS1);

        var first = subscriber.ReceiveOnly("t", "0");
        subscriber.ReceiveOnly("t", "1");
        subscriber.ExpectNothing();
        subscriber.Acknowledge(first);
        subscriber.ReceiveOnly("t", "2");
        subscriber.ExpectNothing();
    }

    [Fact]
    public void The_brokers_own_bound_holds_if_the_client_takes_more()
    {
        WithBroker = options => options with { Limits = new() { InFlightMaximum = 1 } };
        var subscriber = Connect("subscriber", with: packet => packet.ReceiveMaximum = 100);
        subscriber.Subscribe("t", QoS1);
        var publisher = Connect("publisher");
        publisher.Publish("t", "1", QoS1);
        publisher.Publish("t", "2", QoS1);

        var message = subscriber.ReceiveOnly("t", "1");
        subscriber.ExpectNothing();
        subscriber.Acknowledge(message);
        subscriber.Receive("t", "2");
    }

    [Fact]
    [Spec(V5, "4.9.0-2")]
    public void Redelivery_obeys_a_smaller_window_of_the_new_connection_and_comes_before_anything_new()
    {
        var subscriber = Resume("subscriber");
        subscriber.Subscribe("t", QoS1);
        var publisher = Connect("publisher");
        for (var i = 0; i < 4; i++)
        {
            publisher.Publish("t", $"{i}", QoS1);
            subscriber.ReceiveOnly("t", $"{i}");
        }

        subscriber.Cut();
        publisher.Publish("t", "new", QoS1);
        subscriber = Resume("subscriber", with: packet => packet.ReceiveMaximum = 2);

        for (var i = 0; i < 4; i += 2)
        {
            var first = subscriber.ReceiveOnly("t", $"{i}");
            var second = subscriber.ReceiveOnly("t", $"{i + 1}");
            subscriber.ExpectNothing();
            subscriber.Send(new PubAckPacket { PacketId = first.PacketId });
            subscriber.Send(new PubAckPacket { PacketId = second.PacketId });
        }

        subscriber.Receive("t", "new");
    }

    [Fact]
    public void QoS_0_may_overtake_while_the_window_is_used_up()
    {
        var subscriber = Connect("subscriber", with: packet => packet.ReceiveMaximum = 1);
        subscriber.Subscribe("t", QoS1);
        var publisher = Connect("publisher");
        publisher.Publish("t", "1", QoS1);
        publisher.Publish("t", "2", QoS1);
        publisher.Publish("t", "3", QoS0);

        var first = subscriber.ReceiveOnly("t", "1");
        subscriber.Receive("t", "3");
        subscriber.Acknowledge(first);
        subscriber.Receive("t", "2");
    }

    // --- Acknowledgements that match nothing

    [Theory, Versions]
    public void PUBACK_and_PUBCOMP_for_unknown_identifiers_are_ignored(MqttProtocolVersion version)
    {
        var client = Connect("client", version);

        client.Send(new PubAckPacket { PacketId = 3 });
        client.Send(new PubCompPacket { PacketId = 3 });

        client.ExpectNothing();
    }

    [Theory, Versions]
    public void PUBREC_for_an_unknown_identifier_is_answered_by_PUBREL(MqttProtocolVersion version)
    {
        var client = Connect("client", version);

        client.Send(new PubRecPacket { PacketId = 3 });

        var answer = client.Expect<PubRelPacket>();
        answer.PacketId.Should().Be(3);
        answer.ReasonCode.Should().Be(version == MqttProtocolVersion.V500 ? ReasonCode.PacketIdentifierNotFound : ReasonCode.Success);
    }

    [Theory, Versions]
    public void An_acknowledgement_of_the_wrong_kind_is_a_protocol_error(MqttProtocolVersion version)
    {
        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("t", QoS2);
        Connect("publisher").Publish("t", "message", QoS2);
        var message = subscriber.ReceiveOnly("t", "message");

        subscriber.Send(new PubAckPacket { PacketId = message.PacketId });

        subscriber.ExpectGoodbye(ReasonCode.ProtocolError);
    }

    // --- Large amounts

    [Theory, Versions]
    public void Of_QoS_0_beyond_the_outbox_the_newest_are_lost_and_each_is_counted(MqttProtocolVersion version)
    {
        WithServer = options => options with { Limits = options.Limits with { OutboxBytes = 64 * 1024 } };
        ConnectionBytes = 64 * 1024;
        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("t");
        var publisher = Connect("publisher");

        for (var i = 0; i < 100; i++)
            publisher.Publish("t", $"{i} {new string('x', 10_000)}");

        var dropped = (int)Broker.Statistics.Dropped(DropCause.OutboxFull);
        dropped.Should().BeGreaterThan(0);
        for (var i = 0; i < 100 - dropped; i++)
            subscriber.Receive("t", $"{i} {new string('x', 10_000)}");
        subscriber.ExpectNothing();
    }

    [Theory, Versions]
    public void A_client_that_does_not_read_loses_QoS_0_beyond_its_outbox_and_nothing_else(MqttProtocolVersion version)
    {
        WithServer = options => options with { Limits = options.Limits with { OutboxBytes = 64 * 1024 } };
        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("t", QoS1);
        var publisher = Connect("publisher");
        var large = new string('x', 1000 * 1000);

        for (var i = 0; i < 10; i++)
        {
            publisher.Publish("t", $"{i}{large}", QoS0);
            publisher.Publish("t", $"{i}{large}", QoS1);
        }

        for (var i = 0; i < 10; i++)
        {
            var message = subscriber.Expect<PublishPacket>();
            while (message.QualityOfService == QoS0)
                message = subscriber.Expect<PublishPacket>();
            message.Payload.Span[0].Should().Be((byte)('0' + i));
            subscriber.Acknowledge(message);
        }

        Broker.Statistics.Dropped(DropCause.OutboxFull).Should().BeGreaterThan(0);
        Broker.Statistics.Dropped(DropCause.QueueFull).Should().Be(0);
    }

    [Theory, Versions]
    public void More_retained_messages_of_QoS_0_than_the_outbox_takes_all_arrive(MqttProtocolVersion version)
    {
        WithServer = options => options with { Limits = options.Limits with { OutboxBytes = 16 * 1024 } };
        var publisher = Connect("publisher");
        for (var i = 0; i < 100; i++)
            publisher.Publish($"retained/{i}", new string('x', 10_000), retain: true);
        var subscriber = Connect("subscriber", version);

        subscriber.Subscribe("retained/#");

        for (var i = 0; i < 100; i++)
            subscriber.Expect<PublishPacket>().Retain.Should().BeTrue();
        subscriber.ExpectNothing();
    }
}
