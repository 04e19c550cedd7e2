using Mqtt.Protocol;
using Mqtt.Testing;

namespace Mqtt.Delivery.Tests.Lossy;

/// <summary>What goes over the link: a packet type, an identifier, and for PUBLISH the message.</summary>
public readonly record struct Letter(MqttPacketType Type, ushort PacketId, Message? Message = null, bool Duplicate = false, bool Failed = false);

/// <summary>A message under way: its number at its QoS.</summary>
public sealed record Message(QualityOfService QualityOfService, int Number);

/// <summary>
/// One network connection in virtual time: in each direction letters arrive in order, each after a while. When it is cut, what is under
/// way in either direction is lost.
/// </summary>
public sealed class LossyLink(VirtualTime time, SeededRandom random)
{
    private readonly long[] lastArrivals = new long[2];
    private bool isCut;

    public Action<Letter>? ToReceiver { get; set; }

    public Action<Letter>? ToSender { get; set; }

    public int LostCount { get; private set; }

    public void FromSender(Letter letter) => Carry(letter, 0, () => ToReceiver!(letter));

    public void FromReceiver(Letter letter) => Carry(letter, 1, () => ToSender!(letter));

    public void Cut() => isCut = true;

    private void Carry(Letter letter, int direction, Action arrive)
    {
        if (isCut)
            throw new InvalidOperationException($"{letter} is sent over a connection that is gone.");
        var now = time.Elapsed.Ticks;
        var arrival = Math.Max(now + random.Next(1, 20) * TimeSpan.TicksPerMillisecond, lastArrivals[direction]);
        lastArrivals[direction] = arrival;
        time.CreateTimer(_ => Arrive(arrive), null, TimeSpan.FromTicks(arrival - now), Timeout.InfiniteTimeSpan);
    }

    private void Arrive(Action arrive)
    {
        if (isCut)
            LostCount++;
        else
            arrive();
    }
}
