using System.IO.Pipelines;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>
/// What waits for the store on one connection, in order; and the client that has to wait until less of it does. The session's lock guards it, but for what is marked
/// otherwise.
/// </summary>
/// <param name="most">From how many on the client is not read any more; <see cref="int.MaxValue"/> for one that was told how many it may send.</param>
/// <param name="scheduler">Where the client goes on.</param>
internal sealed class WaitingDepartures(int most, PipeScheduler scheduler)
{
    private readonly Queue<Departure> departures = new();
    private readonly Lock gate = new();
    private TaskCompletionSource? room;
    private bool hasEnded;

    /// <summary>How many wait. Any thread; exact for the client's own loop as far as its own packets go.</summary>
    public int Count => departures.Count;

    /// <summary>True if the client must wait. Any thread.</summary>
    public bool IsFull => Count >= most;

    /// <summary>Completes when half of them have left, or the connection is no more. Any thread.</summary>
    public Task Room
    {
        get
        {
            lock (gate)
                return hasEnded || !IsFull ? Task.CompletedTask : (room ??= new()).Task;
        }
    }

    /// <summary>All that wait.</summary>
    public IEnumerable<Departure> All => departures;

    public void Enqueue(in Departure departure) => departures.Enqueue(departure);

    public bool TryPeek(out Departure departure) => departures.TryPeek(out departure);

    public void Dequeue()
    {
        departures.Dequeue();
        if (room is not null && Count <= most / 2)
            LetGo(end: false);
    }

    /// <summary>The connection is no more: nobody waits for it.</summary>
    public void End() => LetGo(end: true);

    private void LetGo(bool end)
    {
        TaskCompletionSource? waiting;
        lock (gate)
        {
            hasEnded |= end;
            (waiting, room) = (room, null);
        }

        if (waiting is not null)
            scheduler.Schedule(static source => ((TaskCompletionSource)source!).SetResult(), waiting);
    }
}
