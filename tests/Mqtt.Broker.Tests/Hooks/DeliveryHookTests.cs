using Mqtt.Server.Broker;

namespace Mqtt.Broker.Tests;

/// <summary>What observers are told of copies and of retained messages.</summary>
public abstract class DeliveryHookTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : DeliveryHookTests(StoreKind.None);

    public sealed class WithMemoryStore() : DeliveryHookTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : DeliveryHookTests(StoreKind.SlowCommit);

    [Theory, InlineData(true), InlineData(false)]
    public void Observers_see_each_copy_leave_and_come_to_its_end(bool inline)
    {
        var recorder = Record(inline, "delivered", "acknowledged", "completed", "dropped");
        var subscriber = Connect("s");
        subscriber.Subscribe("#", QoS2);
        var publisher = Connect("p");

        publisher.Publish("a", "0");
        subscriber.Receive("a", "0");
        recorder.Take().Should().Equal("delivered s 0#0 a: 0");

        publisher.Publish("b", "1", QoS1);
        subscriber.Receive("b", "1");
        recorder.Take().Should().Equal("delivered s 1#1 b: 1", "acknowledged s 1#1 b: 1", "completed s 1#1");

        publisher.Publish("c", "2", QoS2);
        subscriber.Receive("c", "2");
        recorder.Take().Should().Equal("delivered s 2#2 c: 2", "acknowledged s 2#2 c: 2", "completed s 2#2");
    }

    [Fact]
    public void Observers_see_that_a_client_refused_a_copy()
    {
        var recorder = Record(inline: false, "acknowledged", "completed");
        var subscriber = Connect("s");
        subscriber.Subscribe("#", QoS2);

        Connect("p").Publish("t", "2", QoS2);
        var message = subscriber.ReceiveOnly("t", "2");
        subscriber.Send(new PubRecPacket { PacketId = message.PacketId, ReasonCode = ReasonCode.QuotaExceeded });
        Run();

        recorder.Take().Should().Equal("acknowledged s 2#1 t: 2 refused", "completed s 2#1");
    }

    [Fact]
    public void Observers_see_that_a_copy_is_sent_again()
    {
        var recorder = Record(inline: false, "delivered", "acknowledged");
        var subscriber = Resume("s");
        subscriber.Subscribe("#", QoS1);
        Connect("p").Publish("t", "1", QoS1);
        subscriber.ReceiveOnly("t", "1");
        subscriber.Cut();

        Resume("s").Receive("t", "1");

        recorder.Take().Should().Equal("delivered s 1#1 t: 1", "delivered s 1#1 t: 1 again", "acknowledged s 1#1 t: 1");
    }

    [Fact]
    public void Observers_see_what_is_dropped_and_why()
    {
        WithBroker = options => options with { Limits = options.Limits with { QueueCount = 1 } };
        var recorder = Record(inline: false, "dropped");
        var subscriber = Resume("s", with: packet => packet.MaximumPacketSize = 50);
        subscriber.Subscribe("#", QoS1);
        var publisher = Connect("p");

        publisher.Publish("t", new string('x', 50));
        publisher.Publish("t", new string('y', 50), QoS1);
        subscriber.Cut();
        publisher.Publish("t", "offline");
        publisher.Publish("t", "short", QoS1, with: packet => packet.MessageExpiryInterval = 1);
        publisher.Publish("t", "full", QoS1);
        Advance(2);
        publisher.Publish("t", "fits", QoS1);

        recorder.Take().Should().Equal(
            $"dropped s 0#0 t: {new string('x', 50)} TooLarge",
            $"dropped s 1#0 t: {new string('y', 50)} TooLarge",
            "dropped s 0#0 t: offline Offline",
            "dropped s 1#0 t: full QueueFull",
            "dropped s 1#0 t: short Expired");
    }

    [Fact]
    public void Observers_see_that_the_packet_identifiers_of_a_client_are_used_up_once_until_there_is_room()
    {
        WithBroker = options => options with { Limits = options.Limits with { InFlightMaximum = 65_535, QueueCount = 100_000 } };
        var recorder = Record(inline: true, "exhausted");
        var subscriber = Connect("s");
        subscriber.Subscribe("#", QoS1);
        var publisher = Connect("p");

        for (var i = 0; i < 65_535; i++)
        {
            publisher.SendPublish("t", "", QoS1, with: static packet => packet.PacketId = 1);
            publisher.Expect<PubAckPacket>();
        }

        recorder.Take().Should().BeEmpty();
        publisher.Publish("t", "waits", QoS1, with: static packet => packet.PacketId = 1);
        publisher.Publish("t", "waits too", QoS1, with: static packet => packet.PacketId = 1);
        recorder.Take().Should().Equal("exhausted s");

        var first = subscriber.Receive("t", "");
        first.PacketId.Should().Be(1);
        recorder.Take().Should().BeEmpty();
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Observers_see_retained_messages_come_and_go(bool inline)
    {
        var recorder = Record(inline, "retained");
        var publisher = Connect("p");
        publisher.Publish("a", "1", QoS1, retain: true);
        publisher.Publish("b", "2", retain: true, with: packet => packet.MessageExpiryInterval = 1);
        publisher.Publish("c", "not kept");
        publisher.Publish("none", "", retain: true);
        recorder.Take().Should().Equal("retained a: 1", "retained b: 2");

        Advance(2);
        var subscriber = Connect("s");
        subscriber.Subscribe("#");
        subscriber.Receive("a", "1");
        recorder.Take().Should().BeEquivalentTo("retained expired b: 2", "retained delivered s a: 1");

        publisher.Publish("a", "", retain: true);
        recorder.Take().Should().Equal("retained removed a");
    }

    private Recorder Record(bool inline, params string[] only)
    {
        var recorder = inline ? new InlineRecorder { Only = only } : new Recorder { Only = only };
        var others = WithBroker ?? (options => options);
        WithBroker = options => others(options) with { Hooks = [recorder] };
        return recorder;
    }
}
