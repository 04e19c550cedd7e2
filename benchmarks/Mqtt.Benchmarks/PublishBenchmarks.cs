using System.Buffers;
using BenchmarkDotNet.Attributes;
using Mqtt.Protocol;

namespace Mqtt.Benchmarks;

/// <summary>
/// PUBLISH, the packet that counts. A time is that of one packet. Reading has two roads: a buffer that holds many packets, as a server
/// gets them, and a sequence in which every packet lies across two segments.
/// </summary>
[MemoryDiagnoser]
public class PublishBenchmarks
{
    private const int PacketCount = 100;

    private readonly ArrayBufferWriter<byte> output = new(64 * 1024);
    private byte[] wire = [];
    private byte[] one = [];
    private ReadOnlySequence<byte> split;
    private MqttPacketReader reader = new();

    public static IEnumerable<PublishCase> Cases => PublishCase.All;

    [ParamsSource(nameof(Cases))]
    public PublishCase Case { get; set; } = PublishCase.All[0];

    [GlobalSetup]
    public void Prepare()
    {
        one = Case.ToBytes();
        wire = [.. Enumerable.Repeat(one, PacketCount).SelectMany(bytes => bytes)];
        split = Segment.Split(one, one.Length / 2);
        reader = new MqttPacketReader(Case.Version);
    }

    [Benchmark(OperationsPerInvoke = PacketCount, Description = "read from a full buffer")]
    public int ReadMany()
    {
        ReadOnlyMemory<byte> rest = wire;
        var payloadBytes = 0;
        while (reader.TryRead(rest, out var packet, out var consumed))
        {
            payloadBytes += ((PublishPacket)packet).Payload.Length;
            rest = rest[consumed..];
        }

        return payloadBytes;
    }

    [Benchmark(Description = "read across two segments")]
    public MqttPacket? ReadSplit()
    {
        var bytes = split;
        return reader.TryRead(ref bytes, out var packet) ? packet : null;
    }

    [Benchmark(Description = "measure")]
    public int Measure() => MqttPacketWriter.Measure(Case.Packet, Case.Version);

    [Benchmark(Description = "write to a span")]
    public int WriteSpan() => MqttPacketWriter.Write(wire, Case.Packet, Case.Version);

    [Benchmark(Description = "write to a buffer writer")]
    public int WriteBuffer()
    {
        output.ResetWrittenCount();
        MqttPacketWriter.Write(output, Case.Packet, Case.Version);
        return output.WrittenCount;
    }
}
