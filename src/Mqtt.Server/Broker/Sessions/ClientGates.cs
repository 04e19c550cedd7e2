using System.IO.Pipelines;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>
/// Lets one flow at a time change whose connection a client identifier is: connect, takeover, end of connection, expiry. Waiting costs
/// nobody else anything.
/// </summary>
/// <param name="scheduler">Where a flow goes on that had to wait.</param>
internal sealed class ClientGates(PipeScheduler scheduler)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Queue<TaskCompletionSource>?> held = [];

    /// <summary>Waits for its turn; dispose what is returned.</summary>
    public ValueTask<Holder> EnterAsync(string clientId)
    {
        lock (gate)
        {
            if (!held.TryGetValue(clientId, out var waiting))
            {
                held.Add(clientId, null);
                return new(new Holder(this, clientId));
            }

            var next = new TaskCompletionSource();
            held[clientId] = waiting ??= new();
            waiting.Enqueue(next);
            return WaitAsync(next.Task, clientId);
        }
    }

    /// <summary>Enters if nobody is inside.</summary>
    public bool TryEnter(string clientId, out Holder holder)
    {
        holder = new Holder(this, clientId);
        lock (gate)
            return held.TryAdd(clientId, null);
    }

    private async ValueTask<Holder> WaitAsync(Task turn, string clientId)
    {
        await turn.ConfigureAwait(false);
        return new Holder(this, clientId);
    }

    private void Leave(string clientId)
    {
        TaskCompletionSource? next = null;
        lock (gate)
        {
            if (held[clientId]?.TryDequeue(out next) is not true)
                held.Remove(clientId);
        }

        if (next is not null)
            scheduler.Schedule(static turn => ((TaskCompletionSource)turn!).SetResult(), next);
    }

    /// <summary>Whoever is inside.</summary>
    public readonly struct Holder(ClientGates gates, string clientId) : IDisposable
    {
        /// <summary>Lets the next one in.</summary>
        public void Dispose() => gates.Leave(clientId);
    }
}
