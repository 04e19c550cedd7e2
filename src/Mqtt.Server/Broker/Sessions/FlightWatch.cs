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
    private readonly long interval;
    private readonly bool givesUp;
    private long seen;

    private FlightWatch(Attachment attachment, TimeSpan interval, bool givesUp)
    {
        this.attachment = attachment;
        this.interval = Math.Max(1, (long)interval.TotalMilliseconds);
        this.givesUp = givesUp;
    }

    /// <summary>Begins what the options ask for.</summary>
    public static void Begin(SessionContext context, Attachment attachment)
    {
        if (context.Options.RetryInterval is { } retry && !attachment.IsV5)
            context.Heartbeat.SetAfter(new FlightWatch(attachment, retry, givesUp: false), retry);
        if (context.Options.InFlightExpiry is { } expiry)
            context.Heartbeat.SetAfter(new FlightWatch(attachment, expiry, givesUp: true), expiry);
    }

    protected internal override long OnDue(long now)
    {
        if (!attachment.IsConnected)
            return Never;
        using (Turn.Enter(out var turn))
            seen = attachment.Session.CheckFlights(attachment, seen, givesUp, turn);
        return now + interval;
    }
}
