using System.Numerics;

namespace Mqtt.Protocol.Channels;

/// <summary>
/// The byte buffers of connections and messages: blocks of 64 bytes to 16 MiB, two sizes to each doubling, kept for reuse up to a bound for
/// each size. The runtime's shared pool keeps only 32 arrays of a size for each core, so that a hundred busy connections, or a
/// window of a thousand messages, would allocate. Each thread has some of the smaller sizes at hand, so that event loops share no lock.
/// Safe for all threads.
/// </summary>
public static class BufferPool
{
    private const int SmallestBytes = 64;
    private const int SizeCount = 37;
    private const int KeptBytesOfEachSize = 16 * 1024 * 1024;

    // Up to 64 KiB, the sizes that come and go with each message or turn.
    private const int SizesAtHand = 21;
    private const int BytesAtHandOfEachSize = 64 * 1024;

    // By how much a thread's part of the rough sum may be off.
    private const long ToleranceBytes = 64 * 1024;

    private static readonly Shelf[] Shelves = BuildShelves();
    private static long roughBytes;

    [ThreadStatic]
    private static BuffersAtHand? atHand;

    /// <summary>How many buffers are out at present. Tests use it to find leaks.</summary>
    public static long RentedCount => RentedTally.Sum().Count;

    /// <summary>How many bytes are out at present: what all connections, queues and retained messages of the process hold. It asks every thread's tally.</summary>
    public static long RentedBytes => RentedTally.Sum().Bytes;

    /// <summary>The same for hot paths: at no cost, but off by up to 64 KiB for each thread.</summary>
    public static long RoughRentedBytes => Volatile.Read(ref roughBytes);

    /// <summary>A buffer of at least <paramref name="minimumBytes"/>; its content is undefined. Give it back with <see cref="Return"/>, once.</summary>
    public static byte[] Rent(int minimumBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(minimumBytes);
        var mine = atHand ??= new BuffersAtHand();
        var index = IndexOf(minimumBytes);
        var buffer = index < SizesAtHand ? mine.Take(index)
            : index < SizeCount ? Shelves[index].Take()
            : GC.AllocateUninitializedArray<byte>(minimumBytes);
        mine.Count(1, buffer.Length);
        return buffer;
    }

    /// <summary>Gives back a buffer that <see cref="Rent"/> gave out; nobody may use it afterwards.</summary>
    public static void Return(byte[] buffer)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        var mine = atHand ??= new BuffersAtHand();
        mine.Count(-1, -buffer.Length);
        var index = IndexOf(buffer.Length);
        if (index >= SizeCount || Shelves[index].Bytes != buffer.Length)
            return;
        if (index < SizesAtHand)
            mine.Put(index, buffer);
        else
            Shelves[index].Put(buffer);
    }

    // 64, 96, 128, 192, 256, 384 and so on: of a message of any size a sixth is wasted on the average, with powers of two alone it would be a quarter.
    private static int IndexOf(int bytes)
    {
        if (bytes <= SmallestBytes)
            return 0;
        var last = (uint)bytes - 1;
        var log = BitOperations.Log2(last);
        return (2 * (log - BitOperations.Log2(SmallestBytes))) + (int)((last >> (log - 1)) & 1) + 1;
    }

    private static int BytesOf(int index) => index % 2 == 0 ? SmallestBytes << (index / 2) : (SmallestBytes << (index / 2)) * 3 / 2;

    private static Shelf[] BuildShelves()
    {
        var shelves = new Shelf[SizeCount];
        for (var i = 0; i < SizeCount; i++)
            shelves[i] = new Shelf(BytesOf(i));
        return shelves;
    }

    /// <summary>What one thread has at hand, and what it has counted. Its thread alone uses it.</summary>
    private sealed class BuffersAtHand
    {
        private readonly byte[]?[]?[] free = new byte[]?[]?[SizesAtHand];
        private readonly int[] counts = new int[SizesAtHand];
        private readonly RentedTally tally = RentedTally.Begin();
        private long toldBytes;

        // The thread has ended.
        ~BuffersAtHand()
        {
            Tell();
            tally.End();
        }

        public void Count(int buffers, long bytes)
        {
            tally.Add(buffers, bytes);
            if (tally.Bytes - toldBytes is <= -ToleranceBytes or >= ToleranceBytes)
                Tell();
        }

        private void Tell()
        {
            Interlocked.Add(ref roughBytes, tally.Bytes - toldBytes);
            toldBytes = tally.Bytes;
        }

        public byte[] Take(int index)
        {
            if (counts[index] == 0)
                return Shelves[index].Take();
            var buffers = free[index]!;
            var buffer = buffers[--counts[index]]!;
            buffers[counts[index]] = null;
            return buffer;
        }

        public void Put(int index, byte[] buffer)
        {
            var buffers = free[index] ??= new byte[]?[Math.Min(512, BytesAtHandOfEachSize / BytesOf(index))];
            if (counts[index] < buffers.Length)
                buffers[counts[index]++] = buffer;
            else
                Shelves[index].Put(buffer);
        }
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
