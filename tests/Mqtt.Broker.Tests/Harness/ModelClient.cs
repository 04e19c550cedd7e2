using System.Text;
using Mqtt.Protocol.Channels;

namespace Mqtt.Broker.Tests;

/// <summary>
/// A client that keeps its half of the session as the standard demands, over any number of connections: it sends again what was not
/// acknowledged, and does not take a QoS 2 message twice. What it was given, and what the broker has taken over from it, it writes down.
/// </summary>
internal sealed class ModelClient(BrokerHarness harness, string clientId, MqttProtocolVersion version, bool isDurable)
{
    // Its half of the session.
    private readonly List<Outgoing> outgoing = [];
    private readonly HashSet<ushort> received = [];
    private ushort lastPacketId;
    private bool hasSession;

    // The present connection.
    private readonly byte[] buffer = new byte[64 * 1024];
    private readonly Queue<MqttPacket> arrived = new();
    private byte[] unread = [];
    private MqttChannel? channel;
    private MqttPacketReader? reader;
    private Task<int>? reading;

    public string ClientId => clientId;

    public bool IsDurable => isDurable;

    /// <summary>What it subscribes to on each connection whose session is new.</summary>
    public IReadOnlyList<TopicSubscription> Filters { get; init; } = [];

    /// <summary>True once the broker has granted <see cref="Filters"/> to the present session.</summary>
    public bool IsSubscribed { get; private set; }

    /// <summary>True from CONNACK on.</summary>
    public bool IsConnected { get; private set; }

    /// <summary>True while there is a connection, be it accepted or not.</summary>
    public bool HasConnection => channel is not null;

    /// <summary>How many of its messages are not acknowledged to the end.</summary>
    public int OutgoingCount => outgoing.Count;

    /// <summary>All messages that it took, in their order, with the QoS under which they came.</summary>
    public List<(string Payload, QualityOfService QualityOfService)> Delivered { get; } = [];

    /// <summary>The messages that the broker has acknowledged, and so taken over.</summary>
    public HashSet<string> Owned { get; } = [];

    /// <summary>Connects; <paramref name="anew"/> lets the old session end (not for 3.1, which does not say whether there is one).</summary>
    public void Connect(bool anew = false)
    {
        Forget();
        channel = harness.Dial();
        reader = new MqttPacketReader(version, MqttSender.Server);
        var packet = new ConnectPacket { Version = version, ClientId = clientId, CleanStart = anew || !isDurable, KeepAliveSeconds = 0 };
        if (version == MqttProtocolVersion.V500 && isDurable)
            packet.SessionExpiryInterval = 3600;
        Send(packet);
    }

    /// <summary>The network breaks; what was not read is lost.</summary>
    public void Cut()
    {
        channel?.Abort();
        Forget();
    }

    public void Disconnect()
    {
        Send(new DisconnectPacket());
        Cut();
    }

    public void Publish(string topic, string payload, QualityOfService qualityOfService)
    {
        var packet = new PublishPacket { Topic = topic, Payload = Encoding.UTF8.GetBytes(payload), QualityOfService = qualityOfService };
        if (qualityOfService != QualityOfService.AtMostOnce)
        {
            do
                lastPacketId = (ushort)(lastPacketId % 1000 + 1);
            while (outgoing.Exists(other => other.Packet.PacketId == lastPacketId));
            packet.PacketId = lastPacketId;
            outgoing.Add(new Outgoing(packet, payload));
        }

        Send(packet);
    }

    /// <summary>Subscribes again; nothing may be lost by that.</summary>
    public void SubscribeAgain() => Send(new SubscribePacket { PacketId = 60_000, Subscriptions = Filters });

    /// <summary>Lets its subscriptions go, until it subscribes again.</summary>
    public void Unsubscribe() => Send(new UnsubscribePacket { PacketId = 60_001, Filters = [.. Filters.Select(filter => filter.Filter)] });

    /// <summary>Takes at most so many of the packets that have come; returns how many there were.</summary>
    public int Process(int most = int.MaxValue)
    {
        Receive();
        var count = 0;
        for (; count < most && arrived.TryDequeue(out var packet); count++)
            Process(packet);
        return count;
    }

    private void Process(MqttPacket packet)
    {
        switch (packet)
        {
            case ConnAckPacket answer:
                OnConnAck(answer);
                break;
            case SubAckPacket:
                IsSubscribed = true;
                break;
            case UnsubAckPacket:
                IsSubscribed = false;
                break;
            case PublishPacket publish:
                OnPublish(publish);
                break;
            case PubAckPacket acknowledged:
                OnAcknowledged(acknowledged, isComplete: true);
                break;
            case PubRecPacket acknowledged:
                OnAcknowledged(acknowledged, isComplete: false);
                Send(new PubRelPacket { PacketId = acknowledged.PacketId });
                break;
            case PubCompPacket completed:
                outgoing.RemoveAll(message => message.Packet.PacketId == completed.PacketId && message.IsReleased);
                break;
            case PubRelPacket release:
                received.Remove(release.PacketId);
                Send(new PubCompPacket { PacketId = release.PacketId });
                break;
            case DisconnectPacket goodbye:
                goodbye.ReasonCode.Should().BeOneOf(ReasonCode.SessionTakenOver, ReasonCode.ServerShuttingDown);
                Cut();
                break;
            default:
                throw new InvalidOperationException($"{packet.Type} came.");
        }
    }

    private void OnConnAck(ConnAckPacket answer)
    {
        answer.ReasonCode.Should().Be(ReasonCode.Success);
        IsConnected = true;

        // 3.1 does not say whether there is a session; a kept one is always there.
        var present = version == MqttProtocolVersion.V310 ? isDurable && hasSession : answer.SessionPresent;
        hasSession = true;
        if (!present)
        {
            outgoing.Clear();
            received.Clear();
            IsSubscribed = false;
        }

        foreach (var message in outgoing)
        {
            message.Packet.Duplicate = true;
            Send(message.IsReleased ? new PubRelPacket { PacketId = message.Packet.PacketId } : message.Packet);
        }

        if (!IsSubscribed && Filters.Count > 0)
            SubscribeAgain();
    }

    private void OnPublish(PublishPacket publish)
    {
        var isNew = publish.QualityOfService != QualityOfService.ExactlyOnce || received.Add(publish.PacketId);
        if (isNew)
            Delivered.Add((Encoding.UTF8.GetString(publish.Payload.Span), publish.QualityOfService));
        if (publish.QualityOfService == QualityOfService.AtLeastOnce)
            Send(new PubAckPacket { PacketId = publish.PacketId });
        else if (publish.QualityOfService == QualityOfService.ExactlyOnce)
            Send(new PubRecPacket { PacketId = publish.PacketId });
    }

    private void OnAcknowledged(PublishResponsePacket packet, bool isComplete)
    {
        (packet.ReasonCode < ReasonCode.UnspecifiedError).Should().BeTrue();
        if (outgoing.Find(message => message.Packet.PacketId == packet.PacketId) is not { } acknowledged)
            return;
        Owned.Add(acknowledged.Payload);
        acknowledged.IsReleased = true;
        if (isComplete)
            outgoing.Remove(acknowledged);
    }

    private void Send(MqttPacket packet)
    {
        if (channel is null)
            return;
        var bytes = new byte[MqttPacketWriter.Measure(packet, version)];
        MqttPacketWriter.Write(bytes, packet, version);
        try
        {
            BrokerHarness.Quietly(() => channel.WriteAsync(bytes).AsTask()).GetAwaiter().GetResult();
        }
        catch (MqttConnectionException)
        {
            Forget();
        }
    }

    // Everything that has come so far, as far as it is whole.
    private void Receive()
    {
        while (channel is not null)
        {
            reading ??= BrokerHarness.Quietly(ReadAsync);
            if (!reading.IsCompleted)
                return;
            if (!reading.IsCompletedSuccessfully || reading.Result == 0)
            {
                Forget();
                return;
            }

            byte[] bytes = [.. unread, .. buffer.AsSpan(0, reading.Result)];
            reading = null;
            var at = 0;
            while (reader!.TryRead(bytes.AsMemory(at), out var packet, out var consumed))
            {
                reader.Detach();
                arrived.Enqueue(packet);
                at += consumed;
            }

            unread = bytes[at..];
        }
    }

    private async Task<int> ReadAsync() => await channel!.ReadAsync(buffer);

    private void Forget()
    {
        channel = null;
        reading = null;
        unread = [];
        arrived.Clear();
        IsConnected = false;
    }

    private sealed record Outgoing(PublishPacket Packet, string Payload)
    {
        // PUBREC came: PUBREL is sent from here on.
        public bool IsReleased { get; set; }
    }
}
