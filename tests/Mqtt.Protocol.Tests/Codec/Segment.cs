using System.Buffers;

namespace Mqtt.Protocol.Tests.Codec;

/// <summary>A piece of a sequence of bytes.</summary>
internal sealed class Segment : ReadOnlySequenceSegment<byte>
{
    public static ReadOnlySequence<byte> Sequence(params IReadOnlyList<byte[]> parts)
    {
        if (parts.Count == 0)
            return ReadOnlySequence<byte>.Empty;
        var first = new Segment { Memory = parts[0] };
        var last = first;
        for (var i = 1; i < parts.Count; i++)
        {
            var next = new Segment { Memory = parts[i], RunningIndex = last.RunningIndex + last.Memory.Length };
            last.Next = next;
            last = next;
        }

        return new(first, 0, last, last.Memory.Length);
    }
}
