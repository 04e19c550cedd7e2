namespace Mqtt.Client;

/// <summary>Durations as they stand on the wire: whole seconds, where the highest number of four bytes means for ever.</summary>
internal static class Seconds
{
    public static TimeSpan ToTimeSpan(uint seconds) => seconds == uint.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(seconds);

    public static uint FromTimeSpan(TimeSpan duration) => duration == Timeout.InfiniteTimeSpan
        ? uint.MaxValue
        : (uint)Math.Clamp(Math.Ceiling(duration.TotalSeconds), 0, uint.MaxValue - 1);
}
