namespace Mqtt.Client;

/// <summary>
/// Keeps one connection alive and notices that it is dead. Twice in each keep-alive it looks back: if nothing was sent, PINGREQ goes
/// out, so that no pause is longer than the keep-alive [MQTT-3.1.2-20]; also if nothing came, since one who only sends would never notice.
/// PINGRESP must come in time, whatever else comes. So a peer that has gone silently is found at the latest 1.5 intervals after its last byte.
/// </summary>
internal sealed class KeepAlive(TimeProvider clock, TimeSpan answerLimit, Action ping, Action onDead) : IDisposable
{
    private readonly Lock gate = new();
    private ITimer? timer;
    private ITimer? deadline;
    private bool isDisposed;

    // Written by whoever sends and receives, read by the timer: a late look costs a ping too many.
    private volatile bool hasSent;
    private volatile bool hasReceived;

    /// <summary>Begins to watch; an interval of zero turns it off.</summary>
    public void Start(TimeSpan interval)
    {
        if (interval == TimeSpan.Zero)
            return;

        // A peer that fell silent is asked at most one interval after its last byte: half of one more makes the bound.
        if (answerLimit > interval / 2)
            answerLimit = interval / 2;
        lock (gate)
        {
            if (!isDisposed)
                timer = clock.CreateTimer(static state => ((KeepAlive)state!).Look(), this, interval / 2, interval / 2);
        }
    }

    public void OnSent() => hasSent = true;

    public void OnReceived() => hasReceived = true;

    public void OnPingResponse()
    {
        lock (gate)
        {
            deadline?.Dispose();
            deadline = null;
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            isDisposed = true;
            timer?.Dispose();
            deadline?.Dispose();
        }
    }

    private void Look()
    {
        var isBusy = hasSent && hasReceived;
        hasSent = hasReceived = false;
        if (isBusy)
            return;
        lock (gate)
        {
            if (isDisposed || deadline is not null)
                return;
            if (answerLimit != Timeout.InfiniteTimeSpan)
                deadline = clock.CreateTimer(static state => ((KeepAlive)state!).OnDeadline(), this, answerLimit, Timeout.InfiniteTimeSpan);
        }

        ping();
    }

    private void OnDeadline()
    {
        lock (gate)
        {
            if (isDisposed || deadline is null)
                return;
        }

        onDead();
    }
}
