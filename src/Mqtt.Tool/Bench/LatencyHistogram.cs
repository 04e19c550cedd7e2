using System.Numerics;

namespace Mqtt.Tool.Bench;

/// <summary>
/// Counts times by their size, each to within one part in 64, so that percentiles of any number of them take 30 KB. One thread adds; a sum of
/// several is made with <see cref="Add(LatencyHistogram)"/>.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int StepBits = 6;

    private readonly long[] counts = new long[(64 - StepBits + 1) << StepBits];

    /// <summary>How many there are.</summary>
    public long Count { get; private set; }

    /// <summary>The longest, in nanoseconds.</summary>
    public long Longest { get; private set; }

    /// <summary>Adds a time.</summary>
    public void Add(long nanoseconds)
    {
        var value = Math.Max(0, nanoseconds);
        counts[IndexOf(value)]++;
        Count++;
        Longest = Math.Max(Longest, value);
    }

    /// <summary>Adds all of another.</summary>
    public void Add(LatencyHistogram other)
    {
        for (var i = 0; i < counts.Length; i++)
            counts[i] += other.counts[i];
        Count += other.Count;
        Longest = Math.Max(Longest, other.Longest);
    }

    /// <summary>Forgets all.</summary>
    public void Clear()
    {
        Array.Clear(counts);
        (Count, Longest) = (0, 0);
    }

    /// <summary>The time that a part of all do not exceed, in nanoseconds: 0.5 gives the median. 0 if there are none.</summary>
    public long Percentile(double part)
    {
        var wanted = (long)Math.Ceiling(part * Count);
        var seen = 0L;
        for (var i = 0; i < counts.Length; i++)
        {
            seen += counts[i];
            if (seen >= wanted && seen > 0)
                return Math.Min(UpperOf(i), Longest);
        }

        return 0;
    }

    // Values below 64 have a step each; of those above, the leading bit gives the row and the next six the step.
    private static int IndexOf(long value)
    {
        var row = Math.Max(0, BitOperations.Log2((ulong)value) - StepBits);
        return (row << StepBits) + (int)(value >> row);
    }

    private static long UpperOf(int index)
    {
        var row = Math.Max(0, (index >> StepBits) - 1);
        return ((index - ((long)row << StepBits) + 1) << row) - 1;
    }
}
