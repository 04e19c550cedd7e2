namespace Mqtt.Testing;

/// <summary>
/// Time that stands still until the test moves it. Timers fire in the order of their due times, those due at once in the order in which
/// they were set, each at its own instant, on the thread that calls <see cref="Advance"/> and before it returns. What awaits
/// <c>Task.Delay(delay, time)</c> goes on right there too, unless it captured a context.
/// <code>
/// var time = new VirtualTime();
/// var pause = Task.Delay(TimeSpan.FromMinutes(5), time);
/// time.Advance(TimeSpan.FromMinutes(5)); // pause is complete
/// </code>
/// <para>Setting timers and reading the time is safe from all threads; one thread at a time moves it.</para>
/// </summary>
public sealed class VirtualTime : TimeProvider
{
    private readonly Lock gate = new();
    private readonly SortedSet<VirtualTimer> timers = new(VirtualTimer.ByDueTime);
    private readonly DateTimeOffset start;

    // Ticks since the start, under the gate.
    private long now;
    private long utcOffset;
    private long timersSet;
    private bool advancing;

    // Who waits for a timer that is due soon enough, and how soon. Under the gate.
    private readonly List<(long Within, TaskCompletionSource Set)> waiting = [];

    /// <summary>Creates time that stands at noon of 1 January 2030, UTC.</summary>
    public VirtualTime()
        : this(new DateTimeOffset(2030, 1, 1, 12, 0, 0, TimeSpan.Zero))
    {
    }

    /// <summary>Creates time that stands at <paramref name="start"/>.</summary>
    public VirtualTime(DateTimeOffset start) => this.start = start.ToUniversalTime();

    /// <summary>How far the time was moved since it was created.</summary>
    public TimeSpan Elapsed => TimeSpan.FromTicks(GetTimestamp());

    /// <summary>How many timers are set.</summary>
    public int TimerCount
    {
        get
        {
            lock (gate)
                return timers.Count;
        }
    }

    /// <summary>How long until the next timer fires; <see langword="null"/> if none is set. Never negative.</summary>
    public TimeSpan? NextDue
    {
        get
        {
            lock (gate)
                return timers.Min is { } next ? TimeSpan.FromTicks(Math.Max(0, next.Due - now)) : null;
        }
    }

    /// <summary>Ticks of 100 ns.</summary>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>UTC.</summary>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <inheritdoc/>
    public override long GetTimestamp()
    {
        lock (gate)
            return now;
    }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow()
    {
        lock (gate)
            return start.AddTicks(now + utcOffset);
    }

    /// <summary>Sets a timer. One that is due at once fires with the next <see cref="Advance"/>, be it of no time at all.</summary>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new VirtualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves the time, and fires every timer that comes due on the way, those too that are set on the way.</summary>
    /// <param name="by">How far; not negative.</param>
    /// <returns>How many times a timer fired.</returns>
    /// <exception cref="InvalidOperationException">The time is being moved: a timer's callback must not move it.</exception>
    public int Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        var until = Begin(by.Ticks);
        using var plain = NoContext.Enter();
        try
        {
            var fired = 0;
            for (; TryTakeDue(until, out var timer); fired++)
                timer.Fire();
            return fired;
        }
        finally
        {
            lock (gate)
                advancing = false;
        }
    }

    /// <summary>Moves the time to the next timer and fires all that are due then; false if none is set.</summary>
    public bool AdvanceToNext()
    {
        if (NextDue is not { } next)
            return false;
        Advance(next);
        return true;
    }

    /// <summary>
    /// Completes as soon as a timer is set that is due within this time; at once if there is one. A test waits for it before it moves the time, if what is to
    /// be set off by that runs on another thread.
    /// </summary>
    public Task TimerWithinAsync(TimeSpan time)
    {
        lock (gate)
        {
            if (timers.Min is { } first && first.Due - now <= time.Ticks)
                return Task.CompletedTask;
            var set = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting.Add((time.Ticks, set));
            return set.Task;
        }
    }

    /// <summary>Sets the calendar forwards or backwards, as an administrator or a time server does. Timers and timestamps do not notice.</summary>
    public void JumpUtc(TimeSpan by)
    {
        lock (gate)
            utcOffset += by.Ticks;
    }

    internal bool Set(VirtualTimer timer, TimeSpan dueTime, TimeSpan period)
    {
        lock (gate)
        {
            timers.Remove(timer);
            if (timer.IsDisposed)
                return false;
            timer.Period = period > TimeSpan.Zero ? period.Ticks : 0;
            if (dueTime != Timeout.InfiniteTimeSpan)
                Insert(timer, now + dueTime.Ticks);
            return true;
        }
    }

    internal void Remove(VirtualTimer timer)
    {
        lock (gate)
        {
            timers.Remove(timer);
            timer.IsDisposed = true;
        }
    }

    private long Begin(long by)
    {
        lock (gate)
        {
            if (advancing)
                throw new InvalidOperationException("The time is being moved already.");
            advancing = true;
            return now + by;
        }
    }

    private bool TryTakeDue(long until, out VirtualTimer timer)
    {
        lock (gate)
        {
            timer = timers.Min!;
            if (timer is null || timer.Due > until)
            {
                now = until;
                return false;
            }

            timers.Remove(timer);
            now = Math.Max(now, timer.Due);
            if (timer.Period > 0)
                Insert(timer, timer.Due + timer.Period);
            return true;
        }
    }

    private void Insert(VirtualTimer timer, long due)
    {
        timer.Due = due;
        timer.Order = ++timersSet;
        timers.Add(timer);
        waiting.RemoveAll(one => due - now <= one.Within && one.Set.TrySetResult());
    }
}
