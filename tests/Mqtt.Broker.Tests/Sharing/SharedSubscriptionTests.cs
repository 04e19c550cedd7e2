using System.Text;
using Mqtt.Server.Broker;

namespace Mqtt.Broker.Tests;

/// <summary>Shared subscriptions (section 4.8.2): who is a member, and which messages come to the group.</summary>
public abstract class SharedSubscriptionTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : SharedSubscriptionTests(StoreKind.None);

    public sealed class WithMemoryStore() : SharedSubscriptionTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : SharedSubscriptionTests(StoreKind.SlowCommit);

    // --- The filter

    [Theory]
    [InlineData("$share/")]
    [InlineData("$share/g")]
    [InlineData("$share/g/")]
    [InlineData("$share//t")]
    [InlineData("$share/+/t")]
    [InlineData("$share/a#/t")]
    [InlineData("$share/g/a#")]
    [Spec(V5, "4.8.2-1")]
    [Spec(V5, "4.8.2-2")]
    public void An_ill_formed_shared_filter_closes_in_5_and_is_refused_in_3_1_1(string filter)
    {
        var newer = Connect("newer");
        newer.SendBytes(SubscribeBytes(filter, isV5: true));
        newer.Expect<DisconnectPacket>().ReasonCode.Should().BeOneOf(ReasonCode.MalformedPacket, ReasonCode.TopicFilterInvalid, ReasonCode.ProtocolError);
        newer.ExpectEnd();

        var older = Connect("older", MqttProtocolVersion.V311);
        older.SendBytes(SubscribeBytes(filter, isV5: false));
        if (filter.Contains("a#", StringComparison.Ordinal))
            older.ExpectEnd();
        else
            older.Expect<SubAckPacket>().ReasonCodes.Should().Equal(ReasonCode.UnspecifiedError);
    }

    [Fact]
    [Spec(V5, "3.8.3-4")]
    public void No_Local_with_a_shared_subscription_is_a_protocol_error()
    {
        var client = Connect("client");
        var bytes = SubscribeBytes("$share/g/t", isV5: true);
        bytes[^1] |= 4;

        client.SendBytes(bytes);

        client.ExpectGoodbye(ReasonCode.ProtocolError);
    }

    [Theory, Versions]
    public void A_single_member_gets_what_the_filter_after_the_name_matches(MqttProtocolVersion version)
    {
        var member = Connect("member", version);
        member.Subscribe("$share/g//finance/+", QoS1);
        var publisher = Connect("publisher");

        publisher.Publish("/finance/a", "yes", QoS1).Should().Be(ReasonCode.Success);
        publisher.Publish("finance/a", "no", QoS1).Should().Be(ReasonCode.NoMatchingSubscribers);

        member.Receive("/finance/a", "yes").QualityOfService.Should().Be(QoS1);
        member.ExpectNothing();
    }

    [Fact]
    public void Topics_that_begin_with_a_dollar_do_not_match_a_wildcard_after_the_name()
    {
        var member = Connect("member");
        member.Subscribe("$share/g/#", QoS1);
        member.Subscribe("$share/h/$aws/#", QoS1);

        Connect("publisher").Publish("$aws/t", "message", QoS1);

        member.Receive("$aws/t", "message");
        member.ExpectNothing();
    }

    // --- Groups

    [Theory, Versions]
    public void Each_message_goes_to_exactly_one_member_one_after_the_other(MqttProtocolVersion version)
    {
        var members = Members(3, version, QoS1);
        var publisher = Connect("publisher");

        for (var i = 0; i < 9; i++)
            publisher.Publish("t", $"{i}", QoS1);

        for (var i = 0; i < 9; i++)
            members[i % 3].Receive("t", $"{i}");
        Array.ForEach(members, member => member.ExpectNothing());
    }

    [Fact]
    public void Groups_with_other_names_or_other_filters_are_groups_of_their_own()
    {
        var one = Connect("one");
        one.Subscribe("$share/g/t/+", QoS1);
        var two = Connect("two");
        two.Subscribe("$share/h/t/+", QoS1);
        var three = Connect("three");
        three.Subscribe("$share/g/t/#", QoS1);
        var publisher = Connect("publisher");

        publisher.Publish("t/a", "0", QoS1);
        publisher.Publish("t/a", "1", QoS1);

        foreach (var client in (TestClient[])[one, two, three])
        {
            client.Receive("t/a", "0");
            client.Receive("t/a", "1");
            client.ExpectNothing();
        }
    }

    [Fact]
    public void Subscriptions_of_ones_own_and_of_several_groups_bring_separate_copies_with_their_own_identifiers()
    {
        var client = Connect("client");
        client.Subscribe([new("t", QoS1)], 1);
        client.Subscribe([new("+", QoS1)], 2);
        client.Subscribe([new("$share/g/t", QoS1)], 3);
        client.Subscribe([new("$share/h/+", QoS1)], 4);

        Connect("publisher").Publish("t", "message", QoS1);

        var copies = Enumerable.Range(0, 3).Select(_ => client.Receive("t", "message").SubscriptionIdentifiers.Order().ToArray()).ToList();
        copies.Should().BeEquivalentTo([[1u, 2u], new[] { 3u }, new[] { 4u }]);
        client.ExpectNothing();
    }

    [Fact]
    public void What_a_member_publishes_may_come_to_itself()
    {
        var member = Connect("member");
        member.Subscribe("$share/g/t", QoS1);

        member.SendPublish("t", "message", QoS0);

        member.Receive("t", "message");
    }

    [Fact]
    public void Subscribing_twice_does_not_make_two_members_and_the_later_terms_hold()
    {
        var twice = Connect("twice");
        twice.Subscribe("$share/g/t", QoS0);
        twice.Subscribe([new TopicSubscription("$share/g/t", QoS1)], 7);
        var other = Connect("other");
        other.Subscribe("$share/g/t", QoS1);
        var publisher = Connect("publisher");

        for (var i = 0; i < 4; i++)
            publisher.Publish("t", $"{i}", QoS1);

        twice.Receive("t", "0").SubscriptionIdentifiers.Should().Equal(7u);
        twice.Receive("t", "2").QualityOfService.Should().Be(QoS1);
        other.Receive("t", "1");
        other.Receive("t", "3");

        twice.Unsubscribe("$share/g/t").ReasonCodes.Should().Equal(ReasonCode.Success);
        publisher.Publish("t", "4", QoS1);
        twice.ExpectNothing();
        other.Receive("t", "4");
    }

    [Fact]
    public void Only_the_full_filter_leaves_a_group()
    {
        var member = Connect("member");
        member.Subscribe("$share/g/t", QoS1);

        member.Unsubscribe("t", "$share/h/t", "$share/g/t").ReasonCodes
            .Should().Equal(ReasonCode.NoSubscriptionExisted, ReasonCode.NoSubscriptionExisted, ReasonCode.Success);

        Connect("publisher").Publish("t", "message", QoS1).Should().Be(ReasonCode.NoMatchingSubscribers);
        member.ExpectNothing();
    }

    [Theory, Versions]
    [Spec(V5, "4.8.2-3")]
    public void Each_members_granted_QoS_holds(MqttProtocolVersion version)
    {
        var members = Members(3, version, QoS0, QoS1, QoS2);
        var publisher = Connect("publisher");

        for (var i = 0; i < 3; i++)
            publisher.Publish("t", $"{i}", QoS2);

        for (var i = 0; i < 3; i++)
            members[i].Receive("t", $"{i}").QualityOfService.Should().Be((QualityOfService)i);
    }

    [Fact]
    public void RETAIN_is_kept_only_for_a_member_that_asks_for_it()
    {
        var plain = Connect("plain");
        plain.Subscribe("$share/g/t", QoS1);
        var keeping = Connect("keeping");
        keeping.Subscribe([new TopicSubscription("$share/g/t", QoS1) { RetainAsPublished = true }]);
        var publisher = Connect("publisher");

        publisher.Publish("t", "0", QoS1, retain: true);
        publisher.Publish("t", "1", QoS1, retain: true);

        plain.Receive("t", "0").Retain.Should().BeFalse();
        keeping.Receive("t", "1").Retain.Should().BeTrue();
    }

    [Theory, Versions]
    public void No_retained_messages_come_with_a_shared_subscription(MqttProtocolVersion version)
    {
        Connect("publisher").Publish("t", "kept", QoS1, retain: true);
        var member = Connect("member", version);

        member.Subscribe("$share/g/t", QoS1);

        member.ExpectNothing();
    }

    // --- Who can take it

    [Theory, Versions]
    public void While_one_member_is_connected_nothing_waits_for_one_that_is_not(MqttProtocolVersion version)
    {
        Member("away", version).Cut();
        var here = Member("here", version);
        var publisher = Connect("publisher");

        for (var i = 0; i < 4; i++)
            publisher.Publish("t", $"{i}", (QualityOfService)(i % 3));

        here.ReceiveAll("t", "0", "1", "2", "3");
        Resume("away", version).ExpectNothing();
    }

    [Theory, Versions]
    public void While_none_is_connected_messages_wait_one_after_the_other_but_not_those_of_QoS_0(MqttProtocolVersion version)
    {
        Member("one", version).Cut();
        Member("two", version).Cut();
        var publisher = Connect("publisher");

        publisher.Publish("t", "dropped");
        for (var i = 0; i < 4; i++)
            publisher.Publish("t", $"{i}", QoS1);

        var one = Resume("one", version);
        one.Receive("t", "0");
        one.Receive("t", "2");
        one.ExpectNothing();
        var two = Resume("two", version);
        two.Receive("t", "1");
        two.Receive("t", "3");
        two.ExpectNothing();
        Broker.Statistics.Dropped(DropCause.Offline).Should().Be(1);
    }

    [Fact]
    public void The_queues_of_members_that_are_away_are_bounded()
    {
        WithBroker = options => options with { Limits = options.Limits with { QueueCount = 2 } };
        Member("one").Cut();
        Member("two").Cut();
        var publisher = Connect("publisher");

        for (var i = 0; i < 6; i++)
            publisher.Publish("t", $"{i}", QoS1);

        Broker.Statistics.Dropped(DropCause.QueueFull).Should().Be(2);
        Resume("one").Receive("t", "0");
        Resume("two").Receive("t", "1");
    }

    [Fact]
    public void A_member_whose_window_is_full_is_passed_over()
    {
        var narrow = Connect("narrow", with: packet => packet.ReceiveMaximum = 1);
        narrow.Subscribe("$share/g/t", QoS1);
        var wide = Connect("wide");
        wide.Subscribe("$share/g/t", QoS1);
        var publisher = Connect("publisher");

        for (var i = 0; i < 4; i++)
            publisher.Publish("t", $"{i}", QoS1);

        var held = narrow.ReceiveOnly("t", "0");
        for (var i = 1; i < 4; i++)
            wide.Receive("t", $"{i}");
        narrow.Acknowledge(held);
        publisher.Publish("t", "4", QoS1);
        narrow.Receive("t", "4");
    }

    [Fact]
    public void If_all_windows_are_full_messages_wait_for_one_of_the_connected()
    {
        var members = Enumerable.Range(0, 2).Select(i => Connect($"member{i}", with: packet => packet.ReceiveMaximum = 1)).ToArray();
        Array.ForEach(members, member => member.Subscribe("$share/g/t", QoS1));
        Member("away").Cut();
        var publisher = Connect("publisher");

        for (var i = 0; i < 4; i++)
            publisher.Publish("t", $"{i}", QoS1);

        var first = members.Select((member, i) => member.ReceiveOnly("t", $"{i}")).ToArray();
        members[0].Acknowledge(first[0]);
        members[0].Receive("t", "2");
        members[1].Acknowledge(first[1]);
        members[1].Receive("t", "3");
    }

    [Theory]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce)]
    [InlineData(QualityOfService.ExactlyOnce)]
    [Spec(V5, "3.1.2-24")]
    [Spec(V5, "3.1.2-25")]
    public void A_packet_too_large_for_one_member_goes_to_another_and_for_all_is_dropped(QualityOfService qualityOfService)
    {
        var small = Connect("small", with: packet => packet.MaximumPacketSize = 60);
        small.Subscribe("$share/g/t", QoS2);
        var publisher = Connect("publisher");
        var large = new string('x', 100);

        publisher.Publish("t", large, qualityOfService);
        Broker.Statistics.Dropped(DropCause.TooLarge).Should().Be(1);
        var any = Connect("any");
        any.Subscribe("$share/g/t", QoS2);
        publisher.Publish("t", large, qualityOfService);
        publisher.Publish("t", large, qualityOfService);

        any.ReceiveAll("t", large, large);
        small.ExpectNothing();
        Broker.Statistics.Dropped(DropCause.TooLarge).Should().Be(1);
    }

    [Fact]
    public void A_message_that_turns_out_too_large_only_when_its_member_is_back_goes_to_another()
    {
        Member("away").Cut();
        var publisher = Connect("publisher");
        var large = new string('x', 100);
        publisher.Publish("t", large, QoS2);
        var here = Member("here");

        Resume("away", with: packet => packet.MaximumPacketSize = 60).ExpectNothing();

        here.Receive("t", large);
        Broker.Statistics.Dropped(DropCause.TooLarge).Should().Be(0);
    }

    [Fact]
    public void The_expiry_of_a_message_that_waits_is_counted_down()
    {
        Member("away").Cut();
        Connect("publisher").Publish("t", "kept", QoS1, with: packet => packet.MessageExpiryInterval = 100);
        Connect("publisher").Publish("t", "expires", QoS1, with: packet => packet.MessageExpiryInterval = 10);

        Advance(30);

        var back = Resume("away");
        back.Receive("t", "kept").MessageExpiryInterval.Should().Be(70);
        back.ExpectNothing();
        Broker.Statistics.Dropped(DropCause.Expired).Should().Be(1);
    }

    private TestClient[] Members(int count, MqttProtocolVersion version, params QualityOfService[] granted) => [.. Enumerable.Range(0, count).Select(i =>
    {
        var member = Connect($"member{i}", version);
        member.Subscribe("$share/g/t", granted[i % granted.Length]);
        return member;
    })];

    // A member whose session outlives its connection.
    private TestClient Member(string clientId, MqttProtocolVersion version = MqttProtocolVersion.V500)
    {
        var member = Resume(clientId, version);
        member.Subscribe("$share/g/t", QoS2);
        return member;
    }

    // Section 3.8, with any filter: type and flags, remaining length, packet identifier, no properties (5.0), filter, options.
    private static byte[] SubscribeBytes(string filter, bool isV5)
    {
        var text = Encoding.UTF8.GetBytes(filter);
        byte[] rest = [0, 1, .. isV5 ? [0] : Array.Empty<byte>(), 0, (byte)text.Length, .. text, 1];
        return [0x82, (byte)rest.Length, .. rest];
    }
}
