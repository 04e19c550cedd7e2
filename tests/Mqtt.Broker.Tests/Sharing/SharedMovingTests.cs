using Mqtt.Server.Broker;

namespace Mqtt.Broker.Tests;

/// <summary>What becomes of messages of a shared subscription whose member goes, or says no (section 4.8.2).</summary>
public abstract class SharedMovingTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : SharedMovingTests(StoreKind.None);

    public sealed class WithMemoryStore() : SharedMovingTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : SharedMovingTests(StoreKind.SlowCommit);

    [Theory, Versions]
    public void A_QoS_1_message_in_flight_goes_to_another_member_when_the_session_ends_with_its_connection(MqttProtocolVersion version)
    {
        var going = Member(Connect("going", version));
        var other = Member(Connect("other"));
        Publish(2, QoS1);
        going.ReceiveOnly("t", "0");
        other.Receive("t", "1");

        going.Cut();

        other.Receive("t", "0").Duplicate.Should().BeFalse("it is new to this one");
        other.ExpectNothing();
    }

    [Theory, Versions]
    public void A_QoS_1_message_in_flight_waits_for_its_member_while_the_session_lasts(MqttProtocolVersion version)
    {
        var going = Member(Resume("going", version));
        var other = Member(Connect("other"));
        Publish(2, QoS1);
        going.ReceiveOnly("t", "0");
        other.Receive("t", "1");

        going.Cut();

        other.ExpectNothing();
        Resume("going", version).Receive("t", "0").Duplicate.Should().BeTrue();
    }

    [Fact]
    public void A_QoS_1_message_in_flight_goes_to_another_member_when_the_session_expires()
    {
        var going = Member(Resume("going"));
        var other = Member(Connect("other"));
        Publish(2, QoS1);
        other.Receive("t", "1");
        going.Cut();

        Advance(Hour + 1);

        other.Receive("t", "0");
        Broker.SessionCount.Should().Be(2, "other and publisher");
    }

    [Fact]
    public void A_message_that_moves_takes_along_what_is_left_of_its_expiry()
    {
        var going = Member(Connect("going"));
        var other = Member(Connect("other"));
        Connect("publisher").Publish("t", "kept", QoS1, with: packet => packet.MessageExpiryInterval = 100);
        going.ReceiveOnly("t", "kept");
        Advance(30);

        going.Cut();

        other.Receive("t", "kept").MessageExpiryInterval.Should().Be(70);
    }

    [Fact]
    public void A_message_that_expires_before_it_moves_goes_to_nobody()
    {
        var going = Member(Connect("going"));
        var other = Member(Connect("other"));
        Connect("publisher").Publish("t", "expires", QoS1, with: packet => packet.MessageExpiryInterval = 10);
        going.ReceiveOnly("t", "expires");
        Advance(30);

        going.Cut();

        other.ExpectNothing();
        Broker.Statistics.Dropped(DropCause.Expired).Should().Be(1);
    }

    [Fact]
    public void A_QoS_1_message_in_flight_goes_to_another_member_when_the_client_begins_anew()
    {
        var going = Member(Resume("going"));
        var other = Member(Connect("other"));
        Publish(2, QoS1);
        other.Receive("t", "1");

        Connect("going").ExpectNothing();

        other.Receive("t", "0");
        going.ReceiveOnly("t", "0");
    }

    [Fact]
    public void By_choice_a_QoS_1_message_in_flight_moves_when_the_connection_is_lost_already()
    {
        WithBroker = options => options with { SharedMovesOnConnectionLoss = true };
        var going = Member(Resume("going"));
        var other = Member(Connect("other"));
        Publish(2, QoS1);
        other.Receive("t", "1");

        going.Cut();

        other.Receive("t", "0");
        Resume("going").ExpectNothing();
    }

    [Fact]
    public void With_that_choice_it_stays_if_nobody_else_is_there()
    {
        WithBroker = options => options with { SharedMovesOnConnectionLoss = true };
        Member(Resume("away")).Cut();
        var going = Member(Resume("going"));
        Publish(1, QoS1);
        var sent = going.ReceiveOnly("t", "0");

        going.Cut();

        Resume("away").ExpectNothing();
        var again = Resume("going").Receive("t", "0");
        again.PacketId.Should().Be(sent.PacketId);
        again.Duplicate.Should().BeTrue();
    }

    [Theory, Versions]
    [Spec(V5, "4.8.2-4")]
    public void A_QoS_2_message_that_was_sent_is_completed_with_its_member(MqttProtocolVersion version)
    {
        WithBroker = options => options with { SharedMovesOnConnectionLoss = true };
        var going = Member(Resume("going", version));
        var other = Member(Connect("other"));
        Publish(2, QoS2);
        var sent = going.ReceiveOnly("t", "0");
        other.Receive("t", "1");

        going.Cut();
        var back = Resume("going", version);

        var again = back.Receive("t", "0");
        again.PacketId.Should().Be(sent.PacketId);
        again.Duplicate.Should().BeTrue();
        other.ExpectNothing();
    }

    [Theory, Versions]
    [Spec(V5, "4.8.2-5")]
    public void A_QoS_2_message_that_was_sent_goes_to_nobody_else_when_the_session_ends(MqttProtocolVersion version)
    {
        var going = Member(Resume("going", version));
        var other = Member(Connect("other"));
        Publish(2, QoS2);
        going.ReceiveOnly("t", "0");
        other.Receive("t", "1");
        going.Cut();

        Connect("going", version);

        other.ExpectNothing();
    }

    [Theory, Versions]
    public void What_was_never_sent_moves_at_any_QoS_when_the_connection_is_lost(MqttProtocolVersion version)
    {
        WithBroker = options => options with { Limits = options.Limits with { InFlightMaximum3 = 1 } };
        var going = Member(Resume("going", version, Narrow));
        Publish(5, QoS2, QoS1);
        going.ReceiveOnly("t", "0");
        var other = Member(Connect("other"));

        going.Cut();

        other.ReceiveAll("t", "1", "2", "3", "4");
        Resume("going", version).Receive("t", "0");
    }

    [Theory, Versions]
    public void What_was_never_sent_moves_when_the_member_leaves_and_what_was_sent_is_completed(MqttProtocolVersion version)
    {
        WithBroker = options => options with { Limits = options.Limits with { InFlightMaximum3 = 1 } };
        var going = Member(Resume("going", version, Narrow));
        Publish(5, QoS1, QoS2);
        var sent = going.ReceiveOnly("t", "0");
        var other = Member(Connect("other"));

        going.Unsubscribe("$share/g/t");

        other.ReceiveAll("t", "1", "2", "3", "4");
        going.Acknowledge(sent);
        going.ExpectNothing();
    }

    [Fact]
    public void A_message_that_waits_moves_to_a_queue_if_nobody_is_connected()
    {
        Member(Resume("one")).Cut();
        Member(Resume("two")).Cut();
        Publish(4, QoS1, QoS2);

        Connect("one");

        Resume("two").ReceiveAll("t", "1", "3", "0", "2");
    }

    [Fact]
    public void The_groups_messages_die_with_its_last_member()
    {
        Member(Resume("only")).Cut();
        Publish(3, QoS1);

        Connect("only").ExpectNothing();

        Broker.Statistics.Dropped(DropCause.GroupEnded).Should().Be(3);
        Member(Connect("later")).ExpectNothing();
    }

    [Fact]
    public void Messages_do_not_pass_to_a_group_that_begins_again_under_the_same_name()
    {
        var member = Member(Resume("member", with: Narrow));
        Publish(3, QoS1);
        member.ReceiveOnly("t", "0");

        member.Unsubscribe("$share/g/t");
        Member(member);

        member.ExpectNothing();
        Broker.Statistics.Dropped(DropCause.GroupEnded).Should().Be(2);
    }

    [Theory]
    [InlineData(QualityOfService.AtLeastOnce)]
    [InlineData(QualityOfService.ExactlyOnce)]
    [Spec(V5, "4.8.2-6")]
    public void A_message_that_a_member_refuses_is_discarded(QualityOfService qualityOfService)
    {
        var refusing = Member(Resume("refusing"));
        var other = Member(Resume("other"));
        Publish(1, qualityOfService);
        var message = refusing.ReceiveOnly("t", "0");

        if (qualityOfService == QoS1)
            refusing.Send(new PubAckPacket { PacketId = message.PacketId, ReasonCode = ReasonCode.ImplementationSpecificError });
        else
            refusing.Send(new PubRecPacket { PacketId = message.PacketId, ReasonCode = ReasonCode.ImplementationSpecificError });
        Run();
        refusing.Cut();
        Connect("refusing");

        other.ExpectNothing();
        Connect("refusing").ExpectNothing();
    }

    [Fact]
    public void A_message_that_moves_comes_at_the_QoS_that_its_new_member_was_granted()
    {
        var going = Resume("going");
        going.Subscribe("$share/g/t", QoS1);
        Publish(1, QoS2);
        going.ReceiveOnly("t", "0").QualityOfService.Should().Be(QoS1);
        var other = Connect("other");
        other.Subscribe([new TopicSubscription("$share/g/t", QoS2)], 9);

        going.Cut();
        Connect("going");

        var message = other.Receive("t", "0");
        message.QualityOfService.Should().Be(QoS2);
        message.SubscriptionIdentifiers.Should().Equal(9u);
    }

    [Fact]
    public void Messages_of_a_topic_that_move_to_one_member_come_in_their_old_order()
    {
        var going = Member(Connect("going", with: Narrow));
        Publish(10, QoS1);
        going.ReceiveOnly("t", "0");
        var other = Member(Connect("other"));

        going.Cut();

        for (var i = 0; i < 10; i++)
            other.Receive("t", $"{i}");
    }

    // A window of one; 3.x clients have no word for it.
    private static void Narrow(ConnectPacket packet)
    {
        if (packet.Version == MqttProtocolVersion.V500)
            packet.ReceiveMaximum = 1;
    }

    private static TestClient Member(TestClient client)
    {
        client.Subscribe("$share/g/t", QoS2);
        return client;
    }

    private void Publish(int count, params QualityOfService[] qualities)
    {
        var publisher = Connect("publisher");
        for (var i = 0; i < count; i++)
            publisher.Publish("t", $"{i}", qualities[i % qualities.Length]);
    }
}
