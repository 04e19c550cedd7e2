using System.Buffers;
using FsCheck;
using FsCheck.Fluent;

namespace Mqtt.Protocol.Tests.Codec;

public class RoundTripTests(ITestOutputHelper output)
{
    private const int Count = 100_000;
    private const ulong Seed = 20_260_311;

    [Fact]
    public void What_is_written_is_read_back_and_has_the_measured_size_in_100000_packets_of_all_versions()
    {
        output.WriteLine($"seed {Seed}");
        var seen = new Dictionary<(MqttProtocolVersion, MqttPacketType), int>();
        var readers = new Dictionary<(MqttProtocolVersion, MqttSender), MqttPacketReader>();

        Prop.ForAll(PacketGenerator.Arbitrary, sent =>
        {
            seen[(sent.Version, sent.Packet.Type)] = seen.GetValueOrDefault((sent.Version, sent.Packet.Type)) + 1;
            // With CONNECT a connection begins.
            if (sent.Packet is ConnectPacket || !readers.TryGetValue((sent.Version, sent.Sender), out var reader))
                readers[(sent.Version, sent.Sender)] = reader = new(sent.Version, sent.Sender);
            RoundTrip(sent, reader);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(Count).WithReplay(new Replay(new Rnd(Seed), null)).WithQuietOnSuccess(true));

        seen.Values.Sum().Should().Be(Count);
        seen.Should().HaveCount(14 + 14 + 15, "every packet of every version is among them");
        seen.Values.Min().Should().BeGreaterThan(500);
    }

    private static void RoundTrip(Sent sent, MqttPacketReader reader)
    {
        var measured = MqttPacketWriter.Measure(sent.Packet, sent.Version);
        var bytes = new byte[measured + 3];
        var written = MqttPacketWriter.Write(bytes, sent.Packet, sent.Version);
        var buffer = new ArrayBufferWriter<byte>();
        MqttPacketWriter.Write(buffer, sent.Packet, sent.Version);

        Require(written == measured, $"{measured} bytes were measured, {written} written");
        Require(buffer.WrittenSpan.SequenceEqual(bytes.AsSpan(0, written)), "a span and a buffer writer get different bytes");
        Require(reader.TryRead(bytes.AsMemory(0, written), out var read, out var consumed), "the packet is not read");
        Require(consumed == written, $"{written} bytes were written, {consumed} read");
        Require(PacketText.Of(read!) == PacketText.Of(sent.Packet), $"read was {PacketText.Of(read!)}");
    }

    private static void Require(bool condition, string otherwise) => Assert.True(condition, otherwise);
}
