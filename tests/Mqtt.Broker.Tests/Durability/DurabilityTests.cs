namespace Mqtt.Broker.Tests;

/// <summary>The promise: an answer leaves only after the commit of what it asserts. And what asserts nothing durable never waits.</summary>
public sealed class DurabilityTests() : BrokerTests(StoreKind.SlowCommit)
{
    private ManualCommitStore Store => (ManualCommitStore)Harness.Store!;

    [Theory, Versions]
    public void CONNACK_leaves_when_the_kept_session_is_safe(MqttProtocolVersion version)
    {
        var client = Open(version);
        Hold();

        client.Send(Durable("client", version));

        client.ExpectNothing();
        Commit();
        client.Expect<ConnAckPacket>();
    }

    [Theory, Versions]
    public void CONNACK_leaves_when_the_deletion_of_the_old_session_is_safe(MqttProtocolVersion version)
    {
        Resume("client", version).Cut();
        var client = Open(version);
        Hold();

        client.Send(new ConnectPacket { Version = version, ClientId = "client" });

        client.ExpectNothing();
        Commit();
        client.Expect<ConnAckPacket>().SessionPresent.Should().BeFalse();
    }

    [Theory, Versions]
    public void CONNACK_of_a_session_that_ends_with_its_connection_does_not_wait(MqttProtocolVersion version)
    {
        var client = Open(version);
        Hold();

        client.Connect(new ConnectPacket { Version = version, ClientId = "client" }).ReasonCode.Should().Be(ReasonCode.Success);
    }

    [Theory, Versions]
    public void SUBACK_and_UNSUBACK_leave_when_the_change_is_safe(MqttProtocolVersion version)
    {
        var client = Resume("client", version);
        Hold();

        client.Send(new SubscribePacket { PacketId = 1, Subscriptions = [new("a"), new("b")] });
        client.ExpectNothing();
        Store.Commit(1);
        client.ExpectNothing();
        Store.Commit(1);
        client.Expect<SubAckPacket>().PacketId.Should().Be(1);

        client.Send(new UnsubscribePacket { PacketId = 2, Filters = ["a"] });
        client.ExpectNothing();
        Commit();
        client.Expect<UnsubAckPacket>().PacketId.Should().Be(2);
    }

    [Theory, Versions]
    public void A_client_whose_session_ends_with_its_connection_does_not_wait_for_its_subscriptions(MqttProtocolVersion version)
    {
        var client = Connect("client", version);
        Hold();

        client.Subscribe("a");
        client.Unsubscribe("a");
    }

    [Theory, Versions]
    public void A_client_that_waits_keeps_nobody_else_waiting(MqttProtocolVersion version)
    {
        var waiting = Resume("waiting", version);
        var other = Connect("other", version);
        Hold();
        waiting.Send(new SubscribePacket { PacketId = 1, Subscriptions = [new("a")] });
        waiting.Send(new PingReqPacket());
        waiting.ExpectNothing();

        other.Subscribe("t", QoS1);
        other.SendPublish("t", "message", QoS0);
        other.Receive("t", "message");

        Commit();
        waiting.Expect<SubAckPacket>();
        waiting.Expect<PingRespPacket>();
    }

    [Theory, Versions]
    [Spec(V311, "4.3.2-2")]
    [Spec(V5, "4.3.2-4")]
    public void PUBACK_leaves_when_every_durable_session_has_the_message_and_it_is_retained(MqttProtocolVersion version)
    {
        Resume("one", version).Subscribe("t", QoS1);
        Resume("two", version).Subscribe("t", QoS1);
        var publisher = Connect("publisher", version);
        Hold();

        publisher.SendPublish("t", "message", QoS1, retain: true);

        for (var writes = Store.Waiting.Count(write => !write.StartsWith("set state", StringComparison.Ordinal)); writes > 0; writes--)
        {
            publisher.ExpectNothing();
            Store.Commit(1);
        }

        Commit();
        publisher.Expect<PubAckPacket>();
    }

    [Theory, Versions]
    public void A_message_that_touches_nothing_durable_never_waits(MqttProtocolVersion version)
    {
        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("t", QoS2);
        var publisher = Connect("publisher", version);
        Hold();

        publisher.Publish("t", "one", QoS1);
        subscriber.Receive("t", "one");
        publisher.Publish("t", "two", QoS2);
        subscriber.Receive("t", "two");

        Store.Waiting.Should().BeEmpty();
    }

    [Theory, Versions]
    public void A_retained_message_is_acknowledged_when_it_is_safe_and_so_is_its_end(MqttProtocolVersion version)
    {
        var publisher = Connect("publisher", version);
        Hold();

        foreach (var payload in (string[])["kept", ""])
        {
            publisher.SendPublish("t", payload, QoS1, retain: true);
            publisher.ExpectNothing();
            Commit();
            publisher.Expect<PubAckPacket>();
        }
    }

    [Theory, Versions]
    [Spec(V311, "4.3.3-2")]
    [Spec(V5, "4.3.3-8")]
    public void PUBREC_and_PUBCOMP_leave_when_the_message_and_the_identifier_are_safe(MqttProtocolVersion version)
    {
        Resume("subscriber", version).Subscribe("t", QoS2);
        var publisher = Resume("publisher", version);
        Hold();

        var packet = publisher.SendPublish("t", "message", QoS2);
        publisher.ExpectNothing();
        Commit();
        publisher.Expect<PubRecPacket>();

        publisher.Send(new PubRelPacket { PacketId = packet.PacketId });
        publisher.ExpectNothing();
        Commit();
        publisher.Expect<PubCompPacket>().PacketId.Should().Be(packet.PacketId);
    }

    [Theory, Versions]
    public void A_repeated_QoS_2_message_is_acknowledged_when_all_that_was_written_before_is_safe(MqttProtocolVersion version)
    {
        var publisher = Resume("publisher", version);
        var message = new PublishPacket { Topic = "t", Payload = "message"u8.ToArray(), QualityOfService = QoS2, PacketId = 7 };
        publisher.Send(message);
        publisher.Expect<PubRecPacket>();
        Hold();

        message.Duplicate = true;
        publisher.Send(message);

        publisher.ExpectNothing();
        Commit();
        publisher.Expect<PubRecPacket>().PacketId.Should().Be(7);
    }

    [Theory, Versions]
    public void A_QoS_2_PUBLISH_to_a_durable_session_leaves_when_its_identifier_is_safe_and_PUBREL_when_PUBREC_is(MqttProtocolVersion version)
    {
        var subscriber = Resume("subscriber", version);
        subscriber.Subscribe("t", QoS2);
        var publisher = Connect("publisher", version);
        Hold();

        publisher.SendPublish("t", "message", QoS2);
        subscriber.ExpectNothing();
        Commit();
        var message = subscriber.ReceiveOnly("t", "message");

        subscriber.Send(new PubRecPacket { PacketId = message.PacketId });
        subscriber.ExpectNothing();
        Commit();
        subscriber.Expect<PubRelPacket>();
    }

    [Theory, Versions]
    public void A_QoS_2_retained_message_to_a_durable_session_waits_as_well(MqttProtocolVersion version)
    {
        Connect("publisher").Publish("t", "kept", QoS2, retain: true);
        var subscriber = Resume("subscriber", version);
        Hold();
        subscriber.Send(new SubscribePacket { PacketId = 1, Subscriptions = [new("t", QoS2)] });
        Run();
        Commit();
        subscriber.Expect<SubAckPacket>();

        subscriber.ExpectNothing();
        Commit();

        subscriber.ReceiveOnly("t", "kept");
    }

    [Fact]
    [Spec(V5, "3.3.2-5")]
    public void A_QoS_2_message_whose_time_runs_out_before_its_identifier_is_safe_is_never_sent()
    {
        var subscriber = Resume("subscriber", with: packet => packet.ReceiveMaximum = 1);
        subscriber.Subscribe("t", QoS2);
        var publisher = Connect("publisher");
        Hold();
        publisher.SendPublish("t", "short", QoS2, with: packet => packet.MessageExpiryInterval = 2);
        publisher.SendPublish("t", "long", QoS2);
        Advance(3);

        Commit();
        Commit();

        subscriber.ReceiveOnly("t", "long");
        subscriber.ExpectNothing();
    }

    [Theory, Versions]
    public void SUBACK_comes_before_its_retained_messages_also_while_other_answers_wait(MqttProtocolVersion version)
    {
        Connect("publisher").Publish("t", "kept", QoS0, retain: true);
        var client = Connect("client", version);
        Hold();
        client.SendPublish("other", "message", QoS1, retain: true);

        client.Send(new SubscribePacket { PacketId = 60_000, Subscriptions = [new("t")] });

        client.Expect<SubAckPacket>();
        client.Receive("t", "kept");
        client.ExpectNothing();
        Commit();
        client.Expect<PubAckPacket>();
    }

    [Fact]
    [Spec(V5, "4.6.0-5")]
    public void QoS_2_messages_stay_in_order_when_the_session_is_no_longer_to_outlive_its_connection()
    {
        Resume("subscriber").Subscribe("t", QoS2);
        var publisher = Connect("publisher");
        Resume("subscriber").Cut();
        publisher.Publish("t", "stored", QoS2);
        Hold();
        var subscriber = Open();
        subscriber.Send(new ConnectPacket { ClientId = "subscriber", CleanStart = false, KeepAliveSeconds = 0 });
        Commit();
        subscriber.Expect<ConnAckPacket>();

        publisher.Publish("t", "not stored", QoS2);

        subscriber.ExpectNothing();
        Commit();
        subscriber.ReceiveOnly("t", "stored");
        subscriber.ReceiveOnly("t", "not stored");
    }

    [Theory, Versions]
    public void QoS_2_messages_stay_in_order_when_a_commit_overtakes_them(MqttProtocolVersion version)
    {
        var subscriber = Resume("subscriber", version);
        subscriber.Subscribe("t", QoS2);
        var publisher = Connect("publisher", version);
        Hold();

        for (var i = 0; i < 10; i++)
        {
            publisher.SendPublish("t", $"{i}", QoS2);
            Run();
            if (i % 3 == 2)
                Store.Commit(2);
        }

        while (Commit())
        {
        }

        for (var i = 0; i < 10; i++)
            subscriber.ReceiveOnly("t", $"{i}");
    }

    [Theory, Versions]
    [Spec(V311, "4.6.0-2")]
    [Spec(V5, "4.6.0-2")]
    public void Acknowledgements_stay_in_order_while_some_wait(MqttProtocolVersion version)
    {
        Resume("durable", version).Subscribe("durable", QoS1);
        var publisher = Connect("publisher", version);
        Hold();

        var packets = (PublishPacket[])[
            publisher.SendPublish("volatile", "0", QoS1),
            publisher.SendPublish("durable", "1", QoS1),
            publisher.SendPublish("volatile", "2", QoS2),
            publisher.SendPublish("volatile", "3", QoS1),
            publisher.SendPublish("durable", "4", QoS2),
            publisher.SendPublish("volatile", "5", QoS1)];
        publisher.Send(new PingReqPacket());

        publisher.Expect<PubAckPacket>().PacketId.Should().Be(packets[0].PacketId);
        publisher.Expect<PingRespPacket>();
        publisher.ExpectNothing();
        Store.Commit(1);
        publisher.Expect<PubAckPacket>().PacketId.Should().Be(packets[1].PacketId);
        publisher.Expect<PubRecPacket>().PacketId.Should().Be(packets[2].PacketId);
        publisher.Expect<PubAckPacket>().PacketId.Should().Be(packets[3].PacketId);
        publisher.ExpectNothing();
        Commit();
        publisher.Expect<PubRecPacket>().PacketId.Should().Be(packets[4].PacketId);
        publisher.Expect<PubAckPacket>().PacketId.Should().Be(packets[5].PacketId);
    }

    [Theory, Versions]
    public void Whoever_goes_while_an_answer_waits_costs_nothing(MqttProtocolVersion version)
    {
        Resume("durable", version).Subscribe("t", QoS2);
        var publisher = Resume("publisher", version);
        var subscribing = Resume("subscribing", version);
        var connecting = Open(version);
        Hold();
        publisher.SendPublish("t", "message", QoS2);
        subscribing.Send(new SubscribePacket { PacketId = 1, Subscriptions = [new("t")] });
        connecting.Send(Durable("connecting", version));
        Run();

        publisher.Cut();
        subscribing.Cut();
        connecting.Cut();
        Harness.CommitsWhenIdle = true;
        Run();

        Resume("publisher", version).ExpectNothing();
        Resume("connecting", version).ExpectNothing();
    }

    [Theory, Versions]
    public void Two_CONNECTs_of_one_client_wait_one_after_the_other(MqttProtocolVersion version)
    {
        Hold();
        var first = Open(version);
        first.Send(Durable("client", version));
        Run();
        var second = Open(version);
        second.Send(Durable("client", version));

        second.ExpectNothing();
        Harness.CommitsWhenIdle = true;
        first.Expect<ConnAckPacket>();
        second.Expect<ConnAckPacket>().SessionPresent.Should().Be(version != MqttProtocolVersion.V310);
        first.ExpectGoodbye(ReasonCode.SessionTakenOver);
        Broker.SessionCount.Should().Be(1);
    }

    private void Hold()
    {
        Run();
        Harness.CommitsWhenIdle = false;
    }

    private bool Commit()
    {
        Run();
        var committed = BrokerHarness.Quietly(Store.Commit);
        Run();
        return committed;
    }

    private static ConnectPacket Durable(string clientId, MqttProtocolVersion version)
    {
        var packet = new ConnectPacket { Version = version, ClientId = clientId, CleanStart = false, KeepAliveSeconds = 0 };
        if (version == MqttProtocolVersion.V500)
            packet.SessionExpiryInterval = Hour;
        return packet;
    }
}
