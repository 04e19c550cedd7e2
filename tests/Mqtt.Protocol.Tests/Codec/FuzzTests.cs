using System.Buffers;

namespace Mqtt.Protocol.Tests.Codec;

/// <summary>Random and mutated bytes give packets or <see cref="MqttProtocolException"/>, and cost no more memory than they are worth.</summary>
public class FuzzTests(ITestOutputHelper output)
{
    private const int Inputs = 2_000_000;
    private const int Seed = 4711;
    private const int LargestInput = 1024;

    // What a refusal may cost: the exception, its message and what the runtime notes about its way up. What a packet may cost:
    // itself, and its lists for each of its bytes.
    private const int AllowedForRefusal = 16 * 1024;
    private const int AllowedForPacket = 256;
    private const int AllowedForOneByte = 8;

    private static readonly byte[][] Corpus = [.. CodecTable.All.Values.Select(row => row.Bytes).Where(bytes => bytes.Length is > 0 and < 400)];

    [Fact]
    public void Two_million_inputs_give_only_packets_or_protocol_errors_at_a_bounded_allocation()
    {
        output.WriteLine($"seed {Seed}");
        var random = new Random(Seed);
        var readers = NewReaders();
        WarmUp(readers);
        var input = new Input(random);
        int packets = 0, refusals = 0, incomplete = 0;
        long most = 0, mostForRefusal = 0;
        for (var i = 0; i < Inputs; i++)
        {
            input.Next();
            var (reader, version) = readers[random.Next(readers.Length)];
            reader.Version = version;

            var before = GC.GetAllocatedBytesForCurrentThread();
            var outcome = Read(reader, input.Memory, out var packet);
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

            if (outcome == Outcome.Refusal)
                mostForRefusal = Math.Max(mostForRefusal, allocated);
            else
                most = Math.Max(most, allocated);
            if (allocated > (outcome == Outcome.Refusal ? AllowedForRefusal : AllowedForPacket + (AllowedForOneByte * input.Length)))
                Assert.Fail($"{allocated} bytes were allocated for {input} (seed {Seed}, input {i})");
            packets += outcome == Outcome.Packet ? 1 : 0;
            refusals += outcome == Outcome.Refusal ? 1 : 0;
            incomplete += outcome == Outcome.Incomplete ? 1 : 0;
            if (packet is not null && i % 4 == 0)
                CheckPacket(packet, reader, input, version);
        }

        output.WriteLine($"{packets} packets, {refusals} refusals, {incomplete} incomplete; at most {most} bytes allocated for a packet, {mostForRefusal} for a refusal");
        (packets + refusals + incomplete).Should().Be(Inputs);
        packets.Should().BeGreaterThan(Inputs / 20, "inputs that are all refused would prove little");
        refusals.Should().BeGreaterThan(Inputs / 20);
        incomplete.Should().BeGreaterThan(Inputs / 100);
    }

    private static (MqttPacketReader Reader, MqttProtocolVersion Version)[] NewReaders() =>
    [
        .. from version in Enum.GetValues<MqttProtocolVersion>()
           from sender in Enum.GetValues<MqttSender>()
           from allow in new[] { false, true }
           select (new MqttPacketReader(version, sender) { AllowDisallowedCodePoints = allow }, version),
    ];

    // Messages, tables and the runtime's own caches are made once; they are no cost of an input.
    private static void WarmUp((MqttPacketReader Reader, MqttProtocolVersion Version)[] readers)
    {
        foreach (var (reader, version) in readers)
        {
            foreach (var bytes in Corpus)
            {
                reader.Version = version;
                Read(reader, bytes, out _);
            }
        }
    }

    private static Outcome Read(MqttPacketReader reader, ReadOnlyMemory<byte> bytes, out MqttPacket? packet)
    {
        packet = null;
        try
        {
            return reader.TryRead(bytes, out packet, out _) ? Outcome.Packet : Outcome.Incomplete;
        }
        catch (MqttProtocolException)
        {
            return Outcome.Refusal;
        }
    }

    // What was read can be looked at, is the same from a sequence in pieces, and can be written and read again.
    private static void CheckPacket(MqttPacket packet, MqttPacketReader reader, Input input, MqttProtocolVersion version)
    {
        var text = PacketText.Of(packet);
        var written = new ArrayBufferWriter<byte>();
        MqttPacketWriter.Write(written, packet, version);
        var length = packet.Frame.Length;
        var readVersion = packet is ConnectPacket connect ? connect.Version : version;

        reader.Version = version;
        var at = length / 2;
        var pieces = Segment.Sequence(input.Memory[..at].ToArray(), [], input.Memory[at..].ToArray());
        Assert.True(reader.TryRead(ref pieces, out var again), $"{input} is read only in one piece");
        Assert.Equal(text, PacketText.Of(again!));

        reader.Version = readVersion;
        Assert.True(reader.TryRead(written.WrittenMemory, out var back, out _), $"{input} is not read again after it was written");
        Assert.Equal(text, PacketText.Of(back!));
    }

    private enum Outcome
    {
        Packet,
        Refusal,
        Incomplete,
    }

    /// <summary>Makes one input after the other in one buffer: random bytes, or a case of the table that was damaged.</summary>
    private sealed class Input(Random random)
    {
        private readonly byte[] buffer = new byte[LargestInput];

        public int Length { get; private set; }

        public ReadOnlyMemory<byte> Memory => buffer.AsMemory(0, Length);

        public void Next()
        {
            if (random.Next(8) == 0)
            {
                Length = random.Next(0, 40);
                random.NextBytes(buffer.AsSpan(0, Length));
                return;
            }

            var start = Corpus[random.Next(Corpus.Length)];
            start.CopyTo(buffer, 0);
            Length = start.Length;
            for (var changes = random.Next(0, 5); changes > 0; changes--)
                Change();
            if (random.Next(2) == 0)
                RepairLength();
        }

        public override string ToString() => Convert.ToHexString(Memory.Span);

        private void Change()
        {
            var at = Length > 0 ? random.Next(Length) : 0;
            switch (random.Next(7))
            {
                case 0 when Length > 0:
                    buffer[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1 when Length > 0:
                    buffer[at] = (byte)random.Next(256);
                    break;
                case 2 when Length > 0:
                    buffer.AsSpan(at + 1, Length - at - 1).CopyTo(buffer.AsSpan(at));
                    Length--;
                    break;
                case 3 when Length < LargestInput:
                    buffer.AsSpan(at, Length - at).CopyTo(buffer.AsSpan(at + 1));
                    buffer[at] = (byte)random.Next(256);
                    Length++;
                    break;
                case 4:
                    Length = at;
                    break;
                case 5:
                    Splice(Corpus[random.Next(Corpus.Length)], at);
                    break;
                case 6 when Length > 0:
                    buffer[at] = random.Next(2) == 0 ? (byte)0xFF : (byte)0;
                    break;
            }
        }

        private void Splice(byte[] other, int at)
        {
            var count = Math.Min(random.Next(other.Length), LargestInput - at);
            other.AsSpan(other.Length - count).CopyTo(buffer.AsSpan(at));
            Length = at + count;
        }

        // A length that fits the bytes lets the damage reach what comes after it.
        private void RepairLength()
        {
            if (Length < 2)
                return;
            var old = 1;
            while (old < 4 && old < Length - 1 && buffer[old] >= 0x80)
                old++;
            var body = Length - old - 1;
            var needed = body < 0x80 ? 1 : 2;
            if (1 + needed + body > LargestInput)
                return;
            buffer.AsSpan(old + 1, body).CopyTo(buffer.AsSpan(1 + needed));
            buffer[1] = needed == 1 ? (byte)body : (byte)(body | 0x80);
            if (needed == 2)
                buffer[2] = (byte)(body >> 7);
            Length = 1 + needed + body;
        }
    }
}
