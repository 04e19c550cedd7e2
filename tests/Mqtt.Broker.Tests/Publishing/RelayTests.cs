using System.Text;

namespace Mqtt.Broker.Tests;

/// <summary>What of a message reaches its subscribers, within a version and between versions.</summary>
public abstract class RelayTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : RelayTests(StoreKind.None);

    public sealed class WithMemoryStore() : RelayTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : RelayTests(StoreKind.SlowCommit);

    [Theory]
    [InlineData(QoS0)]
    [InlineData(QoS1)]
    [InlineData(QoS2)]
    [Spec(V5, "3.3.2-4")]
    [Spec(V5, "3.3.2-15")]
    [Spec(V5, "3.3.2-16")]
    [Spec(V5, "3.3.2-17")]
    [Spec(V5, "3.3.2-18")]
    [Spec(V5, "3.3.2-20")]
    public void All_properties_reach_every_5_subscriber_unaltered_and_in_order(QualityOfService quality)
    {
        var online = Connect("online");
        online.Subscribe("t", QoS2);
        var identified = Connect("identified");
        identified.Subscribe([new("t", QoS2)], identifier: 9);
        var away = Resume("away");
        away.Subscribe("t", QoS2);
        away.Cut();

        Connect("publisher").Publish("t", "payload", quality, retain: true, with: Decorate);

        Check(online.Receive("t", "payload"));
        Check(identified.Receive("t", "payload"));
        if (quality != QoS0)
            Check(Resume("away").Receive("t", "payload"));
        var late = Connect("late");
        late.Subscribe("t", QoS2);
        Check(late.Receive("t", "payload"));
    }

    [Fact]
    [Spec(V5, "3.3.2-17")]
    public void Properties_are_the_same_after_a_restart()
    {
        if (!HasStore)
            return;
        var away = Resume("away");
        away.Subscribe("t", QoS2);
        away.Cut();
        Connect("publisher").Publish("t", "payload", QoS2, retain: true, with: Decorate);

        Harness.Restart();

        Check(Resume("away").Receive("t", "payload"));
        var late = Connect("late");
        late.Subscribe("t");
        Check(late.Receive("t", "payload"));
    }

    [Theory]
    [InlineData(QoS0)]
    [InlineData(QoS1)]
    [InlineData(QoS2)]
    public void Topic_and_payload_pass_between_all_versions(QualityOfService quality)
    {
        MqttProtocolVersion[] versions = [MqttProtocolVersion.V310, MqttProtocolVersion.V311, MqttProtocolVersion.V500];
        var subscribers = versions.Select(version => Connect($"subscriber{version}", version)).ToList();
        subscribers.ForEach(subscriber => subscriber.Subscribe("t", QoS2));

        foreach (var version in versions)
        {
            var publisher = Connect("publisher", version);
            publisher.Publish("t", version.ToString(), quality, with: packet =>
            {
                if (version == MqttProtocolVersion.V500)
                    Decorate(packet);
            });

            foreach (var subscriber in subscribers)
            {
                var message = subscriber.Receive("t", version.ToString());
                message.QualityOfService.Should().Be(quality);
                if (version == MqttProtocolVersion.V500 && subscriber.IsV5)
                    Check(message);
                else
                    message.Properties.IsEmpty.Should().BeTrue();
            }

            publisher.Disconnect();
        }
    }

    [Theory, Versions]
    public void Payloads_of_every_length_and_every_byte_pass(MqttProtocolVersion version)
    {
        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("t", QoS1);
        var publisher = Connect("publisher", version);

        foreach (var length in (int[])[0, 1, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 16_370, 16_383, 16_384, 65_536, 200_000, 2_097_151, 2_097_153])
        {
            var payload = new byte[length];
            for (var i = 0; i < length; i++)
                payload[i] = (byte)(i * 31);
            foreach (var quality in (QualityOfService[])[QoS0, QoS1])
            {
                publisher.Publish("t", "", quality, with: packet => packet.Payload = payload);
                var message = subscriber.Expect<PublishPacket>();
                message.Payload.Span.SequenceEqual(payload).Should().BeTrue();
                subscriber.Acknowledge(message);
            }
        }
    }

    [Theory, Versions]
    [Spec(V311, "1.5.3-3")]
    [Spec(V5, "1.5.4-3")]
    public void Topics_pass_as_they_are(MqttProtocolVersion version)
    {
        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("#");
        var publisher = Connect("publisher", version);

        foreach (var topic in (string[])["/", "a//b", " ", "\uFEFFbom", "é", "e\u0301", "\U0001F600/x", new string('l', 65_000)])
        {
            publisher.Publish(topic, "message");
            subscriber.Receive(topic, "message");
        }
    }

    private static void Decorate(PublishPacket packet)
    {
        packet.PayloadFormatIndicator = 1;
        packet.MessageExpiryInterval = 500;
        packet.ContentType = "text/plain; ü";
        packet.ResponseTopic = "answers/7";
        packet.CorrelationData = new byte[] { 0, 255, 1 };
        packet.UserProperties = [("b", "1"), ("a", "2"), ("b", "1"), ("", "")];
    }

    private static void Check(PublishPacket message)
    {
        message.PayloadFormatIndicator.Should().Be(1);
        message.MessageExpiryInterval.Should().BeInRange(490, 500, "a restart takes its time");
        message.ContentType!.Value.ToString().Should().Be("text/plain; ü");
        message.ResponseTopic!.Value.ToString().Should().Be("answers/7");
        message.CorrelationData!.Value.ToArray().Should().Equal(0, 255, 1);
        message.UserProperties.Select(pair => $"{pair.Name}={pair.Value}").Should().Equal("b=1", "a=2", "b=1", "=");
        Encoding.UTF8.GetString(message.Payload.Span).Should().NotBeEmpty();
    }
}
