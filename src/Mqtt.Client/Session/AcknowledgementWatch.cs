namespace Mqtt.Client;

/// <summary>
/// Looks now and then whether something that was sent has waited for its answer too long; looking costs nothing per message. It notices at
/// the latest a quarter of the limit late.
/// </summary>
internal sealed class AcknowledgementWatch(TimeProvider clock, TimeSpan limit, Func<long, bool> hasOlderThan, Action onLate) : IDisposable
{
    private ITimer? timer;

    public void Start()
    {
        if (limit != Timeout.InfiniteTimeSpan)
            timer = clock.CreateTimer(static state => ((AcknowledgementWatch)state!).Look(), this, limit / 4, limit / 4);
    }

    public void Dispose() => timer?.Dispose();

    private void Look()
    {
        var oldest = clock.GetTimestamp() - (long)(limit.TotalSeconds * clock.TimestampFrequency);
        if (hasOlderThan(oldest))
            onLate();
    }
}
