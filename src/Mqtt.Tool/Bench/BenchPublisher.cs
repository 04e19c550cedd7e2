using System.Buffers.Binary;
using System.Diagnostics;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Tool.Bench;

/// <summary>
/// What one client publishes: one packet, encoded once, of which each message is a copy with its own identifier and stamp. It sends as long as the receivers
/// and the server let it; each acknowledgement, and each message that a receiver has got, lets it go on. The outbox's gate guards it.
/// </summary>
internal sealed class BenchPublisher
{
    private readonly BenchRun run;
    private readonly Outbox outbox;
    private readonly int number;
    private readonly byte[] template;
    private readonly int packetIdAt;
    private readonly int payloadAt;
    private readonly QualityOfService qualityOfService;
    private readonly OutgoingFlights<long> flights;

    // How many deliveries may be under way, and how many there were; the receivers' threads count them.
    private readonly long windowDeliveries;
    private readonly int receivers;
    private long delivered;
    private uint sent;

    public BenchPublisher(BenchRun run, BenchRole role, Outbox outbox, int number)
    {
        var settings = run.Settings;
        (this.run, this.outbox, this.number, qualityOfService) = (run, outbox, number, settings.QualityOfService);
        flights = new OutgoingFlights<long>(settings.InFlight);
        receivers = role.Receivers;
        windowDeliveries = (long)settings.Window * receivers;

        var packet = new PublishPacket { Topic = role.Topic!, Payload = new byte[settings.PayloadBytes], QualityOfService = qualityOfService, Retain = settings.Retain, PacketId = 1 };
        if (qualityOfService == QualityOfService.AtMostOnce)
            packet.PacketId = 0;
        template = new byte[MqttPacketWriter.Measure(packet, settings.Version)];
        MqttPacketWriter.Write(template, packet, settings.Version);
        payloadAt = template.Length - settings.PayloadBytes;
        packetIdAt = payloadAt - (settings.Version == MqttProtocolVersion.V500 ? 3 : 2);
    }

    /// <summary>How many messages were sent.</summary>
    public uint Sent => Volatile.Read(ref sent);

    /// <summary>How many are not acknowledged.</summary>
    public int UnacknowledgedCount => flights.Count;

    /// <summary>How many deliveries are due in all.</summary>
    public long Expected => (long)Sent * receivers;

    /// <summary>Sends all that may be sent.</summary>
    public void Pump(Turn turn)
    {
        lock (outbox.Gate)
        {
            var now = Stopwatch.GetTimestamp();
            while (MaySend())
                Send(now, turn);
        }
    }

    /// <summary>Sends one message if it may be sent.</summary>
    public bool TrySend(Turn turn)
    {
        lock (outbox.Gate)
        {
            if (!MaySend())
                return false;
            Send(Stopwatch.GetTimestamp(), turn);
            return true;
        }
    }

    /// <summary>Receivers have got so many of its messages.</summary>
    public void OnDelivered(int count, Turn turn)
    {
        var total = Interlocked.Add(ref delivered, count);

        // Half of the window at once: it costs a lock that several threads want.
        if (windowDeliveries > 0 && !run.IsPaced && Expected - total <= windowDeliveries / 2)
            Pump(turn);
    }

    /// <summary>Does not wait any longer for what has not come.</summary>
    public void GiveUpLost(Turn turn)
    {
        Volatile.Write(ref delivered, Expected);
        if (!run.IsPaced)
            Pump(turn);
    }

    /// <summary>Takes PUBACK, PUBREC or PUBCOMP; true if PUBREL is the answer. <see cref="Pump"/> afterwards sends what there is room for.</summary>
    /// <exception cref="MqttConnectionException">The server refused the message.</exception>
    public bool OnResponse(PublishResponsePacket response, long now, BenchTally tally)
    {
        var isRefused = response.ReasonCode >= ReasonCode.UnspecifiedError;
        FlightOutcome outcome;
        long sentAt;
        lock (outbox.Gate)
        {
            outcome = response.Type switch
            {
                MqttPacketType.PubAck => flights.OnPubAck(response.PacketId, out sentAt),
                MqttPacketType.PubRec => flights.OnPubRec(response.PacketId, isRefused, out sentAt),
                _ => flights.OnPubComp(response.PacketId, out sentAt),
            };
        }

        if (isRefused)
            throw new MqttConnectionException($"The server refused a message: {response.ReasonCode}.");
        if (outcome == FlightOutcome.Completed)
            tally.Answers.Add(BenchRun.Nanoseconds(now - sentAt));
        return outcome == FlightOutcome.Release;
    }

    private bool MaySend() =>
        run.MaySend(sent) && !outbox.IsClosed && outbox.HasRoom(template.Length)
        && (windowDeliveries == 0 || Expected - Volatile.Read(ref delivered) < windowDeliveries)
        && (qualityOfService == QualityOfService.AtMostOnce || flights.HasRoom);

    private void Send(long now, Turn turn)
    {
        var frame = outbox.Reserve(template.Length);
        template.CopyTo(frame);
        MessageStamp.Write(frame[payloadAt..], now, number, ++sent);
        if (qualityOfService != QualityOfService.AtMostOnce)
        {
            flights.TryBegin(qualityOfService, now, out var packetId);
            BinaryPrimitives.WriteUInt16BigEndian(frame[packetIdAt..], packetId);
        }

        outbox.Commit(template.Length, turn);
    }
}
