using Mqtt.Server.Broker.Storage;

namespace Mqtt.Broker.Tests;

/// <summary>A retained message and a subscription at the same time: the client gets it once, as a retained one or as a new one.</summary>
public sealed class RetainedRaceTests() : BrokerTests(StoreKind.SlowCommit)
{
    [Theory]
    [InlineData(QoS0)]
    [InlineData(QoS1)]
    [InlineData(QoS2)]
    public void What_is_published_before_SUBACK_comes_once(QualityOfService qualityOfService)
    {
        var publisher = Connect("publisher");
        publisher.Publish("t", "old", retain: true);
        var subscriber = Resume("subscriber");
        Harness.CommitsWhenIdle = false;
        subscriber.Send(new SubscribePacket { PacketId = 1, Subscriptions = [new("#", QoS2)] });
        Run();
        publisher.SendPublish("t", "new", qualityOfService, retain: true);
        publisher.SendPublish("u", "newer", qualityOfService, retain: true);
        Run();

        Harness.CommitsWhenIdle = true;

        var packets = Enumerable.Range(0, 3).Select(_ => subscriber.Expect<MqttPacket>()).ToList();
        packets.OfType<SubAckPacket>().Should().ContainSingle();
        packets.OfType<PublishPacket>().Select(message => (message.Topic.ToString(), message.Retain)).Should().Equal(("t", false), ("u", false));
        subscriber.ExpectNothing();
    }

    [Fact]
    public void Who_subscribes_while_a_message_is_kept_gets_it_once()
    {
        var store = new InterruptedStore();
        WithBroker = options => options with { Store = store };
        var subscriber = Connect("subscriber");
        var publisher = Connect("publisher");
        store.Saving = () => Broker.SubscribeAsync("subscriber", [new TopicSubscription("t", QoS1)]).AsTask().IsCompletedSuccessfully.Should().BeTrue();

        publisher.Publish("t", "message", QoS1, retain: true);

        subscriber.Receive("t", "message").Retain.Should().BeTrue();
        subscriber.ExpectNothing();
    }

    /// <summary>A store in which something else happens while a retained message is written.</summary>
    private sealed class InterruptedStore : IBrokerStore, IRetainedStore
    {
        private readonly MemoryStore inner = new();

        public Action Saving { get; set; } = static () => { };

        public long Committed => inner.Committed;

        public Action? CommittedChanged
        {
            get => inner.CommittedChanged;
            set => inner.CommittedChanged = value;
        }

        public ISessionStore Sessions => inner.Sessions;

        public ISubscriptionStore Subscriptions => inner.Subscriptions;

        public IMessageStore Messages => inner.Messages;

        public IRetainedStore Retained => this;

        public void BeginUnit() => inner.BeginUnit();

        public void EndUnit() => inner.EndUnit();

        public long Save(MessageRecord message)
        {
            Saving();
            return inner.Retained.Save(message);
        }

        public long Delete(ReadOnlyMemory<byte> topic) => inner.Retained.Delete(topic);

        public IEnumerable<MessageRecord> Load() => inner.Retained.Load();

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
