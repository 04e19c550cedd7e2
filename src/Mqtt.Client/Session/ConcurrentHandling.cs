namespace Mqtt.Client;

/// <summary>
/// Hands the messages of one subscription to its handler several at a time: those of one key one after the other in their order, those of different keys
/// side by side. Messages are copied, since a borrowed one is gone when the next is taken.
/// <para>
/// One dispatcher takes messages out of the inbox and puts each behind the others of its key; a fixed number of workers take whichever key is ready. The
/// dispatcher is ahead by a few messages for each worker and no more, so that a key that is slow fills its own queue, then holds up all others.
/// </para>
/// </summary>
internal sealed class ConcurrentHandling : IDisposable
{
    private const int MessagesAheadOfEachWorker = 4;

    private readonly MqttSubscription subscription;
    private readonly MessageHandler handler;
    private readonly CancellationToken stopping;
    private readonly Func<MqttMessage, MqttString> keyOf;

    // How many messages may be taken out of the inbox, and how many keys have one that nobody works at.
    private readonly SemaphoreSlim room;
    private readonly SemaphoreSlim ready = new(0);
    private readonly int roomCount;

    // The keys that have messages, and in which order they are served. A key that is worked at is not in the order.
    private readonly Lock gate = new();
    private readonly Dictionary<MqttString, Queue<Item>> lanes = new(Utf8Comparer.Instance);
    private readonly Queue<(MqttString Key, Queue<Item> Lane)> order = new();

    public ConcurrentHandling(MqttSubscription subscription, MessageHandler handler, CancellationToken stopping)
    {
        this.subscription = subscription;
        this.handler = handler;
        this.stopping = stopping;
        keyOf = subscription.Options.ConcurrencyKey ?? (static message => message.Topic);
        roomCount = subscription.Options.MaximumConcurrency * MessagesAheadOfEachWorker;
        room = new SemaphoreSlim(roomCount);
    }

    /// <summary>Handles messages until the stream ends, or until it is stopped.</summary>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    /// <exception cref="MqttRefusedException">The server refused the subscription.</exception>
    public async Task RunAsync()
    {
        using var finished = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var workers = Enumerable.Range(0, subscription.Options.MaximumConcurrency).Select(_ => WorkAsync(finished.Token)).ToArray();
        try
        {
            while (await subscription.Inbox.WaitAsync(stopping).ConfigureAwait(false))
                await DispatchAsync().ConfigureAwait(false);
            for (var i = 0; i < roomCount; i++)
                await room.WaitAsync(stopping).ConfigureAwait(false);
        }
        finally
        {
            await finished.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(workers).ConfigureAwait(false);
            foreach (var item in lanes.Values.SelectMany(lane => lane))
                subscription.Discard(item.Receipt);
        }
    }

    public void Dispose()
    {
        room.Dispose();
        ready.Dispose();
    }

    private async ValueTask DispatchAsync()
    {
        while (true)
        {
            await room.WaitAsync(stopping).ConfigureAwait(false);
            if (!subscription.Inbox.TryTake(out var item))
                break;
            var message = subscription.CreateMessage(item);
            try
            {
                Enqueue(keyOf(message), new(message, item.Receipt));
            }
            catch (Exception error)
            {
                handler.OnFailed(message, item.Receipt, error);
                room.Release();
            }
        }

        room.Release();
    }

    private void Enqueue(MqttString key, in Item item)
    {
        lock (gate)
        {
            if (lanes.TryGetValue(key, out var lane))
            {
                lane.Enqueue(item);
                return;
            }

            lane = new([item]);
            lanes.Add(key, lane);
            order.Enqueue((key, lane));
        }

        ready.Release();
    }

    private async Task WorkAsync(CancellationToken finished)
    {
        try
        {
            while (true)
            {
                await ready.WaitAsync(finished).ConfigureAwait(false);
                var (key, lane, item) = Next();
                await handler.HandleAsync(item.Message, item.Receipt).ConfigureAwait(false);
                GoOn(key, lane);
                room.Release();
            }
        }
        catch (OperationCanceledException) when (finished.IsCancellationRequested)
        {
            // Stopped, or all is done.
        }
    }

    private (MqttString Key, Queue<Item> Lane, Item Item) Next()
    {
        lock (gate)
        {
            var (key, lane) = order.Dequeue();
            return (key, lane, lane.Dequeue());
        }
    }

    private void GoOn(MqttString key, Queue<Item> lane)
    {
        lock (gate)
        {
            if (lane.Count == 0)
            {
                lanes.Remove(key);
                return;
            }

            order.Enqueue((key, lane));
        }

        ready.Release();
    }

    private readonly record struct Item(MqttMessage Message, Receipt Receipt);
}
