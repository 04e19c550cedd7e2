using System.Buffers;
using System.IO.Pipelines;

namespace Mqtt.Protocol.Tests.Codec;

/// <summary>Runs the table of codec cases: each at every split of its bytes, over every way to read.</summary>
public class CodecTableTests
{
    public static IEnumerable<TheoryDataRow<string>> Cases => CodecTable.Rows(_ => true);

    public static IEnumerable<TheoryDataRow<string>> Packets => CodecTable.Rows(row => row.Packet is not null);

    [Fact]
    public void The_table_has_at_least_400_cases_and_covers_every_packet_version_and_sender()
    {
        var cases = CodecTable.All.Values;
        cases.Should().HaveCountGreaterThanOrEqualTo(400);
        cases.Where(row => row.Packet is not null).Select(row => row.Packet!.Split(' ')[0]).Distinct().Should().HaveCount(15);
        cases.Select(row => (row.Version, row.Sender)).Distinct().Should().HaveCount(9);
        foreach (var version in Enum.GetValues<MqttProtocolVersion>())
        {
            cases.Where(row => row.Version == version && row.Packet is not null).Select(row => row.Bytes[0] >> 4).Distinct()
                .Should().HaveCount(version == MqttProtocolVersion.V500 ? 15 : 14, $"all packets of {version} are read");
            cases.Where(row => row.Version == version && row.Refusal is not null).Select(row => row.Bytes[0] >> 4).Distinct()
                .Should().HaveCount(16, $"all packets of {version} are refused for some reason");
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_case_gives_its_packet_or_reason_code_at_every_split(string name)
    {
        var row = CodecTable.All[name];
        Check(row, Read(row, row.Bytes));
        foreach (var length in Prefixes(row))
            CheckPrefix(row, Read(row, row.Bytes[..length]), length);
        foreach (var at in Prefixes(row))
            Check(row, Read(row, Segments(row.Bytes[..at], row.Bytes[at..])));
        if (row.Bytes.Length <= 2000)
            Check(row, Read(row, Segments([.. row.Bytes.Select(value => new[] { value })])));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_case_gives_the_same_when_other_bytes_follow(string name)
    {
        var row = CodecTable.All[name];
        byte[] bytes = [.. row.Bytes, 0xC0, 0x00, 0xFF];
        Check(row, Read(row, bytes));
        Check(row, Read(row, Segments(row.Bytes, [0xC0, 0x00, 0xFF])), after: 3);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_case_gives_the_same_from_a_pipe_that_brings_a_few_bytes_at_a_time(string name)
    {
        var row = CodecTable.All[name];
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false));
        var reading = ReadAll(row.NewReader(), pipe.Reader);
        var step = Math.Max(1, row.Bytes.Length / 500);
        for (var at = 0; at < row.Bytes.Length; at += step)
            await pipe.Writer.WriteAsync(row.Bytes.AsMemory(at, Math.Min(step, row.Bytes.Length - at)), TestContext.Current.CancellationToken);
        await pipe.Writer.CompleteAsync();

        Check(row, await reading);
    }

    [Theory]
    [MemberData(nameof(Packets))]
    public void A_packet_that_was_read_is_written_with_the_bytes_that_the_case_names(string name)
    {
        var row = CodecTable.All[name];
        row.NewReader().TryRead(row.Bytes, out var packet, out _).Should().BeTrue();
        var output = new ArrayBufferWriter<byte>();

        MqttPacketWriter.Write(output, packet!, row.Version);

        Convert.ToHexString(output.WrittenSpan).Should().Be(Convert.ToHexString(row.Written));
        MqttPacketWriter.Measure(packet!, row.Version).Should().Be(row.Written.Length);
    }

    private static void Check(CodecCase row, Outcome outcome, int after = 0)
    {
        outcome.Refusal.Should().Be(row.Refusal, outcome.Message);
        outcome.Packet.Should().Be(row.Packet);
        if (row.Packet is null)
            return;
        outcome.Frame.Should().Equal(row.Bytes);
        outcome.Consumed.Should().Be(row.Bytes.Length, $"{after} bytes follow");
    }

    // Too few bytes are no error, unless those that are there are wrong already.
    private static void CheckPrefix(CodecCase row, Outcome outcome, int length)
    {
        outcome.Packet.Should().BeNull($"{length} of {row.Bytes.Length} bytes are no packet");
        if (outcome.Refusal is not null)
            outcome.Refusal.Should().Be(row.Refusal, outcome.Message);
        outcome.Consumed.Should().Be(0);
    }

    // All lengths of a short packet; of a long one its beginning and some others.
    private static IEnumerable<int> Prefixes(CodecCase row) =>
        Enumerable.Range(0, row.Bytes.Length).Where(length => length < 300 || length > row.Bytes.Length - 10 || length % 1009 == 0);

    private static Outcome Read(CodecCase row, byte[] bytes)
    {
        try
        {
            return row.NewReader().TryRead(bytes, out var packet, out var consumed)
                ? new(PacketText.Of(packet), packet.Frame.ToArray(), consumed)
                : new(null, [], consumed);
        }
        catch (MqttProtocolException e)
        {
            return new(e);
        }
    }

    private static Outcome Read(CodecCase row, ReadOnlySequence<byte> bytes)
    {
        var length = bytes.Length;
        try
        {
            return row.NewReader().TryRead(ref bytes, out var packet)
                ? new(PacketText.Of(packet), packet.Frame.ToArray(), (int)(length - bytes.Length))
                : new(null, [], (int)(length - bytes.Length));
        }
        catch (MqttProtocolException e)
        {
            return new(e);
        }
    }

    private static async Task<Outcome> ReadAll(MqttPacketReader reader, PipeReader input)
    {
        try
        {
            var packet = await reader.ReadAsync(input, TestContext.Current.CancellationToken);
            var outcome = new Outcome(PacketText.Of(packet!), packet!.Frame.ToArray(), packet.Frame.Length);
            (await reader.ReadAsync(input, TestContext.Current.CancellationToken)).Should().BeNull("the stream ends after one packet");
            return outcome;
        }
        catch (MqttProtocolException e)
        {
            return new(e);
        }
    }

    private static ReadOnlySequence<byte> Segments(params byte[][] parts) => Segment.Sequence(parts);

    private sealed record Outcome(string? Packet, byte[] Frame, int Consumed, ReasonCode? Refusal = null, string Message = "")
    {
        public Outcome(MqttProtocolException e)
            : this(null, [], 0, e.ReasonCode, e.Message)
        {
        }
    }
}
