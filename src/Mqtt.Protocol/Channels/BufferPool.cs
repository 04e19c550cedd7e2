using System.Numerics;

namespace Mqtt.Protocol.Channels;

/// <summary>
/// The byte buffers of connections and messages: blocks of 64 bytes to 16 MiB in powers of two, kept for reuse up to a bound for
/// each size. The runtime's shared pool keeps only 32 arrays of a size for each core, so that a hundred busy connections, or a
/// window of a thousand messages, would allocate.
/// Safe for all threads.
/// </summary>
public static class BufferPool
{
    private const int SmallestBytes = 64;
    private const int SizeCount = 19;
    private const int KeptBytesOfEachSize = 16 * 1024 * 1024;

    private static readonly Shelf[] Shelves = BuildShelves();
    private static long rentedCount;
    private static long rentedBytes;

    /// <summary>How many buffers are out at present. Tests use it to find leaks.</summary>
    public static long RentedCount => Interlocked.Read(ref rentedCount);

    /// <summary>How many bytes are out at present: what all connections, queues and retained messages of the process hold.</summary>
    public static long RentedBytes => Interlocked.Read(ref rentedBytes);

    /// <summary>A buffer of at least <paramref name="minimumBytes"/>; its content is undefined. Give it back with <see cref="Return"/>, once.</summary>
    public static byte[] Rent(int minimumBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(minimumBytes);
        var index = IndexOf(minimumBytes);
        var buffer = index < SizeCount ? Shelves[index].Take() : GC.AllocateUninitializedArray<byte>(minimumBytes);
        Interlocked.Increment(ref rentedCount);
        Interlocked.Add(ref rentedBytes, buffer.Length);
        return buffer;
    }

    /// <summary>Gives back a buffer that <see cref="Rent"/> gave out; nobody may use it afterwards.</summary>
    public static void Return(byte[] buffer)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        Interlocked.Decrement(ref rentedCount);
        Interlocked.Add(ref rentedBytes, -buffer.Length);
        var index = IndexOf(buffer.Length);
        if (index < SizeCount && Shelves[index].Bytes == buffer.Length)
            Shelves[index].Put(buffer);
    }

    private static int IndexOf(int bytes) =>
        bytes <= SmallestBytes ? 0 : BitOperations.Log2((uint)bytes - 1) - BitOperations.Log2(SmallestBytes) + 1;

    private static Shelf[] BuildShelves()
    {
        var shelves = new Shelf[SizeCount];
        for (var i = 0; i < SizeCount; i++)
            shelves[i] = new Shelf(SmallestBytes << i);
        return shelves;
    }

    /// <summary>The free buffers of one size, last in first out: the warmest is taken first.</summary>
    private sealed class Shelf(int bytes)
    {
        private readonly Lock gate = new();
        private byte[]?[] free = new byte[]?[Math.Min(16, KeptBytesOfEachSize / bytes)];
        private int count;

        public int Bytes => bytes;

        public byte[] Take()
        {
            lock (gate)
            {
                if (count > 0)
                {
                    var buffer = free[--count]!;
                    free[count] = null;
                    return buffer;
                }
            }

            return GC.AllocateUninitializedArray<byte>(bytes);
        }

        public void Put(byte[] buffer)
        {
            lock (gate)
            {
                if (count == free.Length)
                {
                    if (count >= KeptBytesOfEachSize / bytes)
                        return;
                    Array.Resize(ref free, count * 2);
                }

                free[count++] = buffer;
            }
        }
    }
}
