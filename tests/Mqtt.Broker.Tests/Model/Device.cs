using System.Text;

namespace Mqtt.Broker.Tests.Model;

/// <summary>
/// A client that keeps its half of the session as the standard demands, over any number of connections; what it sends and sees it tells the
/// model. Its acknowledgements leave when a step says so.
/// </summary>
internal sealed class Device(World world, string clientId)
{
    // Its half of the session.
    private readonly List<(PublishPacket Packet, bool IsReleased)> outgoing = [];
    private readonly HashSet<ushort> received = [];
    private ushort lastPacketId;

    // The present connection.
    private readonly Queue<MqttPacket> owes = new();
    private readonly Dictionary<ushort, MqttString> aliases = [];
    private Link? link;
    private Connection? connection;

    public string ClientId => clientId;

    public bool HasConnection => link is not null;

    /// <summary>CONNACK, SUBACK or UNSUBACK is due; it sends nothing until then.</summary>
    public bool IsWaiting { get; private set; }

    public bool CanSend => link is not null && !IsWaiting;

    /// <summary>How many acknowledgements it could send.</summary>
    public int OwedCount => owes.Count;

    public void Connect(Connect step)
    {
        if (IsWaiting)
            world.CommitsInThisStep();

        // If CONNECT does not arrive, nothing is taken over.
        if (step.CutAfter is not null)
            Cut();
        var version = (MqttProtocolVersion)step.Version;
        var packet = new ConnectPacket { Version = version, ClientId = clientId, CleanStart = step.Clean, KeepAliveSeconds = 0 };
        var will = step.Will;
        if (version == MqttProtocolVersion.V500)
            AddOptions(packet, step);
        else
            will = will is null ? null : will with { Delay = 0, Expiry = 0 };
        packet.Will = will is null ? null : PacketOf(will);
        owes.Clear();
        aliases.Clear();
        connection = null;
        link = world.Open(this, version);
        if (step.CutAfter is { } bytes)
            link.CutSendingAfter(bytes);
        IsWaiting = true;
        Send(packet, () => connection = world.Model.OnConnect(packet, will));
    }

    public void Subscribe(Subscribe step)
    {
        var packet = new SubscribePacket { PacketId = NextPacketId() };
        var subscription = new TopicSubscription(step.Filter, (QualityOfService)step.QoS);
        if (link!.IsV5)
            subscription = subscription with { NoLocal = step.NoLocal, RetainAsPublished = step.AsPublished, RetainHandling = (RetainHandling)step.Handling };
        if (link.IsV5 && step.Identifier != 0)
            packet.SubscriptionIdentifier = (uint)step.Identifier;
        packet.Subscriptions = [subscription];
        IsWaiting = true;
        Send(packet);
    }

    public void Unsubscribe(Unsubscribe step)
    {
        IsWaiting = true;
        Send(new UnsubscribePacket { PacketId = NextPacketId(), Filters = [step.Filter] });
    }

    public void Publish(Publish step)
    {
        var packet = new PublishPacket { Topic = step.Topic, Payload = PayloadOf(step.Payload), QualityOfService = (QualityOfService)step.QoS, Retain = step.Retain };
        if (link!.IsV5 && step.Expiry > 0)
            packet.MessageExpiryInterval = (uint)step.Expiry;
        if (step.QoS > 0)
        {
            packet.PacketId = NextPacketId();
            outgoing.Add((packet, false));
        }

        Send(link.IsV5 && step.Alias > 0 ? WithAlias(packet, (ushort)step.Alias) : packet, () => world.Model.OnReceived(connection!, packet));
    }

    public void Acknowledge(int count)
    {
        while (count-- > 0 && link is not null && owes.TryDequeue(out var packet))
            Send(packet);
    }

    public void Disconnect(Disconnect step)
    {
        var packet = new DisconnectPacket { ReasonCode = link!.IsV5 ? (ReasonCode)step.Code : ReasonCode.NormalDisconnection };
        if (link.IsV5 && step.Expiry >= 0)
            packet.SessionExpiryInterval = (uint)step.Expiry;
        Send(packet);
    }

    /// <summary>Only so many bytes of what it sends next reach the broker.</summary>
    public void CutSendingAfter(int bytes) => link?.CutSendingAfter(bytes);

    public void CutReceivingAfter(int bytes) => link?.CutReceivingAfter(bytes);

    /// <summary>The network breaks.</summary>
    public void Cut()
    {
        if (link is null)
            return;
        var broken = link;
        Lose();
        broken.Dispose();
    }

    /// <summary>The broker is gone: all connections are, and it need not be told.</summary>
    public void Forget()
    {
        link = null;
        connection = null;
        IsWaiting = false;
        owes.Clear();
    }

    /// <summary>A packet has come, or the end, on the present connection or on one that another has replaced.</summary>
    public void See(Link from, MqttPacket? packet)
    {
        if (from != link)
            SeeLast(from, packet);
        else if (packet is not null)
            world.Model.OnSent(connection!, packet);
        from.HasSeenGoodbye |= packet is DisconnectPacket;
    }

    /// <summary>Does what a client does when it has seen a packet, or the end.</summary>
    public void React(Link from, MqttPacket? packet)
    {
        if (packet is null)
            from.IsForgotten = true;
        if (from != link)
            return;
        if (packet is not null)
        {
            React(packet);
            return;
        }

        if (!from.IsCut)
            BrokerModel.OnClosed(connection!, from.HasSeenGoodbye);
        Lose();
    }

    // The connection that was taken over gets nothing more but the reason.
    private static void SeeLast(Link from, MqttPacket? packet)
    {
        if (packet is DisconnectPacket goodbye && goodbye.ReasonCode != ReasonCode.SessionTakenOver)
            throw new ModelException($"{from.ClientId} was taken over, and is told {goodbye.ReasonCode}");
        if (packet is null && from is { IsV5: true, HasSeenGoodbye: false, IsCut: false, IsForgotten: false })
            throw new ModelException($"{from.ClientId} was taken over, and is not told");
    }

    private void React(MqttPacket packet)
    {
        switch (packet)
        {
            case ConnAckPacket answer:
                IsWaiting = false;
                GoOn(link!.Version == MqttProtocolVersion.V310 ? connection!.IsPresent : answer.SessionPresent);
                break;
            case SubAckPacket or UnsubAckPacket:
                IsWaiting = false;
                break;
            case PublishPacket { QualityOfService: QualityOfService.AtLeastOnce } message:
                owes.Enqueue(new PubAckPacket { PacketId = message.PacketId });
                break;
            case PublishPacket { QualityOfService: QualityOfService.ExactlyOnce } message:
                received.Add(message.PacketId);
                owes.Enqueue(new PubRecPacket { PacketId = message.PacketId });
                break;
            case PubRelPacket release:
                received.Remove(release.PacketId);
                owes.Enqueue(new PubCompPacket { PacketId = release.PacketId });
                break;
            case PubRecPacket acknowledged:
                var index = outgoing.FindIndex(message => message.Packet.PacketId == acknowledged.PacketId);
                outgoing[index] = (outgoing[index].Packet, true);
                owes.Enqueue(new PubRelPacket { PacketId = acknowledged.PacketId });
                break;
            case PubAckPacket or PubCompPacket:
                outgoing.RemoveAll(message => message.Packet.PacketId == ((PublishResponsePacket)packet).PacketId);
                break;
        }
    }

    // What was under way is sent again if the session goes on, else forgotten.
    private void GoOn(bool isPresent)
    {
        if (!isPresent)
        {
            outgoing.Clear();
            received.Clear();
        }

        foreach (var (packet, isReleased) in outgoing.ToList())
        {
            packet.Duplicate = true;
            Send(isReleased ? new PubRelPacket { PacketId = packet.PacketId } : packet);
        }
    }

    private void Send(MqttPacket packet) => Send(packet, () => world.Model.OnReceived(connection!, packet));

    private void Send(MqttPacket packet, Action whenReceived)
    {
        if (link is null)
            return;
        if (link.TrySend(packet))
            whenReceived();
        if (link.IsCut)
            Lose();
    }

    // The broker hears of it when it goes on; what it has sent in the meantime nobody reads.
    private void Lose()
    {
        if (IsWaiting)
            world.CommitsInThisStep();
        if (connection is not null)
            world.Model.OnLost(connection);
        link!.IsForgotten = true;
        link = null;
        connection = null;
        IsWaiting = false;
        owes.Clear();
    }

    // On the wire alone: what is sent again has its topic.
    private PublishPacket WithAlias(PublishPacket packet, ushort alias)
    {
        var isSet = aliases.TryGetValue(alias, out var topic) && topic == packet.Topic;
        aliases[alias] = packet.Topic;
        var sent = new PublishPacket
        {
            Topic = isSet ? default : packet.Topic,
            Payload = packet.Payload,
            QualityOfService = packet.QualityOfService,
            Retain = packet.Retain,
            PacketId = packet.PacketId,
            Properties = packet.Properties,
        };
        sent.TopicAlias = alias;
        return sent;
    }

    private ushort NextPacketId()
    {
        do
            lastPacketId++;
        while (lastPacketId == 0 || outgoing.Exists(message => message.Packet.PacketId == lastPacketId));
        return lastPacketId;
    }

    private static void AddOptions(ConnectPacket packet, Connect step)
    {
        (packet.SessionExpiryInterval, packet.ReceiveMaximum) = ((uint)step.Expiry, (ushort)step.Window);
        if (step.Aliases > 0)
            packet.TopicAliasMaximum = (ushort)step.Aliases;
        if (step.Small)
            packet.MaximumPacketSize = Message.LargeBytes;
    }

    private static WillMessage PacketOf(Will will)
    {
        var packet = new WillMessage { Topic = will.Topic, Payload = PayloadOf(will.Payload), QualityOfService = (QualityOfService)will.QoS, Retain = will.Retain };
        if (will.Delay > 0)
            packet.DelayInterval = (uint)will.Delay;
        if (will.Expiry > 0)
            packet.MessageExpiryInterval = (uint)will.Expiry;
        return packet;
    }

    private static ReadOnlyMemory<byte> PayloadOf(int number) =>
        number == 0 ? default : Encoding.UTF8.GetBytes(number.ToString(System.Globalization.CultureInfo.InvariantCulture).PadLeft(Message.IsLargeNumber(number) ? Message.LargeBytes : 1));
}
