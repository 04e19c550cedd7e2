using System.Text;
using Mqtt.Server.Broker;

namespace Mqtt.Broker.Tests;

/// <summary>What keeps a fast publisher from losing its messages at a slow subscriber, and everybody from filling the memory.</summary>
public abstract class BackPressureTests(StoreKind store) : BrokerTests(store)
{
    // One message under way to the subscriber, and four of eight in its queue: there publishers begin to wait.
    private const int UntilCongested = 5;

    public sealed class WithoutStore() : BackPressureTests(StoreKind.None);

    public sealed class WithMemoryStore() : BackPressureTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : BackPressureTests(StoreKind.SlowCommit);

    [Theory, Versions]
    public void A_publisher_waits_for_a_slow_subscriber_and_nothing_is_lost(MqttProtocolVersion version)
    {
        var (subscriber, publisher) = Slow(version);
        for (var i = 0; i < 20; i++)
            publisher.SendPublish("t", $"{i}", QoS1);
        for (var i = 0; i < UntilCongested; i++)
            publisher.Expect<PubAckPacket>();
        publisher.ExpectNothing();

        for (var i = 0; i < 20; i++)
            subscriber.Receive("t", $"{i}");

        for (var i = UntilCongested; i < 20; i++)
            publisher.Expect<PubAckPacket>();
        Broker.Statistics.Dropped(DropCause.QueueFull).Should().Be(0);
        Broker.Statistics.PublisherPauses.Should().BePositive();
    }

    [Fact]
    public void A_publisher_waits_for_a_bounded_time_before_each_message()
    {
        var (_, publisher) = Slow(MqttProtocolVersion.V500);
        for (var i = 0; i < 20; i++)
            publisher.SendPublish("t", $"{i}", QoS1);
        for (var i = 0; i < UntilCongested; i++)
            publisher.Expect<PubAckPacket>();

        for (var second = 0; second < 3; second++)
        {
            publisher.ExpectNothing();
            Advance(1.2);
            publisher.Expect<PubAckPacket>();
        }
    }

    [Fact]
    public void A_publisher_that_waits_goes_on_when_the_subscriber_goes()
    {
        var (subscriber, publisher) = Slow(MqttProtocolVersion.V500);
        for (var i = 0; i < 8; i++)
            publisher.SendPublish("t", $"{i}", QoS1);
        for (var i = 0; i < UntilCongested; i++)
            publisher.Expect<PubAckPacket>();
        publisher.ExpectNothing();

        subscriber.Cut();

        for (var i = UntilCongested; i < 8; i++)
            publisher.Expect<PubAckPacket>();
    }

    [Fact]
    public void Two_clients_that_flood_each_other_both_go_on()
    {
        WithBroker = options => options with { Limits = new() { QueueCount = 8, InFlightMaximum = 1 } };
        var (left, right) = (Connect("left"), Connect("right"));
        left.Subscribe("to/left", QoS1);
        right.Subscribe("to/right", QoS1);
        for (var i = 0; i < 5; i++)
        {
            left.SendPublish("to/right", $"{i}", QoS1);
            right.SendPublish("to/left", $"{i}", QoS1);
        }

        // Both are congested, and each acknowledges only what it gets: were they not read, neither would ever be.
        for (var i = 0; i < 5; i++)
        {
            Drain(left, $"{i}");
            Drain(right, $"{i}");
        }

        Broker.Statistics.Dropped(DropCause.QueueFull).Should().Be(0);
    }

    [Fact]
    public void Beyond_the_memory_of_the_process_QoS_0_is_dropped_and_QoS_1_and_2_are_refused()
    {
        WithBroker = options => options with { MemoryBytes = 1 };
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("t", QoS2);
        var publisher = Connect("publisher");

        publisher.Publish("t", "0");
        publisher.Publish("t", "1", QoS1).Should().Be(ReasonCode.QuotaExceeded);
        publisher.Publish("t", "2", QoS2).Should().Be(ReasonCode.QuotaExceeded);

        subscriber.ExpectNothing();
        Broker.Statistics.Dropped(DropCause.MemoryFull).Should().Be(3);
    }

    [Fact]
    [Spec(V311, "4.8.0-2")]
    public void Beyond_the_memory_of_the_process_a_3_1_1_client_that_cannot_be_told_is_cut_off()
    {
        WithBroker = options => options with { MemoryBytes = 1 };
        var publisher = Connect("publisher", MqttProtocolVersion.V311);

        publisher.SendPublish("t", "1", QoS1);

        publisher.ExpectEnd();
    }

    [Fact]
    public void Beyond_the_memory_of_the_process_no_connection_is_taken()
    {
        WithServer = options => options with { MemoryBytes = 1 };
        using var held = new RentedBuffer();

        Open().ExpectEnd();
    }

    private (TestClient Subscriber, TestClient Publisher) Slow(MqttProtocolVersion version)
    {
        WithBroker = options => options with { Limits = new() { QueueCount = 8, InFlightMaximum = 1, InFlightMaximum3 = 1 } };
        var subscriber = Resume("subscriber", version);
        subscriber.Subscribe("t", QoS1);
        return (subscriber, Connect("publisher", version));
    }

    // Takes the message and its own acknowledgements, in whatever order they come.
    private static void Drain(TestClient client, string payload)
    {
        PublishPacket? message;
        do
            message = client.Expect<MqttPacket>() as PublishPacket;
        while (message is null);
        Encoding.UTF8.GetString(message.Payload.Span).Should().Be(payload);
        client.Acknowledge(message);
    }

    private sealed class RentedBuffer : IDisposable
    {
        private readonly byte[] buffer = Mqtt.Protocol.Channels.BufferPool.Rent(64);

        public void Dispose() => Mqtt.Protocol.Channels.BufferPool.Return(buffer);
    }
}
