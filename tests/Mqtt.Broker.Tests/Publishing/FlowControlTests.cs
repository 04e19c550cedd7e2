using System.Text;
using Mqtt.Protocol.Channels;
using Mqtt.Server.Broker;

namespace Mqtt.Broker.Tests;

/// <summary>What happens where somebody is faster than somebody else: bounded pauses, bounded memory, and no deadlock.</summary>
public abstract class FlowControlTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : FlowControlTests(StoreKind.None);

    public sealed class WithMemoryStore() : FlowControlTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : FlowControlTests(StoreKind.SlowCommit);

    [Theory, Versions]
    public void A_publisher_waits_a_bounded_time_for_a_subscriber_whose_queue_is_half_full(MqttProtocolVersion version)
    {
        WithBroker = options => options with { Limits = new() { QueueCount = 4, InFlightMaximum = 1, InFlightMaximum3 = 1 } };
        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("t", QoS1);
        var publisher = Connect("publisher", version);
        for (var i = 0; i < 3; i++)
            publisher.Publish("t", $"{i}", QoS1);
        Broker.Statistics.PublisherPauses.Should().Be(1);

        publisher.SendPublish("t", "3", QoS1);
        publisher.ExpectNothing();
        Advance(1.2);
        publisher.Expect<PubAckPacket>();

        Broker.Statistics.PublisherPauses.Should().Be(2);
    }

    [Theory, Versions]
    public void A_publisher_goes_on_as_soon_as_there_is_room_again(MqttProtocolVersion version)
    {
        WithBroker = options => options with { Limits = new() { QueueCount = 4, InFlightMaximum = 1, InFlightMaximum3 = 1 } };
        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("t", QoS1);
        var publisher = Connect("publisher", version);
        for (var i = 0; i < 3; i++)
            publisher.Publish("t", $"{i}", QoS1);
        publisher.SendPublish("t", "3", QoS1);
        publisher.ExpectNothing();

        subscriber.Receive("t", "0");

        publisher.Expect<PubAckPacket>();
    }

    [Theory, Versions]
    public void A_publisher_goes_on_as_soon_as_the_slow_subscriber_is_gone(MqttProtocolVersion version)
    {
        WithBroker = options => options with { Limits = new() { QueueCount = 4, InFlightMaximum = 1, InFlightMaximum3 = 1 } };
        var subscriber = Resume("subscriber", version);
        subscriber.Subscribe("t", QoS1);
        var publisher = Connect("publisher", version);
        for (var i = 0; i < 3; i++)
            publisher.Publish("t", $"{i}", QoS1);
        publisher.SendPublish("t", "3", QoS1);
        publisher.ExpectNothing();

        subscriber.Cut();

        publisher.Expect<PubAckPacket>();
    }

    [Theory, Versions]
    public void What_a_publisher_sent_before_it_went_is_handled_without_pauses(MqttProtocolVersion version)
    {
        WithBroker = options => options with { Limits = new() { QueueCount = 20, InFlightMaximum = 1, InFlightMaximum3 = 1 } };
        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("t", QoS1);
        var publisher = Connect("publisher", version);
        for (var i = 0; i < 11; i++)
            publisher.Publish("t", $"{i}", QoS1);
        Broker.Statistics.PublisherPauses.Should().Be(1);
        for (var i = 11; i < 15; i++)
            publisher.SendPublish("t", $"{i}", QoS1);
        publisher.EndSending();
        Advance(1.2);

        Broker.Statistics.PublisherPauses.Should().Be(1);
        for (var i = 0; i < 15; i++)
            subscriber.Receive("t", $"{i}");
    }

    [Theory, Versions]
    public void A_pause_keeps_only_the_publisher_waiting(MqttProtocolVersion version)
    {
        WithBroker = options => options with { Limits = new() { QueueCount = 4, InFlightMaximum = 1, InFlightMaximum3 = 1 } };
        Connect("slow", version).Subscribe("t", QoS1);
        var publisher = Connect("publisher", version);
        for (var i = 0; i < 3; i++)
            publisher.Publish("t", $"{i}", QoS1);
        publisher.SendPublish("other", "waits", QoS1);

        var other = Connect("other", version);
        other.Subscribe("other");
        other.Publish("other", "passes");

        other.Receive("other", "passes");
        publisher.ExpectNothing();
    }

    [Fact]
    public void Where_queues_have_no_bound_nobody_waits()
    {
        WithBroker = options => options with { Limits = new() { QueueCount = int.MaxValue, QueueBytes = long.MaxValue, InFlightMaximum = 1 } };
        Connect("subscriber").Subscribe("t", QoS1);
        var publisher = Connect("publisher");

        for (var i = 0; i < 100; i++)
            publisher.Publish("t", $"{i}", QoS1);

        Broker.Statistics.PublisherPauses.Should().Be(0);
    }

    [Fact]
    public void Without_a_pause_the_newest_is_dropped_at_once()
    {
        WithBroker = options => options with { PublisherPause = TimeSpan.Zero, Limits = new() { QueueCount = 2, InFlightMaximum = 1 } };
        Connect("subscriber").Subscribe("t", QoS1);
        var publisher = Connect("publisher");

        for (var i = 0; i < 5; i++)
            publisher.Publish("t", $"{i}", QoS1);

        Broker.Statistics.PublisherPauses.Should().Be(0);
        Broker.Statistics.Dropped(DropCause.QueueFull).Should().Be(2);
    }

    // --- Memory

    [Theory, Versions]
    public void Over_the_byte_budget_of_the_process_messages_are_refused(MqttProtocolVersion version)
    {
        // The connections in memory are part of what the process holds.
        WithBroker = options => options with { MemoryBytes = BufferPool.RentedBytes + (8 * 1024 * 1024) };
        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("t", QoS1);
        var publisher = Connect("publisher", version);
        var held = BufferPool.Rent(16 * 1024 * 1024);

        publisher.Publish("t", "dropped");
        publisher.ExpectNothing();
        if (version == MqttProtocolVersion.V500)
        {
            publisher.Publish("t", "refused", QoS1).Should().Be(ReasonCode.QuotaExceeded);
            publisher.Publish("t", "refused", QoS2).Should().Be(ReasonCode.QuotaExceeded);
        }
        else
        {
            publisher.SendPublish("t", "refused", QoS1);
            publisher.ExpectEnd();
        }

        subscriber.ExpectNothing();
        BufferPool.Return(held);
        Broker.Statistics.Dropped(DropCause.MemoryFull).Should().Be(version == MqttProtocolVersion.V500 ? 3 : 2);
        Connect("another", version).Publish("t", "passes", QoS1);
        subscriber.Receive("t", "passes");
    }

    // --- Deadlock

    [Theory, Versions]
    public void Two_meshed_clients_at_the_byte_limit_both_make_progress(MqttProtocolVersion version)
    {
        const int Count = 100;
        WithBroker = options => options with { Limits = new() { QueueBytes = 64 * 1024, QueueCount = 100, InFlightMaximum = 4, InFlightMaximum3 = 4 } };
        WithServer = options => options with { Limits = options.Limits with { OutboxBytes = 16 * 1024 } };
        ConnectionBytes = 16 * 1024;
        var one = new BlockingClient(Harness, "one", "two", version, Count);
        var two = new BlockingClient(Harness, "two", "one", version, Count);
        Run();
        one.Step();
        two.Step();
        Run();
        Both(client => client.BeginPublishing());

        for (var i = 0; i < 6000 && !(one.IsDone && two.IsDone); i++)
        {
            Both(client => client.Step());
            Advance(0.1);
        }

        one.AcknowledgedCount.Should().Be(Count);
        two.AcknowledgedCount.Should().Be(Count);
        one.ReceivedCount.Should().BePositive();
        two.ReceivedCount.Should().BePositive();

        void Both(Action<BlockingClient> action)
        {
            action(one);
            action(two);
        }
    }

    // Of one thread, as small devices are: while what it writes does not fit, it reads nothing.
    private sealed class BlockingClient
    {
        private readonly MqttChannel channel;
        private readonly MqttProtocolVersion version;
        private readonly MqttPacketReader reader;
        private readonly Queue<MqttPacket> outgoing = new();
        private readonly string target;
        private readonly int count;
        private readonly byte[] buffer = new byte[4096];
        private byte[] unread = [];
        private Task writing = Task.CompletedTask;
        private Task<int>? reading;

        public BlockingClient(BrokerHarness harness, string topic, string target, MqttProtocolVersion version, int count)
        {
            (this.version, this.target, this.count) = (version, target, count);
            channel = harness.Dial();
            reader = new MqttPacketReader(version, MqttSender.Server);
            outgoing.Enqueue(new ConnectPacket { Version = version, ClientId = topic, KeepAliveSeconds = 0 });
            outgoing.Enqueue(new SubscribePacket { PacketId = 60_000, Subscriptions = [new(topic, QoS1)] });
            Step();
        }

        public int AcknowledgedCount { get; private set; }

        public int ReceivedCount { get; private set; }

        public bool IsDone => AcknowledgedCount == count && outgoing.Count == 0 && writing.IsCompleted;

        public void BeginPublishing()
        {
            for (var i = 1; i <= count; i++)
                outgoing.Enqueue(new PublishPacket { Topic = target, Payload = new byte[8000], QualityOfService = QoS1, PacketId = (ushort)i });
        }

        public void Step()
        {
            while (writing.IsCompletedSuccessfully)
            {
                if (TryReceive())
                    continue;
                if (!outgoing.TryDequeue(out var packet))
                    return;
                Write(packet);
            }

            writing.IsFaulted.Should().BeFalse("the connection stays");
        }

        private void Write(MqttPacket packet)
        {
            var bytes = new byte[MqttPacketWriter.Measure(packet, version)];
            MqttPacketWriter.Write(bytes, packet, version);
            writing = BrokerHarness.Quietly(async () => await channel.WriteAsync(bytes));
        }

        // Takes one packet, and answers it before anything else.
        private bool TryReceive()
        {
            if (!reader.TryRead(unread, out var packet, out var consumed))
                return TryRead();
            unread = unread[consumed..];
            switch (packet)
            {
                case PublishPacket publish:
                    ReceivedCount++;
                    Write(new PubAckPacket { PacketId = publish.PacketId });
                    break;
                case PubAckPacket:
                    AcknowledgedCount++;
                    break;
            }

            return true;
        }

        private bool TryRead()
        {
            reading ??= BrokerHarness.Quietly(async () => await channel.ReadAsync(buffer));
            if (!reading.IsCompleted)
                return false;
            unread = [.. unread, .. buffer.AsSpan(0, reading.GetAwaiter().GetResult())];
            reading = null;
            return true;
        }
    }
}
