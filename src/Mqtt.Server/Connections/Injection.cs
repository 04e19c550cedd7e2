using System.Diagnostics.CodeAnalysis;
using Mqtt.Protocol;

namespace Mqtt.Server.Connections;

/// <summary>
/// Packets that are handed in from outside and handled as if the peer had sent them: in order with its own, never at the same time. A
/// connection gets one with the first such packet; until then its loop pays one look at a field for each read.
/// <para>
/// Whoever finds the connection free handles what waits, on his own thread; the loop, when it has read something, waits for him. Before the loop
/// knows of this object it enters without the lock: it says <see cref="ConnectionLoop.IsHandling"/>, then looks whether there is one. Whoever
/// makes one says so, then looks whether the loop is handling; the barrier of the whole process between the two lets at least one see the other.
/// </para>
/// </summary>
internal sealed class Injection(ConnectionLoop loop)
{
    private readonly Lock gate = new();
    private readonly Queue<Item> items = new();
    private volatile bool isKnown;

    // Under the gate.
    private bool isOwned;
    private bool hasEnded;
    private TaskCompletionSource? loopWaits;

    /// <summary>Hands a packet in; the task completes when the handler is done with it.</summary>
    /// <exception cref="MqttConnectionException">The connection is over.</exception>
    public Task InjectAsync(MqttPacket packet)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return TryInject(new Item(packet, done)) ? done.Task : throw Over();
    }

    /// <summary>Hands a packet in, and leaves what comes of it to the connection; false if that is over.</summary>
    public bool TryInject(MqttPacket packet) => TryInject(new Item(packet, null));

    [SuppressMessage("Reliability", "CA2012:Use ValueTasks correctly", Justification = "Never fails: what goes wrong is told to who waits, and ends the connection.")]
    private bool TryInject(in Item item)
    {
        if (!isKnown)
        {
            Interlocked.MemoryBarrierProcessWide();
            isKnown = true;
        }

        lock (gate)
        {
            if (hasEnded || loop.HasEnded)
                return false;
            items.Enqueue(item);
            if (isOwned || loop.IsHandling)
                return true;
            isOwned = true;
        }

        _ = HandleAllAsync(switchesToPool: !loop.RunsInline);
        return true;
    }

    /// <summary>The loop has read something: it waits until nobody handles any more. True if it went on elsewhere than it was.</summary>
    public async ValueTask<bool> EnterAsync()
    {
        TaskCompletionSource waiting;
        lock (gate)
        {
            if (!isOwned)
            {
                isOwned = true;
                return false;
            }

            waiting = loopWaits = new TaskCompletionSource();
        }

        await waiting.Task.ConfigureAwait(false);
        return true;
    }

    /// <summary>The loop has handled what it read, and handles what was handed in meanwhile.</summary>
    public ValueTask LeaveAsync() => HandleAllAsync(switchesToPool: false);

    /// <summary>The connection is over: waits for the packet that is being handled; what waits behind it is not handled any more.</summary>
    /// <param name="isOwner">True if it is the loop itself that is inside.</param>
    public async ValueTask EndAsync(bool isOwner)
    {
        Task? waiting = null;
        lock (gate)
        {
            hasEnded = true;
            if (isOwned && !isOwner)
                waiting = (loopWaits = new TaskCompletionSource()).Task;
        }

        if (waiting is not null)
            await waiting.ConfigureAwait(false);
        while (TryTake(out var item))
            item.Done?.TrySetException(Over());
    }

    private async ValueTask HandleAllAsync(bool switchesToPool)
    {
        if (switchesToPool)
            await new PoolSwitch();
        while (TryTakeOrLeave(out var item))
        {
            try
            {
                await loop.HandleInjectedAsync(item.Packet).ConfigureAwait(false);
                item.Done?.TrySetResult();
            }
            catch (Exception failure)
            {
                item.Done?.TrySetException(failure);
            }
        }
    }

    // The loop comes first: it must not wait for as long as somebody hands in more and more.
    private bool TryTakeOrLeave(out Item item)
    {
        TaskCompletionSource? next;
        lock (gate)
        {
            next = loopWaits;
            loopWaits = null;
            if (next is null && !hasEnded && items.TryDequeue(out item))
                return true;
            item = default;
            isOwned = next is not null;
        }

        next?.SetResult();
        return false;
    }

    private bool TryTake(out Item item)
    {
        lock (gate)
            return items.TryDequeue(out item);
    }

    private static MqttConnectionException Over() => new("The connection is over.");

    private readonly record struct Item(MqttPacket Packet, TaskCompletionSource? Done);
}
