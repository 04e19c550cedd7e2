using Mqtt.Server.Broker.Rules;

namespace Mqtt.Broker.Tests;

/// <summary>Handlers for topics with named levels, in front of a broker.</summary>
public abstract class TopicMuxTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : TopicMuxTests(StoreKind.None);

    public sealed class WithMemoryStore() : TopicMuxTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : TopicMuxTests(StoreKind.SlowCommit);

    [Theory]
    [InlineData(QoS0)]
    [InlineData(QoS1)]
    [InlineData(QoS2)]
    public void A_request_is_answered_through_the_broker_with_its_quality_of_service(QualityOfService qualityOfService)
    {
        Use(new MqttTopicMux().Map("echo/{name}", (request, stop) => request.RespondAsync($"{request.Parameters["name"]}: {request.GetText()}", stop)));
        var reader = Resume("reader");
        reader.Subscribe("answers/+", QoS2);
        var asker = Connect("asker");

        asker.Send(new PublishPacket
        {
            Topic = "echo/seven",
            Payload = "hello"u8.ToArray(),
            QualityOfService = qualityOfService,
            PacketId = (ushort)(qualityOfService == QoS0 ? 0 : asker.NextPacketId()),
            ResponseTopic = "answers/1",
            CorrelationData = new byte[] { 7 },
        });

        var answer = reader.Receive("answers/1", "seven: hello");
        answer.QualityOfService.Should().Be(qualityOfService);
        answer.CorrelationData!.Value.ToArray().Should().Equal(7);
    }

    [Fact]
    public void A_mapped_message_ends_with_its_handler_and_all_others_are_the_brokers()
    {
        Use(new MqttTopicMux().Map("mine/{x}", (_, _) => default));
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("#");
        var publisher = Connect("publisher");

        publisher.Publish("mine/1", "kept", QoS1, retain: true).Should().Be(ReasonCode.Success);
        publisher.Publish("yours/1", "relayed", QoS1);

        subscriber.ReceiveOnly("yours/1", "relayed");
        Harness.Broker.RetainedCount.Should().Be(0);
    }

    [Fact]
    public void A_message_that_its_handler_passes_on_goes_to_who_subscribes()
    {
        Use(new MqttTopicMux().Map("mine/{x}", (request, _) =>
        {
            request.PassOn();
            return default;
        }));
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("#");

        Connect("publisher").Publish("mine/1", "message", QoS1);

        subscriber.ReceiveOnly("mine/1", "message");
    }

    [Fact]
    public void A_message_that_its_handler_refuses_or_fails_at_is_refused_and_the_next_one_is_not()
    {
        Use(new MqttTopicMux()
            .Map("refuse", (request, _) =>
            {
                request.Refuse(ReasonCode.PayloadFormatInvalid);
                return default;
            })
            .Map("throw", (_, _) => throw new InvalidOperationException("as announced")));
        var publisher = Connect("publisher");

        publisher.Publish("refuse", "message", QoS1).Should().Be(ReasonCode.PayloadFormatInvalid);
        publisher.Publish("throw", "message", QoS1).Should().Be(ReasonCode.ImplementationSpecificError);
        publisher.Publish("other", "message", QoS1).Should().Be(ReasonCode.NoMatchingSubscribers);
        Harness.Log.Clear();
    }

    [Fact]
    public void A_topic_alias_finds_its_handler_too()
    {
        WithBroker = options => options with { Limits = options.Limits with { TopicAliasMaximum = 5 } };
        var heard = new List<string>();
        Use(new MqttTopicMux().Map("mine/{x}", (request, _) =>
        {
            heard.Add($"{request.Topic} {request.Parameters["x"]}");
            return default;
        }));
        var publisher = Connect("publisher");

        publisher.Send(new PublishPacket { Topic = "mine/1", TopicAlias = 1, QualityOfService = QoS1, PacketId = 1 });
        publisher.Expect<PubAckPacket>();
        publisher.Send(new PublishPacket { TopicAlias = 1, QualityOfService = QoS1, PacketId = 2 });
        publisher.Expect<PubAckPacket>();

        heard.Should().Equal("mine/1 1", "mine/1 1");
    }

    private void Use(MqttTopicMux mux)
    {
        var earlier = WithBroker;
        WithBroker = options => (earlier?.Invoke(options) ?? options) with { Hooks = [new TopicMuxHook(mux)] };
    }
}
