using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Client.Tests;

/// <summary>A store in memory that makes a write safe when the test says so, and forgets in a crash what was not safe.</summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "A queue belongs to the client that has opened it.")]
public sealed class TestPublishStore : IMqttPublishStore
{
    private readonly Lock gate = new();
    private readonly SortedDictionary<long, MqttStoredPublish> safe = [];
    private readonly Channel<StoreWrite> held = Channel.CreateUnbounded<StoreWrite>();
    private readonly TaskCompletionSource crashed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? emptied;
    private OpenQueue? open;
    private int writeCount;
    private volatile bool hasCrashed;

    // The writes that wait for the test, if any do. Under the gate.
    private List<StoreWrite>? holding;

    /// <summary>Every write fails with it. Default: none does.</summary>
    public MqttStoreException? WriteFailure { get; set; }

    /// <summary>Opening fails with it. Default: it does not.</summary>
    public Exception? OpenFailure { get; set; }

    /// <summary>At which write, from 0, the process ends: it and what comes after it is never heard of. Default: never.</summary>
    public int? CrashAt { get; init; }

    /// <summary>The write at which the process ends is safe, although nobody hears of it. Default: false.</summary>
    public bool CrashesAfterCommit { get; init; }

    /// <summary>Completes when the process has ended.</summary>
    public Task Crashed => crashed.Task;

    /// <summary>How many writes were begun.</summary>
    public int WriteCount => Volatile.Read(ref writeCount);

    /// <summary>What is safe.</summary>
    public IReadOnlyList<MqttStoredPublish> Safe
    {
        get
        {
            lock (gate)
                return [.. safe.Values];
        }
    }

    /// <summary>From here on each write waits until the test has taken it from <see cref="NextWriteAsync"/> and decided; until the end of what is returned, which commits the rest.</summary>
    public IDisposable Hold()
    {
        lock (gate)
            holding = [];
        return new Holding(this);
    }

    /// <summary>Completes as soon as nothing is stored.</summary>
    public Task WhenEmptyAsync()
    {
        lock (gate)
        {
            if (safe.Count == 0)
                return Task.CompletedTask;
            if (emptied is null or { Task.IsCompleted: true })
                emptied = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return emptied.Task;
        }
    }

    /// <summary>The next write that waits.</summary>
    public async Task<StoreWrite> NextWriteAsync() => await held.Reader.ReadAsync().Soon();

    /// <summary>The process has ended: nothing that its client still writes is heard of, and the next one can open the queue.</summary>
    public void Crash()
    {
        OpenQueue? gone;
        lock (gate)
            (gone, open, hasCrashed) = (open, null, true);
        gone?.ReleaseAll();
    }

    public ValueTask<IMqttStoredQueue> OpenAsync(string clientId, CancellationToken cancellationToken = default)
    {
        if (OpenFailure is not null)
            throw OpenFailure;
        lock (gate)
        {
            if (open is not null)
                throw new MqttStoreException("The queue is open already.");
            return new(open = new OpenQueue(this, clientId));
        }
    }

    private bool IsOpen(OpenQueue queue)
    {
        lock (gate)
            return open == queue;
    }

    private async ValueTask WriteAsync(OpenQueue from, IReadOnlyList<MqttPublishChange> changes)
    {
        var write = new StoreWrite(changes);
        if (!IsOpen(from))
            return;
        var number = Interlocked.Increment(ref writeCount) - 1;
        if (number >= CrashAt && !hasCrashed)
        {
            if (number == CrashAt && CrashesAfterCommit)
                Make(changes);
            from.Add(write);
            crashed.TrySetResult();
        }
        else if (TryHold(write))
        {
            from.Add(write);
            held.Writer.TryWrite(write);
        }
        else
        {
            write.Decide(WriteFailure);
        }

        await write.Decided;
        if (IsOpen(from))
            Make(changes);
        write.OnMade();
    }

    private bool TryHold(StoreWrite write)
    {
        lock (gate)
        {
            holding?.Add(write);
            return holding is not null;
        }
    }

    private void LetGo()
    {
        List<StoreWrite> rest;
        lock (gate)
            (rest, holding) = (holding ?? [], null);
        foreach (var write in rest)
            write.Commit();
    }

    private void Make(IReadOnlyList<MqttPublishChange> changes)
    {
        lock (gate)
        {
            foreach (var change in changes)
                Make(change);
            if (safe.Count == 0)
                emptied?.TrySetResult();
        }
    }

    private void Make(in MqttPublishChange change)
    {
        var message = change.Message;
        switch (change.Kind)
        {
            case MqttPublishChangeKind.Add:
                safe[message.Number] = message with { Packet = message.Packet.ToArray() };
                break;
            case MqttPublishChangeKind.SetState when safe.TryGetValue(message.Number, out var stored):
                safe[message.Number] = stored with { State = message.State, PacketId = message.PacketId, Order = message.Order };
                break;
            case MqttPublishChangeKind.Remove:
                safe.Remove(message.Number);
                break;
        }
    }

    private sealed class Holding(TestPublishStore store) : IDisposable
    {
        public void Dispose() => store.LetGo();
    }

    private sealed class OpenQueue(TestPublishStore store, string clientId) : IMqttStoredQueue
    {
        private readonly List<StoreWrite> pending = [];
        private bool isReleased;

        public ValueTask<IReadOnlyList<MqttStoredPublish>> ReadAsync(CancellationToken cancellationToken = default) => new(clientId == "tester" ? store.Safe : []);

        public ValueTask WriteAsync(IReadOnlyList<MqttPublishChange> changes) => store.WriteAsync(this, changes);

        public ValueTask DisposeAsync()
        {
            lock (store.gate)
            {
                if (store.open == this)
                    store.open = null;
            }

            return default;
        }

        public void Add(StoreWrite write)
        {
            lock (pending)
            {
                pending.Add(write);
                if (isReleased)
                    write.Decide(null);
            }
        }

        public void ReleaseAll()
        {
            lock (pending)
            {
                isReleased = true;
                foreach (var write in pending)
                    write.Decide(null);
            }
        }
    }
}

/// <summary>A write that waits for the test.</summary>
public sealed class StoreWrite(IReadOnlyList<MqttPublishChange> changes)
{
    private readonly TaskCompletionSource decided = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource made = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What is to be made safe.</summary>
    public IReadOnlyList<MqttPublishChange> Changes { get; } = changes;

    /// <summary>Completes when the test has decided.</summary>
    public Task Decided => decided.Task;

    /// <summary>Completes when the changes are safe.</summary>
    public Task Made => made.Task;

    /// <summary>How the changes read, in short: <c>+1 1=AwaitingPubAck -1</c>.</summary>
    public override string ToString() => string.Join(' ', Changes.Select(change => change.Kind switch
    {
        MqttPublishChangeKind.Add => $"+{change.Message.Number}",
        MqttPublishChangeKind.Remove => $"-{change.Message.Number}",
        _ => $"{change.Message.Number}={(change.Message.State == FlightState.None ? "waiting" : change.Message.State)}",
    }));

    /// <summary>Everything is safe now.</summary>
    public void Commit() => decided.TrySetResult();

    /// <summary>Nothing is.</summary>
    public void Fail(MqttStoreException error) => decided.TrySetException(error);

    internal void OnMade() => made.TrySetResult();

    internal void Decide(MqttStoreException? failure)
    {
        if (failure is null)
            Commit();
        else
            Fail(failure);
    }
}
