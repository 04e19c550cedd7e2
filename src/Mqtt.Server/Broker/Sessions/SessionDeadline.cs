using Mqtt.Server.Time;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>When a session without a connection is due: its will, then its end. A million sessions may wait, so it is small.</summary>
/// <param name="session">The session.</param>
/// <param name="since">When its connection ended, in the milliseconds of the heartbeat.</param>
/// <param name="onDue">What happens then; one for all sessions.</param>
internal sealed class SessionDeadline(Session session, long since, Func<Session, long, long, long> onDue) : Deadline
{
    protected internal override long OnDue(long now) => onDue(session, since, now);
}
