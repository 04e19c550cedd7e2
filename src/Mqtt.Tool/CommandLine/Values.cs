using System.Globalization;

namespace Mqtt.Tool.CommandLine;

/// <summary>Reads the values of flags. What cannot be read is a <see cref="FormatException"/> that says what was expected.</summary>
internal static class Values
{
    /// <summary>A whole number within bounds.</summary>
    public static int Number(string text, int least, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new FormatException($"a number from {least} to {most} is expected");
}
