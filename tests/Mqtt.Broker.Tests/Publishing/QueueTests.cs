using System.Text;
using Mqtt.Server.Broker;

namespace Mqtt.Broker.Tests;

/// <summary>What waits for a client that is away or slow: its order, its bounds, and what goes first.</summary>
public abstract class QueueTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : QueueTests(StoreKind.None);

    public sealed class WithMemoryStore() : QueueTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : QueueTests(StoreKind.SlowCommit);

    [Theory, Versions]
    [Spec(V311, "3.1.2-5")]
    [Spec(V311, "4.5.0-1")]
    [Spec(V5, "4.5.0-1")]
    public void QoS_1_and_2_wait_for_a_client_that_is_away_in_order_and_QoS_0_does_not(MqttProtocolVersion version)
    {
        var subscriber = Away(version);
        var publisher = Connect("publisher", version);
        for (var i = 0; i < 30; i++)
            publisher.Publish("t", $"{i}", (QualityOfService)(i % 3));

        subscriber = Resume("subscriber", version);

        var received = Enumerable.Range(0, 20).Select(_ => subscriber.Expect<PublishPacket>()).ToList();
        received.Should().OnlyContain(message => !message.Duplicate);
        var texts = received.ToLookup(message => message.QualityOfService, message => Encoding.UTF8.GetString(message.Payload.Span));
        texts[QoS1].Should().Equal(Enumerable.Range(0, 10).Select(i => $"{(3 * i) + 1}"));
        texts[QoS2].Should().Equal(Enumerable.Range(0, 10).Select(i => $"{(3 * i) + 2}"));
        subscriber.ExpectNothing();
        Broker.Statistics.Dropped(DropCause.Offline).Should().Be(10);
    }

    [Theory, Versions]
    public void A_full_queue_loses_the_newest(MqttProtocolVersion version)
    {
        WithBroker = options => options with { PublisherPause = TimeSpan.Zero, Limits = new() { QueueCount = 3 } };
        Away(version);
        var publisher = Connect("publisher");
        for (var i = 0; i < 5; i++)
            publisher.Publish("t", $"{i}", QoS1);

        var subscriber = Resume("subscriber", version);

        for (var i = 0; i < 3; i++)
            subscriber.Receive("t", $"{i}");
        subscriber.ExpectNothing();
        Broker.Statistics.Dropped(DropCause.QueueFull).Should().Be(2);
    }

    [Theory, Versions]
    public void A_queue_is_bounded_in_bytes_too(MqttProtocolVersion version)
    {
        WithBroker = options => options with { PublisherPause = TimeSpan.Zero, Limits = new() { QueueBytes = 10_000 } };
        Away(version);
        var publisher = Connect("publisher");
        for (var i = 0; i < 5; i++)
            publisher.Publish("t", $"{i}{new string('x', 4000)}", QoS1);

        var subscriber = Resume("subscriber", version);

        for (var i = 0; i < 2; i++)
            subscriber.Receive("t", $"{i}{new string('x', 4000)}");
        subscriber.ExpectNothing();
        Broker.Statistics.Dropped(DropCause.QueueFull).Should().Be(3);
    }

    [Theory, Versions]
    public void A_message_larger_than_the_whole_queue_reaches_a_client_that_is_there(MqttProtocolVersion version)
    {
        WithBroker = options => options with { PublisherPause = TimeSpan.Zero, Limits = new() { QueueBytes = 1000, QueueCount = 1 } };
        var subscriber = Resume("subscriber", version);
        subscriber.Subscribe("t", QoS2);
        var large = new string('x', 5000);

        Connect("publisher").Publish("t", large, QoS2);

        subscriber.Receive("t", large);
    }

    [Fact]
    public void Expired_messages_make_room_first()
    {
        WithBroker = options => options with { PublisherPause = TimeSpan.Zero, Limits = new() { QueueCount = 3 } };
        Away();
        var publisher = Connect("publisher");
        publisher.Publish("t", "0", QoS1);
        publisher.Publish("t", "1", QoS1, with: packet => packet.MessageExpiryInterval = 5);
        publisher.Publish("t", "2", QoS1);
        Advance(6);
        publisher.Publish("t", "3", QoS1);
        publisher.Publish("t", "4", QoS1);

        var subscriber = Resume("subscriber");

        foreach (var payload in (string[])["0", "2", "3"])
            subscriber.Receive("t", payload);
        subscriber.ExpectNothing();
        Broker.Statistics.Dropped(DropCause.Expired).Should().Be(1);
        Broker.Statistics.Dropped(DropCause.QueueFull).Should().Be(1);
    }

    [Fact]
    public void Each_message_that_expires_makes_room_for_one_when_its_time_comes()
    {
        WithBroker = options => options with { Limits = new() { QueueCount = 3 } };
        Away();
        var publisher = Connect("publisher");
        for (var i = 0; i < 3; i++)
            publisher.Publish("t", $"{i}", QoS1, with: packet => packet.MessageExpiryInterval = (uint)(10 * (i + 1)));

        for (var i = 3; i < 6; i++)
        {
            publisher.Publish("t", "no room", QoS1);
            Advance(10.1);
            publisher.Publish("t", $"{i}", QoS1);
        }

        var subscriber = Resume("subscriber");
        for (var i = 3; i < 6; i++)
            subscriber.Receive("t", $"{i}");
        subscriber.ExpectNothing();
        Broker.Statistics.Dropped(DropCause.QueueFull).Should().Be(3);
        Broker.Statistics.Dropped(DropCause.Expired).Should().Be(3);
    }

    [Fact]
    public void Then_the_oldest_QoS_0_makes_room()
    {
        WithBroker = options => options with { PublisherPause = TimeSpan.Zero, Limits = new() { QueueCount = 3 } };
        var publisher = Connect("publisher");
        publisher.Publish("retained/1", "kept", QoS1, retain: true);
        publisher.Publish("retained/2", "kept", QoS1, retain: true);
        var subscriber = Connect("subscriber", with: packet => packet.ReceiveMaximum = 1);

        // While a retained message waits for the window, everything waits behind it.
        subscriber.Subscribe([new("retained/+", QoS1), new("t", QoS1)]);
        for (var i = 0; i < 6; i++)
        {
            publisher.SendPublish("t", $"{i}", i is 0 or 2 ? QoS0 : QoS1);
            Advance(1.2);
        }

        for (var i = 0; i < 2; i++)
            subscriber.Acknowledge(subscriber.Expect<PublishPacket>());
        foreach (var payload in (string[])["1", "3", "4"])
            subscriber.Receive("t", payload);
        subscriber.ExpectNothing();
        Broker.Statistics.Dropped(DropCause.QueueFull).Should().Be(3);
    }

    [Theory, Versions]
    public void What_was_delivered_makes_room_in_the_queue(MqttProtocolVersion version)
    {
        WithBroker = options => options with { PublisherPause = TimeSpan.Zero, Limits = new() { QueueCount = 2 } };
        var subscriber = Away(version);
        var publisher = Connect("publisher");
        for (var round = 0; round < 3; round++)
        {
            publisher.Publish("t", $"{round}a", QoS1);
            publisher.Publish("t", $"{round}b", QoS2);
            subscriber = Resume("subscriber", version);
            subscriber.Receive("t", $"{round}a");
            subscriber.Receive("t", $"{round}b");
            subscriber.Cut();
        }

        Broker.Statistics.Dropped(DropCause.QueueFull).Should().Be(0);
    }

    // --- Expiry

    [Theory]
    [InlineData(QoS1)]
    [InlineData(QoS2)]
    [Spec(V5, "3.3.2-5")]
    public void A_message_that_expired_while_it_waited_is_not_delivered(QualityOfService quality)
    {
        Away();
        var publisher = Connect("publisher");
        publisher.Publish("t", "expires", quality, with: packet => packet.MessageExpiryInterval = 5);
        publisher.Publish("t", "stays", quality, with: packet => packet.MessageExpiryInterval = 50);
        Advance(6);

        var subscriber = Resume("subscriber");

        subscriber.Receive("t", "stays");
        subscriber.ExpectNothing();
        Broker.Statistics.Dropped(DropCause.Expired).Should().Be(1);
    }

    [Fact]
    [Spec(V5, "3.3.2-6")]
    public void The_expiry_interval_is_what_is_left_of_it()
    {
        Away();
        var online = Connect("online");
        online.Subscribe("t", QoS1);
        Connect("publisher").Publish("t", "message", QoS1, with: packet => packet.MessageExpiryInterval = 100);
        online.Receive("t", "message").MessageExpiryInterval.Should().Be(100);

        Advance(40);

        Resume("subscriber").Receive("t", "message").MessageExpiryInterval.Should().Be(60);
    }

    [Fact]
    [Spec(V5, "4.3.3-7")]
    [Spec(V5, "4.3.3-13")]
    public void A_QoS_2_message_that_was_sent_is_completed_even_if_it_has_expired()
    {
        var subscriber = Resume("subscriber");
        subscriber.Subscribe("t", QoS2);
        var publisher = Resume("publisher");
        publisher.SendPublish("t", "message", QoS2, with: packet => packet.MessageExpiryInterval = 5);
        publisher.Expect<PubRecPacket>();
        subscriber.ReceiveOnly("t", "message");
        subscriber.Cut();
        Advance(10);

        Resume("subscriber").Receive("t", "message").Duplicate.Should().BeTrue();
        publisher.Send(new PubRelPacket { PacketId = 1 });
        publisher.Expect<PubCompPacket>().ReasonCode.Should().Be(ReasonCode.Success);
    }

    [Fact]
    public void The_time_that_the_broker_is_down_counts_against_a_message()
    {
        if (!HasStore)
            return;
        Away();
        var publisher = Connect("publisher");
        publisher.Publish("t", "expires", QoS1, with: packet => packet.MessageExpiryInterval = 20);
        publisher.Publish("t", "stays", QoS1, with: packet => packet.MessageExpiryInterval = 100);
        Harness.Stop();
        Harness.Time.Advance(TimeSpan.FromSeconds(50));
        Harness.Begin();

        var subscriber = Resume("subscriber");

        subscriber.Receive("t", "stays").MessageExpiryInterval.Should().BeInRange(40, 50);
        subscriber.ExpectNothing();
    }

    // --- Maximum packet size of the client

    [Theory]
    [InlineData(QoS0)]
    [InlineData(QoS1)]
    [InlineData(QoS2)]
    [Spec(V5, "3.1.2-24")]
    [Spec(V5, "3.1.2-25")]
    public void A_message_larger_than_the_client_accepts_is_dropped_as_if_it_had_been_delivered(QualityOfService quality)
    {
        var subscriber = Connect("subscriber", with: packet => (packet.MaximumPacketSize, packet.ReceiveMaximum) = (100, 1));
        subscriber.Subscribe("t", QoS2);
        var publisher = Connect("publisher");

        publisher.Publish("t", new string('x', 100), quality);
        publisher.Publish("t", "small", quality);

        subscriber.Receive("t", "small");
        Broker.Statistics.Dropped(DropCause.TooLarge).Should().Be(1);
    }

    [Theory]
    [InlineData(QoS0)]
    [InlineData(QoS1)]
    [Spec(V5, "3.1.2-24")]
    public void The_size_is_judged_with_all_that_the_copy_carries(QualityOfService quality)
    {
        var subscriber = Connect("subscriber", with: packet => packet.MaximumPacketSize = 100);
        subscriber.Subscribe([new("t", QoS2)], identifier: 1000);

        Connect("publisher").Publish("t", new string('x', 92), quality);

        subscriber.ExpectNothing();
        Broker.Statistics.Dropped(DropCause.TooLarge).Should().Be(1);
    }

    [Fact]
    [Spec(V5, "3.1.2-24")]
    public void A_retained_message_that_is_too_large_does_not_hold_up_the_others()
    {
        var publisher = Connect("publisher");
        publisher.Publish("a", new string('x', 200), retain: true);
        publisher.Publish("b", "small", retain: true);
        var subscriber = Connect("subscriber", with: packet => packet.MaximumPacketSize = 100);

        subscriber.Subscribe("#");

        subscriber.Receive("b", "small");
        Broker.Statistics.Dropped(DropCause.TooLarge).Should().Be(1);
    }

    [Fact]
    [Spec(V5, "3.1.2-24")]
    public void An_answer_larger_than_the_client_accepts_is_not_sent()
    {
        var client = Connect("client", with: packet => packet.MaximumPacketSize = 30);

        client.Send(new SubscribePacket { PacketId = 1, Subscriptions = [.. Enumerable.Range(0, 40).Select(i => new TopicSubscription($"{i}"))] });

        client.ExpectNothing();
        Connect("publisher").Publish("7", "subscribed all the same");
        client.Receive("7", "subscribed all the same");
    }

    [Fact]
    [Spec(V5, "3.1.2-24")]
    public void A_client_that_cannot_be_told_the_limits_is_refused()
    {
        var client = Open();

        client.Connect(new ConnectPacket { ClientId = "client", MaximumPacketSize = 10 }).ReasonCode.Should().Be(ReasonCode.PacketTooLarge);

        client.ExpectEnd();
        Broker.SessionCount.Should().Be(0);
    }

    [Theory]
    [InlineData(1000u, true)]
    [InlineData(30u, false)]
    [Spec(V5, "3.14.2-3")]
    public void The_goodbye_says_why_where_the_client_accepts_a_packet_of_that_size(uint maximum, bool explained)
    {
        var client = Connect("client", with: packet => packet.MaximumPacketSize = maximum);

        client.SendPublish("", with: packet => packet.TopicAlias = 3);

        var goodbye = client.Expect<DisconnectPacket>();
        goodbye.ReasonCode.Should().Be(ReasonCode.ProtocolError);
        (goodbye.ReasonString is not null).Should().Be(explained);
        goodbye.Frame.Length.Should().BeLessThanOrEqualTo((int)maximum);
    }

    [Theory]
    [InlineData(QoS0, 94)]
    [InlineData(QoS1, 92)]
    [InlineData(QoS2, 92)]
    public void A_message_of_exactly_the_size_that_the_client_accepts_is_delivered(QualityOfService quality, int payloadBytes)
    {
        var subscriber = Connect("subscriber", with: packet => packet.MaximumPacketSize = 100);
        subscriber.Subscribe("t", QoS2);

        Connect("publisher").Publish("t", new string('x', payloadBytes), quality);

        subscriber.Receive("t", new string('x', payloadBytes)).Frame.Length.Should().Be(100);
    }

    [Fact]
    public void A_queued_message_larger_than_the_next_connection_accepts_is_dropped()
    {
        Away();
        var publisher = Connect("publisher");
        publisher.Publish("t", new string('x', 100), QoS1);
        publisher.Publish("t", "small", QoS1);

        var subscriber = Resume("subscriber", with: packet => packet.MaximumPacketSize = 100);

        subscriber.Receive("t", "small");
        subscriber.ExpectNothing();
    }

    [Theory]
    [InlineData(QoS1)]
    [InlineData(QoS2)]
    public void A_message_in_flight_that_is_larger_than_the_next_connection_accepts_is_dropped(QualityOfService quality)
    {
        var subscriber = Resume("subscriber");
        subscriber.Subscribe("t", QoS2);
        var publisher = Connect("publisher");
        publisher.Publish("t", new string('x', 100), quality);
        publisher.Publish("t", "small", quality);
        subscriber.Expect<PublishPacket>();
        subscriber.Expect<PublishPacket>();
        subscriber.Cut();

        subscriber = Resume("subscriber", with: packet => packet.MaximumPacketSize = 100);

        subscriber.Receive("t", "small");
        subscriber.ExpectNothing();
    }

    private TestClient Away(MqttProtocolVersion version = MqttProtocolVersion.V500)
    {
        var subscriber = Resume("subscriber", version);
        subscriber.Subscribe("t", QoS2);
        subscriber.Cut();
        return subscriber;
    }
}
