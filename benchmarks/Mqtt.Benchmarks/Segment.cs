using System.Buffers;

namespace Mqtt.Benchmarks;

/// <summary>A piece of a sequence, as a pipe hands it out.</summary>
public sealed class Segment : ReadOnlySequenceSegment<byte>
{
    private Segment(ReadOnlyMemory<byte> bytes, long runningIndex) => (Memory, RunningIndex) = (bytes, runningIndex);

    /// <summary>Bytes in two segments.</summary>
    public static ReadOnlySequence<byte> Split(ReadOnlyMemory<byte> bytes, int at)
    {
        var first = new Segment(bytes[..at], 0);
        var second = new Segment(bytes[at..], at);
        first.Next = second;
        return new ReadOnlySequence<byte>(first, 0, second, second.Memory.Length);
    }
}
