namespace Mqtt.Server.Time;

/// <summary>
/// A hashed wheel: deadlines stand in the slot of their tick, and those of a later round are passed over until theirs comes.
/// Setting and clearing cost the same for ten deadlines as for a million, and a million that are due at once are run in small pieces. Safe
/// for all threads; one thread advances it.
/// </summary>
internal sealed class DeadlineWheel
{
    /// <summary>The length of a tick: how late a deadline may be.</summary>
    public const int TickMilliseconds = 100;

    private const int SlotCount = 1024;

    // Where a deadline is that stands in no slot.
    private const int Nowhere = -1;
    private const int Collected = -2;

    private readonly Lock gate = new();
    private readonly Deadline?[] slots = new Deadline?[SlotCount];
    private readonly List<Deadline> due = [];
    private long lastTick;

    // What is left of the slot of the last tick, which is being gone through.
    private Deadline? open;

    /// <summary>Sets a deadline, in place of the one that was set before; <see cref="Deadline.Never"/> clears it.</summary>
    public void Set(Deadline deadline, long dueAt)
    {
        lock (gate)
        {
            Unlink(deadline);
            if (dueAt == Deadline.Never)
                return;
            deadline.Due = dueAt;
            Link(deadline);
        }
    }

    /// <summary>Takes a deadline out. One that is being run at this moment may still run.</summary>
    public void Clear(Deadline deadline) => Set(deadline, Deadline.Never);

    /// <summary>
    /// Runs what is due by <paramref name="now"/>, the oldest tick first, and looks at so many deadlines at most, so that neither the lock
    /// nor a turn is held for long when thousands are due at once. True if there may be more: call again. One that fails is told to
    /// <paramref name="onFailure"/>, and harms no other.
    /// </summary>
    public bool Advance(long now, int most, Action<Exception> onFailure)
    {
        bool isMore;
        lock (gate)
            isMore = Collect(now, most);
        due.Sort(static (left, right) => left.Due.CompareTo(right.Due));
        foreach (var deadline in due)
        {
            try
            {
                if (Take(deadline))
                    SetAgain(deadline, deadline.OnDue(now));
            }
            catch (Exception failure)
            {
                onFailure(failure);
            }
        }

        due.Clear();
        return isMore;
    }

    // False if it was cleared or set anew since it was collected.
    private bool Take(Deadline deadline)
    {
        lock (gate)
        {
            var isDue = deadline.Slot == Collected;
            if (isDue)
                deadline.Slot = Nowhere;
            return isDue;
        }
    }

    // Unless somebody has set it anew in the meantime, who knows better.
    private void SetAgain(Deadline deadline, long dueAt)
    {
        if (dueAt == Deadline.Never)
            return;
        lock (gate)
        {
            if (deadline.Slot >= 0)
                return;
            deadline.Due = dueAt;
            Link(deadline);
        }
    }

    // A slot is taken off as a whole and gone through piece by piece; what belongs to a later round goes back.
    private bool Collect(long now, int most)
    {
        var tick = now / TickMilliseconds;
        if (open is null)
            lastTick = Math.Max(lastTick, tick - SlotCount);
        for (; most > 0; most--)
        {
            if (open is null)
            {
                if (lastTick >= tick)
                    return false;
                lastTick++;
                var slot = lastTick % SlotCount;
                (open, slots[slot]) = (slots[slot], null);
                continue;
            }

            var deadline = open;
            Unlink(deadline);
            if (deadline.Due <= now)
            {
                deadline.Slot = Collected;
                due.Add(deadline);
            }
            else
            {
                Link(deadline);
            }
        }

        return open is not null || lastTick < tick;
    }

    // Rounded up: a deadline is never early. What is overdue already goes to the next tick.
    private void Link(Deadline deadline)
    {
        var tick = Math.Max((deadline.Due + TickMilliseconds - 1) / TickMilliseconds, lastTick + 1);
        var slot = (int)(tick % SlotCount);
        deadline.Slot = slot;
        deadline.Previous = null;
        deadline.Next = slots[slot];
        if (deadline.Next is not null)
            deadline.Next.Previous = deadline;
        slots[slot] = deadline;
    }

    private void Unlink(Deadline deadline)
    {
        if (deadline.Slot < 0)
        {
            deadline.Slot = Nowhere;
            return;
        }

        if (deadline == open)
            open = deadline.Next;
        else if (deadline.Previous is null)
            slots[deadline.Slot] = deadline.Next;
        else
            deadline.Previous.Next = deadline.Next;
        if (deadline.Next is not null)
            deadline.Next.Previous = deadline.Previous;
        deadline.Next = deadline.Previous = null;
        deadline.Slot = Nowhere;
    }
}
