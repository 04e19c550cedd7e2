namespace Mqtt.Server.Time;

/// <summary>
/// A hashed wheel: deadlines stand in the slot of their tick, and those of a later round are passed over until theirs comes.
/// Setting and clearing cost the same for ten deadlines as for a million. Safe for all threads; one thread advances it.
/// </summary>
internal sealed class DeadlineWheel
{
    /// <summary>The length of a tick: how late a deadline may be.</summary>
    public const int TickMilliseconds = 100;

    private const int SlotCount = 1024;

    private readonly Lock gate = new();
    private readonly Deadline?[] slots = new Deadline?[SlotCount];
    private readonly List<Deadline> due = [];
    private long lastTick;

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

    /// <summary>Runs all that is due by <paramref name="now"/>. One that fails is told to <paramref name="onFailure"/>, and harms no other.</summary>
    public void Advance(long now, Action<Exception> onFailure)
    {
        Collect(now);
        foreach (var deadline in due)
        {
            try
            {
                SetAgain(deadline, deadline.OnDue(now));
            }
            catch (Exception failure)
            {
                onFailure(failure);
            }
        }

        due.Clear();
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

    private void Collect(long now)
    {
        lock (gate)
        {
            var tick = now / TickMilliseconds;
            var slotsToVisit = Math.Min(tick - lastTick, SlotCount);
            for (var i = 0; i < slotsToVisit; i++)
                CollectSlot((int)((tick - i) % SlotCount), now);
            lastTick = tick;
        }

        due.Sort(static (left, right) => left.Due.CompareTo(right.Due));
    }

    private void CollectSlot(int slot, long now)
    {
        for (var deadline = slots[slot]; deadline is not null;)
        {
            var next = deadline.Next;
            if (deadline.Due <= now)
            {
                Unlink(deadline);
                due.Add(deadline);
            }

            deadline = next;
        }
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
            return;
        if (deadline.Previous is null)
            slots[deadline.Slot] = deadline.Next;
        else
            deadline.Previous.Next = deadline.Next;
        if (deadline.Next is not null)
            deadline.Next.Previous = deadline.Previous;
        deadline.Next = deadline.Previous = null;
        deadline.Slot = -1;
    }
}
