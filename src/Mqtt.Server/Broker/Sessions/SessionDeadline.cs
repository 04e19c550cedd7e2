using Mqtt.Server.Time;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>When a session without a connection is due: its will, then its end.</summary>
internal sealed class SessionDeadline(Session session, Func<Session, long, long> onDue) : Deadline
{
    protected internal override long OnDue(long now) => onDue(session, now);
}
