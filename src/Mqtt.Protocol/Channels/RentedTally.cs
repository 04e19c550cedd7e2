namespace Mqtt.Protocol.Channels;

/// <summary>
/// How many buffers and bytes one thread has taken out of the pool, less what it has put back: what one thread takes another may give
/// back, so that only the sum means something. The thread alone adds to it; any thread reads it.
/// </summary>
internal sealed class RentedTally
{
    private static readonly Lock Gate = new();
    private static readonly List<RentedTally> Present = [];

    // Those of threads that have ended, taken together.
    private static readonly RentedTally Past = new();

    private long count;
    private long bytes;

    private RentedTally()
    {
    }

    public long Bytes => bytes;

    public static RentedTally Begin()
    {
        var tally = new RentedTally();
        lock (Gate)
            Present.Add(tally);
        return tally;
    }

    public static (long Count, long Bytes) Sum()
    {
        lock (Gate)
        {
            var (count, bytes) = (Past.count, Past.bytes);
            foreach (var tally in Present)
            {
                count += Volatile.Read(ref tally.count);
                bytes += Volatile.Read(ref tally.bytes);
            }

            return (count, bytes);
        }
    }

    public void Add(int buffers, long moreBytes)
    {
        Volatile.Write(ref count, count + buffers);
        Volatile.Write(ref bytes, bytes + moreBytes);
    }

    public void End()
    {
        lock (Gate)
        {
            Present.Remove(this);
            Past.Add((int)count, bytes);
        }
    }
}
