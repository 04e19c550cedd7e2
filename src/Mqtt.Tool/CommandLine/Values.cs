using System.Globalization;

namespace Mqtt.Tool.CommandLine;

/// <summary>Reads and shows the values of flags. What cannot be read is a <see cref="FormatException"/> that says what is expected.</summary>
internal static class Values
{
    private static readonly (string Suffix, long Factor)[] SizeUnits = [("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10), ("", 1)];

    private static readonly (string Suffix, TimeSpan Factor)[] TimeUnits =
    [
        ("d", TimeSpan.FromDays(1)), ("h", TimeSpan.FromHours(1)), ("m", TimeSpan.FromMinutes(1)), ("s", TimeSpan.FromSeconds(1)), ("ms", TimeSpan.FromMilliseconds(1)),
    ];

    /// <summary>A whole number within bounds.</summary>
    public static int Number(string text, int least, int most) => (int)Count(text, least, most);

    /// <summary>A whole number within bounds.</summary>
    public static long Count(string text, long least, long most) =>
        TryCount(text, out var number) && number >= least && number <= most
            ? number
            : throw new FormatException($"a number from {least} to {most} is expected");

    /// <summary>A whole number within bounds, or <c>off</c>.</summary>
    public static int? NumberOrOff(string text, int least, int most) => IsOff(text) ? null : Number(text, least, most);

    /// <summary>A number of bytes: <c>1500</c>, <c>64K</c>, <c>16M</c>, <c>1G</c>; a K is 1,024.</summary>
    public static long Size(string text, long least, long most)
    {
        foreach (var (suffix, factor) in SizeUnits)
        {
            if (!text.EndsWith(suffix, StringComparison.OrdinalIgnoreCase) || !TryCount(text[..^suffix.Length], out var count))
                continue;
            if (count >= Ceiling(least, factor) && count <= most / factor)
                return count * factor;
        }

        throw new FormatException($"a size such as 64K, 16M or 1G is expected, at least {Show(least)}{(most == long.MaxValue ? "" : $" and at most {Show(most)}")}");
    }

    /// <summary>A number of bytes that fits an <see cref="int"/>.</summary>
    public static int Size(string text, int least) => (int)Size(text, least, int.MaxValue);

    /// <summary>A length of time: <c>500ms</c>, <c>30s</c>, <c>10m</c>, <c>1h</c>, <c>7d</c>; a bare number is seconds.</summary>
    public static TimeSpan Duration(string text, TimeSpan least, TimeSpan most)
    {
        var digits = text.TrimEnd([.. "dhms"]).Length;
        var unit = digits == text.Length ? "s" : text[digits..];
        foreach (var (suffix, factor) in TimeUnits)
        {
            if (suffix == unit && TryCount(text[..digits], out var count) && count <= most / factor && count >= least / factor)
                return count * factor;
        }

        throw new FormatException($"a time such as 500ms, 30s, 10m, 1h or 7d is expected, at least {Show(least)} and at most {Show(most)}");
    }

    /// <summary>The word that switches a bound off.</summary>
    public static bool IsOff(string text) => text.Equals("off", StringComparison.OrdinalIgnoreCase);

    /// <summary>A size as it is written on the command line.</summary>
    public static string Show(long bytes)
    {
        var (suffix, factor) = Array.Find(SizeUnits, unit => bytes >= unit.Factor && bytes % unit.Factor == 0);
        return factor == 0 ? "0" : $"{bytes / factor}{suffix}";
    }

    /// <summary>A length of time as it is written on the command line.</summary>
    public static string Show(TimeSpan time)
    {
        var (suffix, factor) = Array.Find(TimeUnits, unit => time >= unit.Factor && time.Ticks % unit.Factor.Ticks == 0);
        return factor == default ? "0" : $"{time.Ticks / factor.Ticks}{suffix}";
    }

    private static bool TryCount(string text, out long count) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count);

    private static long Ceiling(long value, long divisor) => (value / divisor) + (value % divisor == 0 ? 0 : 1);
}
