namespace Mqtt.Server.Time;

/// <summary>
/// Something that is due at a time: a connection's keep-alive, a will, the end of a session. It stands in one slot of a
/// <see cref="DeadlineWheel"/>; whoever owns it derives from it or holds one.
/// </summary>
internal abstract class Deadline
{
    internal Deadline? Next;
    internal Deadline? Previous;
    internal int Slot = -1;

    /// <summary>When it is due, in the milliseconds of the heartbeat's clock.</summary>
    internal long Due;

    /// <summary>It is due. Runs on the heartbeat, within a turn and without any lock; it must not block. Returns when it is due again, or <see cref="Never"/>.</summary>
    protected internal abstract long OnDue(long now);

    /// <summary>Not at all.</summary>
    public const long Never = long.MaxValue;
}
