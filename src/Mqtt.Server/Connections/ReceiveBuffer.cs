using Mqtt.Protocol.Channels;

namespace Mqtt.Server.Connections;

/// <summary>
/// The bytes that a connection has read and not yet taken in. It owns a buffer only while there are such bytes: a large one to
/// read into, a small one to keep the beginning of a packet in. A packet in pieces is gathered as its bytes arrive, never by the
/// length that it announces. The connection's loop alone uses it.
/// </summary>
internal sealed class ReceiveBuffer
{
    private const int ReadBytes = 64 * 1024;
    private const int SmallReadBytes = 4 * 1024;

    // Less room than this behind the unread bytes is not worth a read.
    private const int LeastFreeBytes = 16 * 1024;

    private byte[]? buffer;
    private int start;
    private int end;

    /// <summary>How many bytes are held in memory.</summary>
    public int HeldBytes => buffer?.Length ?? 0;

    /// <summary>True if everything that was read is consumed.</summary>
    public bool IsEmpty => start == end;

    /// <summary>What was read and not yet consumed.</summary>
    public ReadOnlyMemory<byte> Unread => buffer.AsMemory(start, end - start);

    /// <summary>
    /// Room to read into: as much as a busy connection fills in one read, or a <paramref name="small"/> piece for one that has yet to be accepted,
    /// since many of those may have to wait at once.
    /// </summary>
    public Memory<byte> Prepare(bool small)
    {
        var unread = end - start;
        var (size, leastFree) = small ? (SmallReadBytes, SmallReadBytes / 4) : (ReadBytes, LeastFreeBytes);
        if (buffer is null || buffer.Length - unread < leastFree)
            Move(BufferPool.Rent(Math.Max(size, unread * 2)));
        else if (buffer.Length - end < leastFree)
            Move(buffer);
        return buffer.AsMemory(end);
    }

    /// <summary>Takes in what was read.</summary>
    public void Add(int bytes) => end += bytes;

    /// <summary>Takes out what was understood.</summary>
    public void Consume(int bytes) => start += bytes;

    /// <summary>After all whole packets are taken out: the large buffer goes back, the beginning of a packet stays in a small one.</summary>
    public void Shrink()
    {
        var unread = end - start;
        if (unread == 0)
            Release();
        else if (buffer!.Length >= SmallReadBytes && unread <= buffer.Length / 4)
            Move(BufferPool.Rent(unread));
    }

    /// <summary>Gives everything back.</summary>
    public void Release()
    {
        if (buffer is not null)
            BufferPool.Return(buffer);
        buffer = null;
        start = end = 0;
    }

    private void Move(byte[] target)
    {
        var unread = end - start;
        if (buffer is not null)
        {
            Buffer.BlockCopy(buffer, start, target, 0, unread);
            if (!ReferenceEquals(buffer, target))
                BufferPool.Return(buffer);
        }

        buffer = target;
        start = 0;
        end = unread;
    }
}
