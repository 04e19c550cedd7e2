using System.Buffers;

namespace Mqtt.Protocol.Tests.Codec;

/// <summary>What is read and written for every message allocates nothing.</summary>
public class AllocationTests
{
    private const int Count = 100_000;

    public static TheoryData<string, MqttProtocolVersion> Packets => new(
        from version in Enum.GetValues<MqttProtocolVersion>()
        let p = version == MqttProtocolVersion.V500 ? "{}" : ""
        from wire in new[]
        {
            $"30 {{ s'plant/7/temperature' {p} '21.5' }}", $"32 {{ s'plant/7/temperature' 0001 {p} '21.5' }}", $"3D {{ s'größe' 0001 {p} }}",
            "40 02 0001", "50 02 0001", "62 02 0001", "70 02 0001", "C0 00", "D0 00",
        }
        select (wire, version));

    public static TheoryData<string> PacketsOf5 => new(
        "30 { s'a/b' { 01 01 02 0000003C 23 0001 08 s'reply/to' 09 [01] 03 s'text' 26 s'k' s'v' } 'payload' }",
        "30 { s'' { 23 0001 } 'payload' }",
        "30 { s'a/b' { 0B 01 0B 8001 } 'payload' }",
        "40 { 0001 97 { 1F s'full' 26 s'k' s'v' } }",
        "50 03 0001 10",
        "62 04 0001 92 00");

    [Theory]
    [MemberData(nameof(Packets))]
    public void Reading_and_writing_a_frequent_packet_allocates_nothing(string wire, MqttProtocolVersion version) => AllocatesNothing(wire, version);

    [Theory]
    [MemberData(nameof(PacketsOf5))]
    public void Properties_and_reason_codes_change_nothing_about_that(string wire) => AllocatesNothing(wire, MqttProtocolVersion.V500);

    [Fact]
    public void Looking_at_a_property_allocates_nothing()
    {
        var reader = new MqttPacketReader();
        var bytes = Wire.Bytes("30 { s'a' { 26 s'k' s'v' 02 0000003C 23 0007 08 s'r' } }");
        reader.TryRead(bytes, out var packet, out _);
        var publish = (PublishPacket)packet!;
        var sum = 0L;

        var allocated = Allocated(() => sum += publish.TopicAlias!.Value + publish.MessageExpiryInterval!.Value + publish.ResponseTopic!.Value.Length + (publish.ContentType is null ? 1 : 0));

        sum.Should().BePositive();
        allocated.Should().Be(0);
    }

    [Fact]
    public void An_announced_length_allocates_nothing()
    {
        var reader = new MqttPacketReader();
        var start = Wire.Bytes("30 FF FF FF 7F 0001 'a'");
        var pieces = Segment.Sequence(start[..2], start[2..]);

        Allocated(() => reader.TryRead(start, out _, out _)).Should().Be(0);
        Allocated(() =>
        {
            var bytes = pieces;
            reader.TryRead(ref bytes, out _);
        }).Should().Be(0);
    }

    [Fact]
    public void The_filters_of_a_SUBSCRIBE_cost_what_came_and_not_more()
    {
        var filters = string.Concat(Enumerable.Repeat(" s'a' 00", 10_000));
        var bytes = Wire.Bytes($"82 {{ 0001 {{}} {filters} }}");
        var reader = new MqttPacketReader();
        reader.TryRead(bytes, out _, out _);

        var before = GC.GetAllocatedBytesForCurrentThread();
        reader.TryRead(bytes, out var packet, out _);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        ((SubscribePacket)packet!).Subscriptions.Should().HaveCount(10_000);
        allocated.Should().BeLessThan(8L * bytes.Length);
    }

    private static void AllocatesNothing(string wire, MqttProtocolVersion version)
    {
        var bytes = Wire.Bytes(wire);
        var reader = new MqttPacketReader(version);
        var sequence = new ReadOnlySequence<byte>(bytes);
        var output = new byte[bytes.Length];
        var buffer = new ArrayBufferWriter<byte>(bytes.Length);
        var read = 0;

        var allocated = Allocated(() =>
        {
            reader.TryRead(bytes, out var packet, out var consumed);
            read += consumed;
            MqttPacketWriter.Write(output, packet!, version);
            buffer.ResetWrittenCount();
            MqttPacketWriter.Write(buffer, packet!, version);
            var rest = sequence;
            reader.TryRead(ref rest, out _);
        });

        read.Should().BeGreaterThan(Count);
        allocated.Should().Be(0);
    }

    // The runtime itself allocates a few bytes once, when it replaces code that turned out to be hot. What a packet costs comes every time.
    private static long Allocated(Action action) => Enumerable.Range(0, 3).Min(_ => AllocatedInOneRound(action));

    private static long AllocatedInOneRound(Action action)
    {
        for (var i = 0; i < 100; i++)
            action();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Count; i++)
            action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
