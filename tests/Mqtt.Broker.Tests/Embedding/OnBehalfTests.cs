using Mqtt.Server.Broker;

namespace Mqtt.Broker.Tests;

/// <summary>What the program does to a client: subscribe and unsubscribe for it, disconnect it, hand in its packets.</summary>
public abstract class OnBehalfTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : OnBehalfTests(StoreKind.None);

    public sealed class WithMemoryStore() : OnBehalfTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : OnBehalfTests(StoreKind.SlowCommit);

    [Theory, Versions]
    public void A_connected_client_gets_what_it_was_subscribed_to(MqttProtocolVersion version)
    {
        var client = Connect("client", version);
        Connect("publisher").Publish("a/1", "kept", QoS1, retain: true);

        var codes = Harness.Finish(() => Broker.SubscribeAsync("client", [new("a/+", QoS2)]));
        Connect("publisher").Publish("a/2", "new", QoS1);

        codes.Should().Equal(ReasonCode.GrantedQoS2);
        client.Receive("a/1", "kept").Retain.Should().BeTrue();
        client.Receive("a/2", "new");
    }

    [Fact]
    public void The_identifier_comes_with_the_messages()
    {
        var client = Connect("client");
        Harness.Finish(() => Broker.SubscribeAsync("client", [new("t", QoS1)], identifier: 7));

        Connect("publisher").Publish("t", "message", QoS1);

        client.Receive("t", "message").SubscriptionIdentifiers.Should().Equal(7u);
    }

    [Fact]
    public void A_session_that_waits_for_its_client_gets_it_too_and_keeps_it()
    {
        Resume("client").Disconnect();

        Harness.Finish(() => Broker.SubscribeAsync("client", [new("t", QoS1)])).Should().Equal(ReasonCode.GrantedQoS1);
        if (HasStore)
            Harness.Restart();
        Connect("publisher").Publish("t", "message", QoS1);

        Resume("client").Receive("t", "message");
    }

    [Fact]
    public void A_client_without_a_session_is_not_subscribed()
    {
        Harness.Finish(() => Broker.SubscribeAsync("nobody", [new("t", QoS1)])).Should().BeNull();
        Harness.Finish(() => Broker.UnsubscribeAsync("nobody", ["t"])).Should().BeNull();
    }

    [Fact]
    public void A_client_gets_no_more_of_what_it_was_unsubscribed_from()
    {
        var client = Connect("client");
        client.Subscribe("t", QoS1);

        var codes = Harness.Finish(() => Broker.UnsubscribeAsync("client", ["t", "other"]));
        Connect("publisher").Publish("t", "message", QoS1);

        codes.Should().Equal(ReasonCode.Success, ReasonCode.NoSubscriptionExisted);
        client.ExpectNothing();
    }

    [Fact]
    public void A_filter_that_is_not_well_formed_is_an_error()
    {
        Connect("client");
        var subscribing = () => Harness.Finish(() => Broker.SubscribeAsync("client", [new("a/#/b")]));

        subscribing.Should().Throw<ArgumentException>();
    }

    [Theory, Versions]
    public void A_client_that_is_disconnected_keeps_its_session(MqttProtocolVersion version)
    {
        var client = Resume("client", version);

        Harness.Finish(() => Broker.DisconnectAsync("client")).Should().BeTrue();

        client.ExpectGoodbye(ReasonCode.AdministrativeAction);
        if (version != MqttProtocolVersion.V310)
            Resume("client", version).Answer.SessionPresent.Should().BeTrue();
        Broker.SessionCount.Should().Be(1);
    }

    [Fact]
    public void A_client_is_told_reason_and_other_server()
    {
        var client = Connect("client");

        Harness.Finish(() => Broker.DisconnectAsync("client", new() { ReasonCode = ReasonCode.ServerMoved, ReasonString = "gone", ServerReference = "other:1883" }));

        var last = client.Expect<DisconnectPacket>();
        last.ReasonCode.Should().Be(ReasonCode.ServerMoved);
        last.ReasonString.Should().Be((MqttString)"gone");
        last.ServerReference.Should().Be((MqttString)"other:1883");
        client.ExpectEnd();
    }

    [Fact]
    public void Its_session_ends_too_if_that_is_wanted_also_without_a_connection()
    {
        var client = Resume("client");
        Resume("away").Disconnect();

        Harness.Finish(() => Broker.DisconnectAsync("client", new() { EndSession = true })).Should().BeTrue();
        Harness.Finish(() => Broker.DisconnectAsync("away", new() { EndSession = true })).Should().BeTrue();
        client.ExpectGoodbye(ReasonCode.AdministrativeAction);
        if (HasStore)
            Harness.Restart();

        Broker.SessionCount.Should().Be(0);
        Harness.Finish(() => Broker.DisconnectAsync("away")).Should().BeFalse();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Its_will_is_published_or_not(bool publishes)
    {
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("will");
        Connect("client", with: packet => packet.Will = new() { Topic = "will", Payload = "gone"u8.ToArray() });

        Harness.Finish(() => Broker.DisconnectAsync("client", new() { PublishWill = publishes }));

        if (publishes)
            subscriber.Receive("will", "gone");
        subscriber.ExpectNothing();
    }

    [Theory, Versions]
    public void A_packet_is_handled_as_if_its_client_had_sent_it(MqttProtocolVersion version)
    {
        var client = Connect("client", version);
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("t", QoS1);

        Harness.Finish(() => Broker.InjectAsync("client", new SubscribePacket { PacketId = 77, Subscriptions = [new("t", QoS1)] })).Should().BeTrue();
        Harness.Finish(() => Broker.InjectAsync("client", new PublishPacket { Topic = "t", Payload = "message"u8.ToArray(), QualityOfService = QoS1, PacketId = 78 }));

        client.Expect<SubAckPacket>().PacketId.Should().Be(77);
        client.Receive("t", "message");
        client.Expect<PubAckPacket>().PacketId.Should().Be(78);
        subscriber.Receive("t", "message");
    }

    [Fact]
    public void A_client_that_is_not_connected_sends_nothing()
    {
        Resume("client").Disconnect();

        Harness.Finish(() => Broker.InjectAsync("client", new PingReqPacket())).Should().BeFalse();
    }
}
