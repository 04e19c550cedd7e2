using Mqtt.Protocol;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Delivery.Tests.Lossy;

/// <summary>Takes messages by the rules of <see cref="IncomingFlights"/>, and answers each at once.</summary>
public sealed class LossyReceiver(Func<Message, bool> refuses)
{
    private IncomingFlights flights = new(1);
    private LossyLink? link;

    /// <summary>Every message that the application got, in order; QoS 1 may come several times.</summary>
    public List<Message> Delivered { get; } = [];

    public int DuplicateCount { get; private set; }

    public void Connect(LossyLink connection, int receiveMaximum)
    {
        link = connection;
        link.ToReceiver = Receive;
        flights.Reconnect(receiveMaximum);
    }

    /// <summary>The process dies and starts again: only what a store keeps of the session goes on.</summary>
    public void Restart()
    {
        var stored = flights.PacketIds;
        flights = new IncomingFlights(1);
        foreach (var packetId in stored)
            flights.Restore(packetId);
    }

    private void Receive(Letter letter)
    {
        if (letter.Type == MqttPacketType.PubRel)
        {
            flights.OnPubRel(letter.PacketId);
            Answer(MqttPacketType.PubComp, letter);
            return;
        }

        var outcome = flights.OnPublish(letter.Message!.QualityOfService, letter.PacketId);
        outcome.Should().NotBe(ArrivalOutcome.QuotaExceeded, "the sender keeps to the Receive Maximum");
        if (letter.Message.QualityOfService == QualityOfService.AtLeastOnce)
            OnQoS1(letter);
        else
            OnQoS2(letter, outcome);
    }

    private void OnQoS1(Letter letter)
    {
        var refused = refuses(letter.Message!);
        if (!refused)
            Delivered.Add(letter.Message!);
        flights.OnPubAckSent();
        Answer(MqttPacketType.PubAck, letter, refused);
    }

    private void OnQoS2(Letter letter, ArrivalOutcome outcome)
    {
        var refused = refuses(letter.Message!);
        if (refused)
            flights.OnRefused(letter.PacketId);
        else if (outcome == ArrivalOutcome.New)
            Delivered.Add(letter.Message!);
        else
            DuplicateCount++;
        Answer(MqttPacketType.PubRec, letter, refused);
    }

    private void Answer(MqttPacketType type, Letter letter, bool failed = false) => link!.FromReceiver(new Letter(type, letter.PacketId, Failed: failed));
}
