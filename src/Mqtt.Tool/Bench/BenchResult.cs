namespace Mqtt.Tool.Bench;

/// <summary>What a run has measured.</summary>
/// <param name="Settings">What was done.</param>
/// <param name="Clients">How many clients there were.</param>
/// <param name="ConnectedIn">How long it took to connect them.</param>
/// <param name="Took">How long connecting, subscribing or publishing took.</param>
/// <param name="Sent">Messages published.</param>
/// <param name="Expected">How many deliveries that makes.</param>
/// <param name="Tally">What came.</param>
/// <param name="Cost">Processor time meanwhile.</param>
internal sealed record BenchResult(
    BenchSettings Settings, int Clients, TimeSpan ConnectedIn, TimeSpan Took, long Sent, long Expected, BenchTally Tally, ProcessorTime Cost)
{
    /// <summary>From the first publish to the last delivery.</summary>
    public required TimeSpan ReceivingFor { get; init; }

    /// <summary>Connections that ended before the run did.</summary>
    public required IReadOnlyList<Exception> Failures { get; init; }

    /// <summary>Deliveries that did not come.</summary>
    public long Lost => Math.Max(0, Expected - (Tally.Received - Tally.Duplicates));

    /// <summary>What the run is about: connections, subscriptions, deliveries, or publishes where nobody receives them.</summary>
    public long Operations => Settings.Shape switch
    {
        BenchShape.Connect => Clients,
        BenchShape.Subscribe => (long)Clients * Settings.Filters,
        BenchShape.Publish => Sent,
        _ => Tally.Received,
    };

    /// <summary>All figures by name, in the order in which they are printed. Times are in microseconds where the name says so, else in seconds.</summary>
    public IEnumerable<(string Name, object Value)> Figures()
    {
        yield return ("shape", BenchReport.NameOf(Settings.Shape));
        yield return ("clients", Clients);
        yield return ("qos", (int)Settings.QualityOfService);
        yield return ("payload_bytes", Settings.PayloadBytes);
        yield return ("seconds", Took.TotalSeconds);
        yield return ("connect_seconds", ConnectedIn.TotalSeconds);
        yield return ("operations", Operations);
        yield return ("operations_per_second", PerSecond(Operations, Settings.Shape is BenchShape.Connect or BenchShape.Subscribe or BenchShape.Publish ? Took : ReceivingFor));
        yield return ("published", Sent);
        yield return ("published_per_second", PerSecond(Sent, Took));
        yield return ("received", Tally.Received);
        yield return ("received_per_second", PerSecond(Tally.Received, ReceivingFor));
        yield return ("lost", Lost);
        yield return ("duplicates", Tally.Duplicates);
        yield return ("late", Tally.Late);
        foreach (var (name, times) in new[] { ("latency", Tally.Delivery), ("answer", Tally.Answers) })
        {
            yield return ($"{name}_p50_us", times.Percentile(0.5) / 1e3);
            yield return ($"{name}_p90_us", times.Percentile(0.9) / 1e3);
            yield return ($"{name}_p99_us", times.Percentile(0.99) / 1e3);
            yield return ($"{name}_p999_us", times.Percentile(0.999) / 1e3);
            yield return ($"{name}_max_us", times.Longest / 1e3);
        }

        yield return ("bench_cpu_us_per_operation", Each(Cost.Own));
        if (Cost.Server is { } server)
            yield return ("server_cpu_us_per_operation", Each(server));
        yield return ("connections_lost", Failures.Count);
    }

    /// <summary>Processor time for each operation, in microseconds.</summary>
    public double Each(TimeSpan time) => Operations == 0 ? 0 : time.TotalMicroseconds / Operations;

    private static double PerSecond(long count, TimeSpan time) => time <= TimeSpan.Zero ? 0 : count / time.TotalSeconds;
}
