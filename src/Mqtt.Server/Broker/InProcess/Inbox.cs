using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using Mqtt.Protocol;

namespace Mqtt.Server.Broker.InProcess;

/// <summary>
/// What waits for one subscription of an in-process client, in order. QoS 1 and 2 are always taken in, since the window bounds them; of QoS 0 no more
/// than a bound. Any thread puts in, one reader takes out; its lock is a leaf.
/// </summary>
/// <param name="mostQoS0">How many messages of QoS 0 may wait.</param>
/// <param name="scheduler">Where the reader goes on.</param>
internal sealed class Inbox(int mostQoS0, PipeScheduler scheduler)
{
    private readonly Lock gate = new();
    private readonly Queue<Item> items = new();
    private int countOfQoS0;
    private bool isCompleted;
    private TaskCompletionSource? reader;

    /// <summary>Puts a message in; false if there is no room, or nobody takes out any more.</summary>
    public bool TryAdd(PublishPacket message, Receipts.Receipt? receipt)
    {
        TaskCompletionSource? waiting;
        lock (gate)
        {
            if (isCompleted || (receipt is null && countOfQoS0 >= mostQoS0))
                return false;
            items.Enqueue(new Item(message, receipt));
            if (receipt is null)
                countOfQoS0++;
            (waiting, reader) = (reader, null);
        }

        Wake(waiting);
        return true;
    }

    /// <summary>Takes the oldest message out.</summary>
    public bool TryTake([NotNullWhen(true)] out PublishPacket? message, out Receipts.Receipt? receipt)
    {
        lock (gate)
        {
            var taken = items.TryDequeue(out var item);
            (message, receipt) = (item.Message, item.Receipt);
            if (taken && receipt is null)
                countOfQoS0--;
            return taken;
        }
    }

    /// <summary>Waits for a message; false if none waits and none will come.</summary>
    public async ValueTask<bool> WaitAsync(CancellationToken cancellationToken)
    {
        Task waiting;
        lock (gate)
        {
            if (items.Count > 0)
                return true;
            if (isCompleted)
                return false;
            waiting = (reader = new TaskCompletionSource()).Task;
        }

        await waiting.WaitAsync(cancellationToken).ConfigureAwait(false);
        lock (gate)
            return items.Count > 0;
    }

    /// <summary>Takes nothing in any more; what waits can be taken out.</summary>
    public void Complete()
    {
        TaskCompletionSource? waiting;
        lock (gate)
        {
            isCompleted = true;
            (waiting, reader) = (reader, null);
        }

        Wake(waiting);
    }

    private void Wake(TaskCompletionSource? waiting)
    {
        if (waiting is not null)
            scheduler.Schedule(static waiting => ((TaskCompletionSource)waiting!).SetResult(), waiting);
    }

    private readonly record struct Item(PublishPacket Message, Receipts.Receipt? Receipt);
}
