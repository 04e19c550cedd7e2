using Mqtt.Protocol.Channels;

namespace Mqtt.Client;

/// <summary>
/// The bytes that were received and not yet read as packets. It grows as bytes arrive, never by an announced length, and owns no buffer
/// while it is empty. One read loop uses it.
/// </summary>
internal sealed class ReceiveBuffer : IDisposable
{
    private const int UsualBytes = 64 * 1024;

    private byte[]? buffer;
    private int start;
    private int end;

    public bool IsEmpty => start == end;

    public ReadOnlyMemory<byte> Unread => buffer.AsMemory(start, end - start);

    /// <summary>Room for more, at least one byte.</summary>
    public Memory<byte> GetRoom()
    {
        buffer ??= BufferPool.Rent(UsualBytes);
        if (end == buffer.Length)
            MakeRoom();
        return buffer.AsMemory(end);
    }

    public void Add(int count) => end += count;

    public void Consume(int count) => start += count;

    /// <summary>Gives the buffer back if nothing is in it.</summary>
    public void Trim()
    {
        if (IsEmpty)
            Dispose();
    }

    public void Dispose()
    {
        if (buffer is not null)
            BufferPool.Return(buffer);
        buffer = null;
        start = end = 0;
    }

    private void MakeRoom()
    {
        var unread = Unread;
        var target = unread.Length > buffer!.Length / 2 ? BufferPool.Rent(buffer.Length * 2) : buffer;
        unread.Span.CopyTo(target);
        if (target != buffer)
            BufferPool.Return(buffer);
        buffer = target;
        start = 0;
        end = unread.Length;
    }
}
