using System.Diagnostics;
using Mqtt.Protocol;
using Mqtt.Server.Broker.InProcess;
using Mqtt.Server.Broker.Telemetry;

namespace Mqtt.Server.Broker;

/// <summary>
/// One subscription of an <see cref="InProcessClient"/>: its messages go, in order, to its handler or to whoever enumerates it. Messages own their
/// bytes. One of QoS 1 or 2 is acknowledged when the handler is done with it, or when the enumeration asks for the next one. It ends when it is
/// disposed or unsubscribed, and with its client.
/// </summary>
public sealed class InProcessSubscription : IAsyncEnumerable<PublishPacket>, IAsyncDisposable
{
    // Whose handler runs in this flow of control; awaiting its loop from within would never end.
    private static readonly AsyncLocal<InProcessSubscription?> Running = new();

    private readonly InProcessClient client;
    private readonly Func<PublishPacket, CancellationToken, ValueTask>? handler;
    private readonly Inbox inbox;
    private readonly CancellationTokenSource stopping = new();
    private Task loop = Task.CompletedTask;
    private long dropped;
    private int isRead;

    internal InProcessSubscription(InProcessClient client, MqttString filter, Inbox inbox, Func<PublishPacket, CancellationToken, ValueTask>? handler)
    {
        this.client = client;
        this.inbox = inbox;
        this.handler = handler;
        Filter = filter;
    }

    /// <summary>The topic filter.</summary>
    public MqttString Filter { get; }

    /// <summary>The broker's answer: the granted QoS.</summary>
    public ReasonCode ReasonCode { get; internal set; }

    /// <summary>How many QoS 0 messages were dropped because too many waited.</summary>
    public long DroppedCount => Interlocked.Read(ref dropped);

    /// <summary>The messages. The stream ends with the subscription. It has one reader at a time; another enumeration goes on where the last one stopped.</summary>
    /// <exception cref="InvalidOperationException">Somebody else enumerates it, or it has a handler.</exception>
    public async IAsyncEnumerator<PublishPacket> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        if (handler is not null)
            throw new InvalidOperationException("The messages of this subscription go to its handler.");
        if (Interlocked.Exchange(ref isRead, 1) != 0)
            throw new InvalidOperationException("A stream has one reader at a time.");

        Receipts.Receipt? inHand = null;
        try
        {
            while (await inbox.WaitAsync(cancellationToken).ConfigureAwait(false))
            {
                while (inbox.TryTake(out var message, out inHand))
                {
                    yield return message;
                    inHand?.OnDone();
                    inHand = null;
                }
            }
        }
        finally
        {
            inHand?.OnDone();
            Volatile.Write(ref isRead, 0);
        }
    }

    /// <summary>
    /// Unsubscribes, unless another subscription of the client has the same filter, and waits for the handler, whose token is cancelled; but not when called by
    /// the handler itself.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        await client.RemoveAsync(this).ConfigureAwait(false);
        await StopAsync().ConfigureAwait(false);
    }

    /// <summary>Begins to call the handler.</summary>
    internal void Start()
    {
        if (handler is not null)
            loop = HandleAllAsync(BrokerTracing.Around(handler, Filter, client.ClientId));
    }

    /// <summary>Puts a message in; false if it is dropped.</summary>
    internal bool TryAdd(PublishPacket message, Receipts.Receipt? receipt)
    {
        if (inbox.TryAdd(message, receipt))
            return true;
        Interlocked.Increment(ref dropped);
        return false;
    }

    /// <summary>No message comes any more; what waits can be read.</summary>
    internal void Complete() => inbox.Complete();

    /// <summary>Ends the stream and the handler's loop; what waits is acknowledged unseen, for the subscription is over.</summary>
    internal async ValueTask StopAsync()
    {
        inbox.Complete();
        await stopping.CancelAsync().ConfigureAwait(false);
        if (handler is null)
            DiscardUnread();
        else if (Running.Value != this)
            await loop.ConfigureAwait(false);
    }

    // A reader at work gets what waits still.
    private void DiscardUnread()
    {
        if (Interlocked.Exchange(ref isRead, 1) != 0)
            return;
        while (inbox.TryTake(out _, out var receipt))
            receipt?.OnDone();
        Volatile.Write(ref isRead, 0);
    }

    private async Task HandleAllAsync(Func<PublishPacket, CancellationToken, ValueTask> call)
    {
        Running.Value = this;
        Activity.Current = null; // The loop outlives what the program was doing when it subscribed.
        while (await inbox.WaitAsync(CancellationToken.None).ConfigureAwait(false))
        {
            while (inbox.TryTake(out var message, out var receipt))
            {
                try
                {
                    if (!stopping.IsCancellationRequested)
                        await call(message, stopping.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException) when (stopping.IsCancellationRequested)
                {
                    // Disposed meanwhile.
                }
                catch (Exception failure)
                {
                    client.Logger.InProcessHandlerFailed(failure, Filter, client.ClientId);
                }

                receipt?.OnDone();
            }
        }
    }
}
