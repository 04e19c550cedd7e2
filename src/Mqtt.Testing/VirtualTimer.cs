namespace Mqtt.Testing;

/// <summary>A timer of <see cref="VirtualTime"/>, whose lock guards everything here but the callback.</summary>
internal sealed class VirtualTimer(VirtualTime time, TimerCallback callback, object? state) : ITimer
{
    public static readonly IComparer<VirtualTimer> ByDueTime =
        Comparer<VirtualTimer>.Create((one, other) => (one.Due, one.Order).CompareTo((other.Due, other.Order)));

    private readonly ExecutionContext? context = ExecutionContext.Capture();

    /// <summary>When it fires, in ticks since the start.</summary>
    public long Due { get; set; }

    /// <summary>Decides between timers that are due at once.</summary>
    public long Order { get; set; }

    /// <summary>After how many ticks it fires again; 0: never.</summary>
    public long Period { get; set; }

    public bool IsDisposed { get; set; }

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        ThrowIfNegative(dueTime, nameof(dueTime));
        ThrowIfNegative(period, nameof(period));
        return time.Set(this, dueTime, period);
    }

    public void Fire()
    {
        if (context is null)
            callback(state);
        else
            ExecutionContext.Run(context, static timer => ((VirtualTimer)timer!).Call(), this);
    }

    public void Dispose() => time.Remove(this);

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    private void Call() => callback(state);

    private static void ThrowIfNegative(TimeSpan span, string name)
    {
        if (span < TimeSpan.Zero && span != Timeout.InfiniteTimeSpan)
            throw new ArgumentOutOfRangeException(name, span, "A time span is not negative, unless it is infinite.");
    }
}
