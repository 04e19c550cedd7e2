using Mqtt.Tool.CommandLine;

namespace Mqtt.Tool.Tests;

public class ValuesTests
{
    private static readonly TimeSpan Century = TimeSpan.FromDays(36_500);

    [Theory]
    [InlineData("0", 0)]
    [InlineData("1500", 1500)]
    [InlineData("64K", 65_536)]
    [InlineData("64k", 65_536)]
    [InlineData("16M", 16_777_216)]
    [InlineData("3G", 3_221_225_472)]
    public void A_size_has_a_suffix(string text, long bytes) => Values.Size(text, 0, long.MaxValue).Should().Be(bytes);

    [Theory]
    [InlineData("")]
    [InlineData("K")]
    [InlineData("-1")]
    [InlineData("1.5M")]
    [InlineData("1X")]
    [InlineData("1 K")]
    [InlineData("9223372036854775807K")]
    [InlineData("99999999999999999999")]
    public void What_is_no_size_is_refused(string text)
    {
        var read = () => Values.Size(text, 0, long.MaxValue);

        read.Should().Throw<FormatException>();
    }

    [Theory]
    [InlineData("1023", false)]
    [InlineData("1024", true)]
    [InlineData("1K", true)]
    [InlineData("4K", true)]
    [InlineData("5K", false)]
    [InlineData("4097", false)]
    public void A_size_keeps_within_its_bounds(string text, bool isFine)
    {
        var read = () => Values.Size(text, 1024, 4096);

        if (isFine)
            read.Should().NotThrow();
        else
            read.Should().Throw<FormatException>().WithMessage("*at least 1K and at most 4K*");
    }

    [Theory]
    [InlineData("500ms", 500)]
    [InlineData("30s", 30_000)]
    [InlineData("30", 30_000)]
    [InlineData("10m", 600_000)]
    [InlineData("1h", 3_600_000)]
    [InlineData("7d", 604_800_000)]
    [InlineData("0", 0)]
    public void A_time_has_a_suffix(string text, long milliseconds) =>
        Values.Duration(text, TimeSpan.Zero, Century).Should().Be(TimeSpan.FromMilliseconds(milliseconds));

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("-1s")]
    [InlineData("1.5s")]
    [InlineData("1w")]
    [InlineData("1hm")]
    [InlineData("99999999999999d")]
    public void What_is_no_time_is_refused(string text)
    {
        var read = () => Values.Duration(text, TimeSpan.Zero, Century);

        read.Should().Throw<FormatException>();
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(1, "1")]
    [InlineData(1500, "1500")]
    [InlineData(65_536, "64K")]
    [InlineData(16_777_216, "16M")]
    [InlineData(1L << 40, "1024G")]
    public void A_size_is_shown_as_it_is_written(long bytes, string text) => Values.Show(bytes).Should().Be(text);

    [Theory]
    [InlineData(0, "0")]
    [InlineData(1, "1ms")]
    [InlineData(1500, "1500ms")]
    [InlineData(5_000, "5s")]
    [InlineData(600_000, "10m")]
    [InlineData(604_800_000, "7d")]
    public void A_time_is_shown_as_it_is_written(long milliseconds, string text) => Values.Show(TimeSpan.FromMilliseconds(milliseconds)).Should().Be(text);
}
