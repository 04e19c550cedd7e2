using System.Buffers.Binary;

namespace Mqtt.Client;

/// <summary>
/// How long a message is still of use (5.0, section 3.3.2.3.3). It runs by the client's monotonic clock from the moment at which the message was handed over, so that what leaves says
/// what is left, in whole seconds and at least one, as our broker says it.
/// </summary>
/// <param name="clock">The client's clock.</param>
/// <param name="offset">Where the value of the property stands in the packet.</param>
/// <param name="stated">What the publisher said, in seconds.</param>
/// <param name="end">The timestamp at which it has run out.</param>
internal sealed class Countdown(TimeProvider clock, int offset, uint stated, long end)
{
    /// <summary>The timestamp at which it has run out.</summary>
    public long End => end;

    /// <summary>True if the message is of no use any more.</summary>
    public bool HasRunOut => clock.GetTimestamp() > end;

    /// <summary>When it runs out, by the calendar: for what outlives the clock.</summary>
    public DateTimeOffset EndsAt => clock.GetUtcNow() + Left;

    private TimeSpan Left => TimeSpan.FromSeconds((end - clock.GetTimestamp()) / (double)clock.TimestampFrequency);

    /// <summary>Begins to count, where a packet says how long; else nothing. A zero is left to the server: no wait is shorter.</summary>
    /// <param name="clock">The client's clock.</param>
    /// <param name="properties">The properties of the packet.</param>
    /// <param name="at">Where they stand in it.</param>
    /// <param name="endsAt">When it runs out by the calendar, if it began in an earlier process.</param>
    public static Countdown? Begin(TimeProvider clock, MqttProperties properties, int at, DateTimeOffset? endsAt = null)
    {
        foreach (var property in properties)
        {
            if (property is { Id: PropertyId.MessageExpiryInterval, Number: > 0 and var seconds })
            {
                var left = endsAt is { } end ? (end - clock.GetUtcNow()).TotalSeconds : seconds;
                return new(clock, at + 1, seconds, clock.GetTimestamp() + (long)(left * clock.TimestampFrequency));
            }

            at += property.Encoded.Length;
        }

        return null;
    }

    /// <summary>Puts what is left into the packet.</summary>
    public void WriteTo(Span<byte> frame)
    {
        var left = (uint)Math.Clamp(Math.Ceiling(Left.TotalSeconds), 1, stated);
        BinaryPrimitives.WriteUInt32BigEndian(frame[offset..], left);
    }
}
