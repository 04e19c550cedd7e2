namespace Mqtt.Testing;

/// <summary>
/// Takes the thread's <see cref="SynchronizationContext"/> away for a while. Test frameworks set one, and with it what waits would go on
/// elsewhere and later, instead of right here and now.
/// </summary>
internal readonly ref struct NoContext
{
    private readonly SynchronizationContext? before;

    private NoContext(SynchronizationContext? before) => this.before = before;

    public static NoContext Enter()
    {
        var before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        return new NoContext(before);
    }

    public void Dispose() => SynchronizationContext.SetSynchronizationContext(before);
}
