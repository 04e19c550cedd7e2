namespace Mqtt.Tool.Bench;

/// <summary>Which messages of one publisher a receiver has got: tells what is new, what came before, and what comes late, up to 64 messages back.</summary>
internal struct SeenNumbers
{
    private uint latest;
    private ulong before;

    /// <summary>Takes a number, counted from 1.</summary>
    public void Take(uint number, BenchTally tally)
    {
        if (number > latest)
        {
            var ahead = number - latest;
            before = ahead > 64 ? 0 : ((ahead == 64 ? 0 : before << (int)ahead) | (latest == 0 ? 0 : 1UL << (int)(ahead - 1)));
            latest = number;
            return;
        }

        var bit = number == latest || latest - number > 64 ? 0 : 1UL << (int)(latest - number - 1);
        if (bit == 0 || (before & bit) != 0)
            tally.Duplicates++;
        else
            tally.Late++;
        before |= bit;
    }
}
