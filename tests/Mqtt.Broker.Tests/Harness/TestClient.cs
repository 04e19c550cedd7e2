using System.Text;
using Mqtt.Protocol.Channels;

namespace Mqtt.Broker.Tests;

/// <summary>A client that does exactly what the test says, packet by packet; whole exchanges in one call where the test is about something else.</summary>
internal sealed class TestClient : IDisposable
{
    private readonly BrokerHarness harness;
    private readonly ScriptedPeer peer;
    private ushort lastPacketId;

    public TestClient(BrokerHarness harness, MqttChannel channel, MqttProtocolVersion version)
    {
        this.harness = harness;
        peer = new ScriptedPeer(channel, version: version, pump: harness.Pump);
    }

    public MqttProtocolVersion Version => peer.Version;

    public bool IsV5 => Version == MqttProtocolVersion.V500;

    /// <summary>The answer to CONNECT.</summary>
    public ConnAckPacket Answer { get; private set; } = null!;

    // --- Packets

    public void Send(MqttPacket packet) => peer.Send(packet);

    public void SendBytes(params ReadOnlySpan<byte> bytes) => peer.SendBytes(bytes);

    public T Expect<T>()
        where T : MqttPacket
    {
        harness.Run();
        return peer.Expect<T>();
    }

    public void ExpectNothing()
    {
        harness.Run();
        peer.ExpectNothing();
    }

    /// <summary>The connection is closed, and nothing more came.</summary>
    public void ExpectEnd()
    {
        harness.Run();
        peer.ExpectEnd();
    }

    /// <summary>The broker says goodbye with this code (5.0) or without a word (3.x), and closes.</summary>
    public void ExpectGoodbye(ReasonCode code)
    {
        if (IsV5)
            Expect<DisconnectPacket>().ReasonCode.Should().Be(code);
        ExpectEnd();
    }

    /// <summary>An identifier that this client has not used yet.</summary>
    public ushort NextPacketId() => ++lastPacketId;

    // --- Exchanges

    public ConnAckPacket Connect(ConnectPacket packet)
    {
        Send(packet);
        Answer = Expect<ConnAckPacket>();
        return Answer;
    }

    public SubAckPacket Subscribe(string filter, QualityOfService qualityOfService = QualityOfService.AtMostOnce) =>
        Subscribe([new TopicSubscription(filter, qualityOfService)]);

    public SubAckPacket Subscribe(IReadOnlyList<TopicSubscription> subscriptions, uint? identifier = null)
    {
        var packet = new SubscribePacket { PacketId = NextPacketId(), Subscriptions = subscriptions };
        if (identifier is not null)
            packet.SubscriptionIdentifier = identifier;
        Send(packet);
        var answer = Expect<SubAckPacket>();
        answer.PacketId.Should().Be(packet.PacketId);
        return answer;
    }

    public UnsubAckPacket Unsubscribe(params MqttString[] filters)
    {
        var packet = new UnsubscribePacket { PacketId = NextPacketId(), Filters = filters };
        Send(packet);
        var answer = Expect<UnsubAckPacket>();
        answer.PacketId.Should().Be(packet.PacketId);
        return answer;
    }

    /// <summary>Publishes and takes all acknowledgements; the code of the first of them.</summary>
    public ReasonCode Publish(
        string topic, string payload = "", QualityOfService qualityOfService = QualityOfService.AtMostOnce, bool retain = false, Action<PublishPacket>? with = null)
    {
        var packet = MakePublish(topic, payload, qualityOfService, retain, with);
        Send(packet);
        switch (qualityOfService)
        {
            case QualityOfService.AtLeastOnce:
                var acknowledged = Expect<PubAckPacket>();
                acknowledged.PacketId.Should().Be(packet.PacketId);
                return acknowledged.ReasonCode;
            case QualityOfService.ExactlyOnce:
                var received = Expect<PubRecPacket>();
                received.PacketId.Should().Be(packet.PacketId);
                if (received.ReasonCode >= ReasonCode.UnspecifiedError)
                    return received.ReasonCode;
                Send(new PubRelPacket { PacketId = packet.PacketId });
                Expect<PubCompPacket>().PacketId.Should().Be(packet.PacketId);
                return received.ReasonCode;
            default:
                harness.Run();
                return ReasonCode.Success;
        }
    }

    /// <summary>Sends PUBLISH and waits for nothing; returns the packet.</summary>
    public PublishPacket SendPublish(
        string topic, string payload = "", QualityOfService qualityOfService = QualityOfService.AtMostOnce, bool retain = false, Action<PublishPacket>? with = null)
    {
        var packet = MakePublish(topic, payload, qualityOfService, retain, with);
        Send(packet);
        return packet;
    }

    /// <summary>The next packet is this message; it is acknowledged to the end.</summary>
    public PublishPacket Receive(string topic, string payload)
    {
        var message = Expect<PublishPacket>();
        TextOf(message).Should().Be($"{topic}: {payload}");
        Acknowledge(message);
        return message;
    }

    /// <summary>The next packets are these messages, in any order, since they may be of several QoS; they are acknowledged when all have come.</summary>
    public void ReceiveAll(string topic, params IReadOnlyList<string> payloads)
    {
        var messages = payloads.Select(_ => Expect<PublishPacket>()).ToList();
        messages.Select(TextOf).Should().BeEquivalentTo(payloads.Select(payload => $"{topic}: {payload}"));
        messages.ForEach(Acknowledge);
    }

    /// <summary>The next packet is this message; it stays unacknowledged.</summary>
    public PublishPacket ReceiveOnly(string topic, string payload)
    {
        var message = Expect<PublishPacket>();
        TextOf(message).Should().Be($"{topic}: {payload}");
        return message;
    }

    /// <summary>Acknowledges a message to the end.</summary>
    public void Acknowledge(PublishPacket message)
    {
        if (message.QualityOfService == QualityOfService.AtLeastOnce)
        {
            Send(new PubAckPacket { PacketId = message.PacketId });
        }
        else if (message.QualityOfService == QualityOfService.ExactlyOnce)
        {
            Send(new PubRecPacket { PacketId = message.PacketId });
            Expect<PubRelPacket>().PacketId.Should().Be(message.PacketId);
            Send(new PubCompPacket { PacketId = message.PacketId });
        }

        harness.Run();
    }

    /// <summary>Says goodbye; the broker closes the connection.</summary>
    public void Disconnect(ReasonCode code = ReasonCode.NormalDisconnection, uint? expiry = null)
    {
        var packet = new DisconnectPacket { ReasonCode = code };
        if (expiry is not null)
            packet.SessionExpiryInterval = expiry;
        Send(packet);
        ExpectEnd();
        Cut();
    }

    /// <summary>Ends the client's sending side; what it has sent before is still there to be read.</summary>
    public void EndSending() => peer.CompleteWriting();

    /// <summary>The network breaks.</summary>
    public void Cut()
    {
        peer.Abort();
        harness.Run();
    }

    public void Dispose() => Cut();

    private PublishPacket MakePublish(string topic, string payload, QualityOfService qualityOfService, bool retain, Action<PublishPacket>? with)
    {
        var packet = new PublishPacket
        {
            Topic = topic,
            Payload = Encoding.UTF8.GetBytes(payload),
            QualityOfService = qualityOfService,
            Retain = retain,
            PacketId = qualityOfService == QualityOfService.AtMostOnce ? (ushort)0 : NextPacketId(),
        };
        with?.Invoke(packet);
        return packet;
    }

    private static string TextOf(PublishPacket message) => $"{message.Topic}: {Encoding.UTF8.GetString(message.Payload.Span)}";
}
