using Mqtt.Protocol.Delivery;

namespace Mqtt.Broker.Tests.Model;

/// <summary>One connection of a client: what it sends, as far as the fault lets it through, and what has come.</summary>
internal sealed class Link : IDisposable
{
    private readonly BrokerHarness harness;
    private readonly FaultChannel channel;
    private readonly MqttPacketReader reader;
    private readonly byte[] buffer = new byte[4096];
    private readonly IncomingTopicAliases aliases = new(ushort.MaxValue);
    private byte[] unread = [];
    private Task<int>? reading;

    public Link(BrokerHarness harness, string clientId, MqttProtocolVersion version)
    {
        this.harness = harness;
        (ClientId, Version) = (clientId, version);
        channel = new FaultChannel(harness.Dial(), harness.Time);
        reader = new MqttPacketReader(version, MqttSender.Server);
    }

    public string ClientId { get; }

    public MqttProtocolVersion Version { get; }

    public bool IsV5 => Version == MqttProtocolVersion.V500;

    /// <summary>The client has it no more.</summary>
    public bool IsDead { get; private set; }

    /// <summary>The client has given it up, or it was cut: what comes is not looked at.</summary>
    public bool IsForgotten { get; set; }

    /// <summary>The broker has said why it closes it.</summary>
    public bool HasSeenGoodbye { get; set; }

    /// <summary>A fault has ended it.</summary>
    public bool IsCut => channel.Writing.IsCut || channel.Reading.IsCut;

    /// <summary>From now on only so many bytes more reach the broker.</summary>
    public void CutSendingAfter(int bytes) => channel.Writing.CutAfter(channel.Writing.PassedBytes + bytes, FaultCut.End);

    /// <summary>From now on only so many bytes more come from the broker.</summary>
    public void CutReceivingAfter(int bytes) => channel.Reading.CutAfter(channel.Reading.PassedBytes + bytes, FaultCut.End);

    /// <summary>Sends a packet; false if not all of it has passed.</summary>
    public bool TrySend(MqttPacket packet)
    {
        var bytes = new byte[MqttPacketWriter.Measure(packet, Version)];
        MqttPacketWriter.Write(bytes, packet, Version);
        var before = channel.Writing.PassedBytes;
        _ = BrokerHarness.Quietly(() => channel.WriteAsync(bytes).AsTask()).Exception;
        return channel.Writing.PassedBytes - before == bytes.Length;
    }

    /// <summary>The packets that have come; the last one is <see langword="null"/> if the connection is over.</summary>
    public IEnumerable<MqttPacket?> Receive()
    {
        while (!IsDead && !IsForgotten)
        {
            reading ??= BrokerHarness.Quietly(ReadAsync);
            harness.Pump.Run();
            if (!reading.IsCompleted)
                yield break;
            var count = reading.IsCompletedSuccessfully ? reading.Result : 0;
            reading = null;
            byte[] bytes = [.. unread, .. buffer.AsSpan(0, count)];
            var at = 0;
            while (!IsDead && !IsForgotten && reader.TryRead(bytes.AsMemory(at), out var packet, out var consumed))
            {
                reader.Detach();
                at += consumed;
                if (packet is PublishPacket { TopicAlias: { } alias } message)
                    message.Topic = aliases.Resolve(alias, message.Topic);
                yield return packet;
            }

            unread = bytes[at..];
            if (count > 0 && !channel.Reading.IsCut)
                continue;
            yield return null;
            yield break;
        }
    }

    /// <summary>The client is gone from one moment to the next.</summary>
    public void Dispose()
    {
        IsDead = true;
        channel.Abort();
        _ = reading?.Exception;
    }

    private async Task<int> ReadAsync()
    {
        try
        {
            return await channel.ReadAsync(buffer);
        }
        catch (MqttConnectionException)
        {
            return 0;
        }
    }
}
