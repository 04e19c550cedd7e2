using Mqtt.Server.Broker;

namespace Mqtt.Broker.Tests;

/// <summary>What the program itself publishes: to all, to chosen clients, from point to point.</summary>
public abstract class DirectPublishTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : DirectPublishTests(StoreKind.None);

    public sealed class WithMemoryStore() : DirectPublishTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : DirectPublishTests(StoreKind.SlowCommit);

    [Theory, Versions]
    public void A_message_of_the_program_comes_to_all_who_subscribe(MqttProtocolVersion version)
    {
        var (one, other) = (Connect("one", version), Connect("other", version));
        one.Subscribe("a/+", QoS2);
        other.Subscribe("#", QoS1);

        var result = Harness.Finish(() => Broker.PublishAsync("a/b", "message", QoS2));

        result.Should().Be(new BrokerPublishResult(ReasonCode.Success, 2));
        one.Receive("a/b", "message").QualityOfService.Should().Be(QoS2);
        other.Receive("a/b", "message").QualityOfService.Should().Be(QoS1);
    }

    [Fact]
    public void Its_properties_arrive()
    {
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("t");

        Harness.Finish(() => Broker.PublishAsync(new PublishPacket
        {
            Topic = "t",
            Payload = "message"u8.ToArray(),
            PayloadFormatIndicator = 1,
            MessageExpiryInterval = 60,
            ResponseTopic = "answer",
            CorrelationData = "7"u8.ToArray(),
            ContentType = "text/plain",
            UserProperties = [new("name", "value")],
            TopicAlias = 9,
        }));

        var message = subscriber.Receive("t", "message");
        message.PayloadFormatIndicator.Should().Be(1);
        message.MessageExpiryInterval.Should().Be(60);
        message.ResponseTopic.Should().Be((MqttString)"answer");
        message.CorrelationData!.Value.ToArray().Should().Equal("7"u8.ToArray());
        message.ContentType.Should().Be((MqttString)"text/plain");
        message.UserProperties.Should().Equal(((MqttString)"name", (MqttString)"value"));
        message.TopicAlias.Should().BeNull();
    }

    [Fact]
    public void It_completes_only_when_every_durable_session_and_the_retained_store_have_it()
    {
        var subscriber = Resume("subscriber");
        subscriber.Subscribe("queued", QoS1);
        subscriber.Disconnect();
        Harness.CommitsWhenIdle = false;

        var queued = BrokerHarness.Quietly(() => Broker.PublishAsync("queued", "message", QoS1).AsTask());
        var kept = BrokerHarness.Quietly(() => Broker.PublishAsync("kept", "message", retain: true).AsTask());
        var lost = BrokerHarness.Quietly(() => Broker.PublishAsync("nobody", "message", QoS1).AsTask());
        Run();
        queued.IsCompleted.Should().Be(!HasSlowCommits);
        kept.IsCompleted.Should().Be(!HasSlowCommits);
        lost.IsCompleted.Should().BeTrue();
        Harness.CommitsWhenIdle = true;
        Run();

        queued.IsCompletedSuccessfully.Should().BeTrue();
        kept.IsCompletedSuccessfully.Should().BeTrue();
        Harness.Finish(() => new ValueTask<BrokerPublishResult>(lost)).ReasonCode.Should().Be(ReasonCode.NoMatchingSubscribers);
    }

    [Fact]
    public void Of_those_who_subscribe_only_the_chosen_ones_get_it()
    {
        var (one, two, three) = (Connect("one"), Connect("two"), Connect("three"));
        one.Subscribe("t", QoS1);
        two.Subscribe("t", QoS1);

        var result = Harness.Finish(() => Broker.PublishAsync(Message("t"), new BrokerPublishTargets("one", "three", "nobody")));

        result.ReceiverCount.Should().Be(1);
        one.Receive("t", "message");
        two.ExpectNothing();
        three.ExpectNothing();
    }

    [Fact]
    public void Chosen_clients_get_it_without_a_subscription_if_that_is_wanted()
    {
        var (one, two) = (Connect("one"), Connect("two"));
        var away = Resume("away");
        away.Disconnect();
        two.Subscribe("t", QoS1);

        var result = Harness.Finish(() => Broker.PublishAsync(Message("t"), new BrokerPublishTargets("one", "away", "nobody") { WithoutSubscription = true }));

        result.ReceiverCount.Should().Be(2);
        one.Receive("t", "message");
        two.ExpectNothing();
        Resume("away").Receive("t", "message");
    }

    [Fact]
    public void The_program_may_write_what_clients_may_not()
    {
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("$SYS/#");

        Harness.Finish(() => Broker.PublishAsync("$SYS/app", "up", retain: true));

        subscriber.Receive("$SYS/app", "up");
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/+")]
    [InlineData("$share/g/t")]
    public void What_is_no_topic_is_an_error(string topic)
    {
        var publishing = () => Harness.Finish(() => Broker.PublishAsync(topic, "message"));

        publishing.Should().Throw<ArgumentException>();
    }

    [Theory, Versions]
    public void From_point_to_point_a_message_goes_to_the_client_that_its_topic_names(MqttProtocolVersion version)
    {
        WithBroker = options => options with { PointToPointParents = ["plant/1"] };
        var (sender, receiver, spy) = (Connect("sender", version), Connect("receiver", version), Connect("spy", version));
        spy.Subscribe("#", QoS1);

        sender.Publish("plant/1/p2p/receiver", "for you", QoS1, retain: true);
        sender.Publish("plant/1/p2p/receiver", "twice", QoS2);
        sender.Publish("plant/2/p2p/receiver", "for all", QoS1);

        receiver.Receive("plant/1/p2p/receiver", "for you").Retain.Should().BeFalse();
        receiver.Receive("plant/1/p2p/receiver", "twice").QualityOfService.Should().Be(QoS2);
        receiver.ExpectNothing();
        spy.Receive("plant/2/p2p/receiver", "for all");
        spy.ExpectNothing();
        Broker.Retained.Find("plant/1/p2p/receiver").Should().BeNull();
    }

    [Fact]
    public void Unless_it_is_switched_on_a_topic_from_point_to_point_is_one_like_any_other()
    {
        var (sender, receiver, spy) = (Connect("sender"), Connect("receiver"), Connect("spy"));
        spy.Subscribe("#", QoS1);

        sender.Publish("plant/1/p2p/receiver", "for all", QoS1);

        spy.Receive("plant/1/p2p/receiver", "for all");
        receiver.ExpectNothing();
    }

    [Fact]
    public void From_point_to_point_it_waits_for_a_session_and_is_lost_without_one()
    {
        WithBroker = options => options with { PointToPointParents = ["plant"] };
        var sender = Connect("sender");
        Resume("away").Disconnect();

        sender.Publish("plant/p2p/away", "message", QoS1).Should().Be(ReasonCode.Success);
        sender.Publish("plant/p2p/nobody", "message", QoS1).Should().Be(ReasonCode.NoMatchingSubscribers);

        Resume("away").Receive("plant/p2p/away", "message");
    }

    private static PublishPacket Message(string topic) => new() { Topic = topic, Payload = "message"u8.ToArray(), QualityOfService = QoS1 };
}
