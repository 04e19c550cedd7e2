namespace Mqtt.Tool.Bench;

/// <summary>What one thread has counted. It alone writes; a sum of all may be a moment old while it does.</summary>
internal sealed class BenchTally
{
    /// <summary>Messages that came.</summary>
    public long Received { get; set; }

    /// <summary>Of these, those that had come before.</summary>
    public long Duplicates { get; set; }

    /// <summary>Of these, those that came after a later one of the same publisher.</summary>
    public long Late { get; set; }

    /// <summary>When something came last, by the stopwatch.</summary>
    public long LatestAt { get; set; }

    /// <summary>From the publish to the receiver.</summary>
    public LatencyHistogram Delivery { get; } = new();

    /// <summary>From a request to its answer: CONNACK, SUBACK, PUBACK, PUBCOMP.</summary>
    public LatencyHistogram Answers { get; } = new();

    /// <summary>Adds all of another.</summary>
    public void Add(BenchTally other)
    {
        Received += other.Received;
        Duplicates += other.Duplicates;
        Late += other.Late;
        LatestAt = Math.Max(LatestAt, other.LatestAt);
        Delivery.Add(other.Delivery);
        Answers.Add(other.Answers);
    }
}
