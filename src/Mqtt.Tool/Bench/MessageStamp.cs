using System.Buffers.Binary;

namespace Mqtt.Tool.Bench;

/// <summary>The first 16 bytes of a payload: when it was sent, by whom, and as which of its messages.</summary>
internal readonly record struct MessageStamp(long SentAt, int Publisher, uint Number)
{
    public const int Bytes = 16;

    public static void Write(Span<byte> payload, long sentAt, int publisher, uint number)
    {
        BinaryPrimitives.WriteInt64LittleEndian(payload, sentAt);
        BinaryPrimitives.WriteInt32LittleEndian(payload[8..], publisher);
        BinaryPrimitives.WriteUInt32LittleEndian(payload[12..], number);
    }

    /// <summary>False for a payload that is none of ours.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, int publishers, out MessageStamp stamp)
    {
        stamp = default;
        if (payload.Length < Bytes)
            return false;
        stamp = new MessageStamp(BinaryPrimitives.ReadInt64LittleEndian(payload), BinaryPrimitives.ReadInt32LittleEndian(payload[8..]), BinaryPrimitives.ReadUInt32LittleEndian(payload[12..]));
        return (uint)stamp.Publisher < publishers;
    }
}
