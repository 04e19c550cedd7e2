using Mqtt.Protocol.Channels;
using Mqtt.Server.Time;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>
/// Looks after what is under way on one connection and not acknowledged, if an option asks for that: sends it again, to a client of 3.x, or gives it up.
/// It looks once in each interval, and takes what was under way at its last look already. It ends with its connection; nobody else knows it.
/// </summary>
internal sealed class FlightWatch : Deadline
{
    private readonly Attachment attachment;
    private readonly IReadOnlyList<TimeSpan> intervals;
    private readonly bool givesUp;
    private long seen;

    // How often in a row a look has found something.
    private int attempts;

    private FlightWatch(Attachment attachment, IReadOnlyList<TimeSpan> intervals, bool givesUp)
    {
        this.attachment = attachment;
        this.intervals = intervals;
        this.givesUp = givesUp;
    }

    private TimeSpan Interval => intervals[Math.Min(attempts, intervals.Count - 1)];

    /// <summary>Begins what the options ask for.</summary>
    public static void Begin(SessionContext context, Attachment attachment)
    {
        if (context.Options.RetryIntervals is { Count: > 0 } retries && !attachment.IsV5)
            context.Heartbeat.SetAfter(new FlightWatch(attachment, retries, givesUp: false), retries[0]);
        if (context.Options.InFlightExpiry is { } expiry)
            context.Heartbeat.SetAfter(new FlightWatch(attachment, [expiry], givesUp: true), expiry);
    }

    protected internal override long OnDue(long now)
    {
        if (!attachment.IsConnected)
            return Never;
        using (Turn.Enter(out var turn))
        {
            (var hasFound, seen) = attachment.Session.CheckFlights(attachment, seen, givesUp, turn);
            attempts = hasFound ? attempts + 1 : 0;
        }

        return now + Math.Max(1, (long)Interval.TotalMilliseconds);
    }
}
