using Mqtt.Protocol.Delivery;
using Mqtt.Server.Broker;

namespace Mqtt.Broker.Tests;

/// <summary>Topic aliases that the broker uses towards a client that takes them.</summary>
public abstract class OutgoingAliasTests : BrokerTests
{
    private protected OutgoingAliasTests(StoreKind store)
        : base(store) => WithBroker = static options => options with { Limits = options.Limits with { OutgoingTopicAliasMaximum = 8, InFlightMaximum = 2 } };

    public sealed class WithoutStore() : OutgoingAliasTests(StoreKind.None);

    public sealed class WithMemoryStore() : OutgoingAliasTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : OutgoingAliasTests(StoreKind.SlowCommit);

    [Theory]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce)]
    [InlineData(QualityOfService.ExactlyOnce)]
    [Spec(V5, "3.1.2-26")]
    [Spec(V5, "3.3.2-11")]
    public void From_its_second_use_on_a_topic_has_an_alias_and_then_goes_without(QualityOfService qualityOfService)
    {
        var subscriber = Connect("subscriber", with: packet => packet.TopicAliasMaximum = 2);
        subscriber.Subscribe("#", qualityOfService);
        var publisher = Connect("publisher");

        foreach (var (topic, sentTopic, alias) in ((string, string, ushort?)[])[
            ("a", "a", null), ("b", "b", null), ("a", "a", 1), ("a", "", 1), ("b", "b", 2), ("c", "c", null), ("c", "c", null), ("b", "", 2), ("a", "", 1)])
        {
            publisher.Publish(topic, "message", qualityOfService);
            var message = subscriber.Receive(sentTopic, "message");
            message.TopicAlias.Should().Be(alias);
            message.QualityOfService.Should().Be(qualityOfService);
        }
    }

    [Fact]
    [Spec(V5, "3.1.2-26")]
    public void Where_the_oldest_gives_way_a_topic_that_comes_later_has_an_alias_too()
    {
        WithBroker = static options => options with { Limits = options.Limits with { OutgoingTopicAliasMaximum = 8, OutgoingTopicAliasPolicy = TopicAliasPolicy.ReplaceOldest } };
        var subscriber = Connect("subscriber", with: packet => packet.TopicAliasMaximum = 2);
        subscriber.Subscribe("#", QoS1);
        var publisher = Connect("publisher");

        foreach (var (topic, sentTopic, alias) in ((string, string, ushort?)[])[
            ("a", "a", null), ("a", "a", 1), ("b", "b", null), ("b", "b", 2), ("c", "c", null), ("c", "c", 1), ("c", "", 1), ("b", "", 2),
            ("a", "a", 2), ("a", "", 2), ("c", "", 1), ("b", "b", 1)])
        {
            publisher.Publish(topic, "message", QoS1);
            var message = subscriber.Receive(sentTopic, "message");
            message.TopicAlias.Should().Be(alias);
        }
    }

    [Fact]
    [Spec(V5, "3.1.2-26")]
    public void A_client_that_takes_no_aliases_gets_none()
    {
        foreach (var maximum in (ushort?[])[null, 0])
        {
            var subscriber = Connect("subscriber", with: packet => packet.TopicAliasMaximum = maximum);
            subscriber.Subscribe("t", QoS1);
            for (var i = 0; i < 5; i++)
            {
                Connect("publisher").Publish("t", "message", QoS1);
                subscriber.Receive("t", "message").TopicAlias.Should().BeNull();
            }
        }
    }

    [Fact]
    [Spec(V5, "3.3.2-7")]
    public void What_is_sent_again_carries_its_topic_and_a_new_connection_knows_no_alias()
    {
        var subscriber = Resume("subscriber", with: packet => packet.TopicAliasMaximum = 2);
        subscriber.Subscribe("t", QoS1);
        var publisher = Connect("publisher");
        for (var i = 0; i < 2; i++)
        {
            publisher.Publish("t", $"{i}", QoS1);
            subscriber.Receive("t", $"{i}");
        }

        publisher.Publish("t", "2", QoS1);
        subscriber.ReceiveOnly("", "2").TopicAlias.Should().Be(1);
        subscriber.Cut();

        subscriber = Resume("subscriber", with: packet => packet.TopicAliasMaximum = 2);
        var again = subscriber.Receive("t", "2");
        (again.Duplicate, again.TopicAlias).Should().Be((true, default(ushort?)));
        publisher.Publish("t", "3", QoS1);
        subscriber.Receive("t", "3").TopicAlias.Should().BeNull();
    }

    [Fact]
    public void An_alias_that_makes_a_packet_too_large_is_not_set()
    {
        var size = 2 + 2 + 1 + 1 + 10;
        var subscriber = Connect("subscriber", with: packet => (packet.TopicAliasMaximum, packet.MaximumPacketSize) = (2, (uint)size));
        subscriber.Subscribe("t");
        var publisher = Connect("publisher");

        for (var i = 0; i < 3; i++)
        {
            publisher.Publish("t", "0123456789");
            subscriber.Receive("t", "0123456789").TopicAlias.Should().BeNull();
        }
    }

    [Fact]
    public void A_message_that_only_an_alias_makes_too_large_comes_with_its_topic()
    {
        var size = 2 + 2 + 1 + 2 + 1 + 10;
        var subscriber = Connect("subscriber", with: packet => (packet.TopicAliasMaximum, packet.MaximumPacketSize) = (2, (uint)size));
        subscriber.Subscribe("t", QoS1);
        var publisher = Connect("publisher");
        publisher.Publish("t", "1", QoS1);
        publisher.Publish("t", "2", QoS1);
        publisher.Publish("t", "3", QoS1);
        subscriber.Receive("t", "1");
        subscriber.Receive("t", "2").TopicAlias.Should().Be(1);
        subscriber.Receive("", "3").TopicAlias.Should().Be(1);

        publisher.Publish("t", "0123456789", QoS1);

        subscriber.Receive("t", "0123456789").TopicAlias.Should().BeNull();
    }

    [Fact]
    public void Identifiers_and_expiry_come_with_an_alias_too()
    {
        var subscriber = Connect("subscriber", with: packet => packet.TopicAliasMaximum = 2);
        subscriber.Subscribe([new("t")], identifier: 300);
        var publisher = Connect("publisher");

        foreach (var (sentTopic, alias) in ((string, ushort?)[])[("t", null), ("t", 1), ("", 1)])
        {
            publisher.Publish("t", "message", with: packet => packet.MessageExpiryInterval = 60);
            var message = subscriber.Receive(sentTopic, "message");
            (message.TopicAlias, message.MessageExpiryInterval).Should().Be((alias, 60u));
            message.SubscriptionIdentifiers.Should().Equal(300u);
        }
    }
}
