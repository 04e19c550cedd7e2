using Mqtt.Tool.Bench;

namespace Mqtt.Tool.Tests.Bench;

public class LatencyHistogramTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(1_000_000)]
    [InlineData(long.MaxValue / 2)]
    public void Percentiles_are_right_to_one_part_in_64(long scale)
    {
        var random = new Random(7);
        var histogram = new LatencyHistogram();
        var all = Enumerable.Range(0, 10_000).Select(_ => (long)(random.NextDouble() * scale)).ToArray();
        foreach (var time in all)
            histogram.Add(time);
        Array.Sort(all);

        histogram.Count.Should().Be(all.Length);
        histogram.Longest.Should().Be(all[^1]);
        foreach (var part in (double[])[0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1])
        {
            var exact = all[(int)Math.Ceiling(part * all.Length) - 1];
            histogram.Percentile(part).Should().BeInRange(exact, Math.Max(exact, exact + (exact / 64) + 1));
        }
    }

    [Fact]
    public void A_sum_is_as_if_one_had_counted_all()
    {
        var (one, other, both) = (new LatencyHistogram(), new LatencyHistogram(), new LatencyHistogram());
        for (var time = 1; time < 5000; time *= 3)
        {
            one.Add(time);
            both.Add(time);
            for (var copy = 0; copy < 3; copy++)
            {
                other.Add(time * 2);
                both.Add(time * 2);
            }
        }

        one.Add(other);
        (one.Count, one.Longest, one.Percentile(0.5), one.Percentile(0.99)).Should().Be((both.Count, both.Longest, both.Percentile(0.5), both.Percentile(0.99)));
    }

    [Fact]
    public void Nothing_has_no_percentiles() => new LatencyHistogram().Percentile(0.99).Should().Be(0);
}
