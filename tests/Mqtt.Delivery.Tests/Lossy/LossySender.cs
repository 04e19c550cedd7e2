using Mqtt.Protocol;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Delivery.Tests.Lossy;

/// <summary>Publishes messages by the rules of <see cref="OutgoingFlights{T}"/>, and checks from outside what leaves and what comes.</summary>
public sealed class LossySender
{
    private readonly Queue<Message> queue = new();
    private OutgoingFlights<Message> flights = new(1);
    private LossyLink? link;
    private int window;

    // What an observer of the wire knows, for ever and on this connection.
    private readonly Dictionary<ushort, Message> inUse = [];
    private readonly HashSet<ushort> released = [];
    private readonly HashSet<ushort> unacknowledged = [];
    private readonly List<ushort> receipts = [];
    private Queue<ushort> releasesDue = [];

    public List<Message> Completed { get; } = [];

    public List<Message> Refused { get; } = [];

    public int ResentCount { get; private set; }

    public bool IsDone => queue.Count == 0 && flights.Count == 0;

    public void Publish(Message message)
    {
        queue.Enqueue(message);
        if (link is not null)
            Pump();
    }

    public void Disconnect() => link = null;

    public void Connect(LossyLink connection, int receiveMaximum)
    {
        link = connection;
        window = receiveMaximum;
        unacknowledged.Clear();
        releasesDue = new Queue<ushort>(receipts);
        link.ToSender = Receive;
        flights.Reconnect(receiveMaximum);
        Pump();
    }

    /// <summary>The process dies and starts again: only what a store keeps of the session goes on.</summary>
    public void Restart()
    {
        var stored = flights.Flights();
        flights = new OutgoingFlights<Message>(1);
        foreach (var (packetId, state, message) in stored)
            flights.Restore(packetId, state, message);
    }

    private void Pump()
    {
        while (flights.TryNextResend(out var packetId, out var state, out var message))
        {
            ResentCount++;
            if (state == FlightState.AwaitingPubComp)
                Release(packetId);
            else
                Send(packetId, message!, duplicate: true);
        }

        while (queue.TryPeek(out var message) && flights.TryBegin(message.QualityOfService, message, out var packetId))
        {
            inUse.TryAdd(packetId, message).Should().BeTrue("a new message takes an identifier that is not in use");
            Send(packetId, queue.Dequeue(), duplicate: false);
        }
    }

    private void Send(ushort packetId, Message message, bool duplicate)
    {
        packetId.Should().NotBe(0);
        inUse[packetId].Should().BeSameAs(message, "a message keeps its identifier");
        released.Should().NotContain(packetId, "no PUBLISH follows its PUBREL");
        unacknowledged.Add(packetId).Should().BeTrue("nothing is sent twice on one connection");
        unacknowledged.Count.Should().BeLessThanOrEqualTo(window);
        link!.FromSender(new Letter(MqttPacketType.Publish, packetId, message, duplicate));
    }

    private void Release(ushort packetId)
    {
        released.Add(packetId);
        releasesDue.Dequeue().Should().Be(packetId, "PUBRELs leave in the order of the PUBRECs");
        link!.FromSender(new Letter(MqttPacketType.PubRel, packetId));
    }

    private void Receive(Letter letter)
    {
        switch (letter.Type)
        {
            case MqttPacketType.PubAck:
                flights.OnPubAck(letter.PacketId, out var acknowledged).Should().Be(FlightOutcome.Completed);
                Finish(letter, acknowledged);
                break;
            case MqttPacketType.PubRec:
                OnPubRec(letter);
                break;
            default:
                letter.Type.Should().Be(MqttPacketType.PubComp);
                flights.OnPubComp(letter.PacketId, out var completed).Should().Be(FlightOutcome.Completed);
                Finish(letter, completed);
                break;
        }

        Pump();
    }

    private void OnPubRec(Letter letter)
    {
        var outcome = flights.OnPubRec(letter.PacketId, letter.Failed, out var message);
        if (letter.Failed)
        {
            outcome.Should().Be(FlightOutcome.Completed);
            Finish(letter, message);
        }
        else
        {
            outcome.Should().Be(FlightOutcome.Release);
            receipts.Add(letter.PacketId);
            releasesDue.Enqueue(letter.PacketId);
            Release(letter.PacketId);
        }
    }

    private void Finish(Letter letter, Message? message)
    {
        message.Should().BeSameAs(inUse[letter.PacketId]);
        (letter.Failed ? Refused : Completed).Add(message!);
        inUse.Remove(letter.PacketId);
        released.Remove(letter.PacketId);
        receipts.Remove(letter.PacketId);
        unacknowledged.Remove(letter.PacketId);
    }
}
