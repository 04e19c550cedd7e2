using Microsoft.Extensions.Logging;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Client;

/// <summary>
/// Writes down, in the store of the queue, what is owed to the server: one change after another gets a position, and what depends on a change may leave once <see cref="SafePosition"/> has
/// reached it. While a write is under way changes gather, and the next write takes them all: many messages share a commit, and nobody waits on a thread.
/// <para>
/// The session's lock guards it; changes are noted under it. The writer, which is the journal's own, takes the lock for a moment before and after each write.
/// </para>
/// </summary>
/// <param name="store">The store.</param>
/// <param name="options">Identifier, version and clock are those of the client.</param>
/// <param name="gate">The session's lock.</param>
/// <param name="logger">Where it is told that the store fails, and that it works again.</param>
internal sealed class PublishJournal(IMqttPublishStore store, MqttClientOptions options, Lock gate, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource ending = new();
    private Task<IReadOnlyList<MqttStoredPublish>>? opening;
    private IMqttStoredQueue? queue;

    // What is not written yet, and the one who writes. Under the gate.
    private List<Note> waiting = [];
    private Task writer = Task.CompletedTask;
    private bool isWriting;
    private long lastPosition;
    private long lastNumber;
    private long lastOrder;

    /// <summary>Called, under the lock, with each message that could not be stored.</summary>
    public required Action<OutgoingPublish, MqttStoreException> OnLost { get; init; }

    /// <summary>Called, without any lock, when more is safe.</summary>
    public required Action OnSafe { get; init; }

    /// <summary>Up to where everything is safe.</summary>
    public long SafePosition { get; private set; }

    /// <summary>Why the last write failed; null if it did not. While it stands nothing new is taken in, and what is owed to the store is tried every second.</summary>
    public MqttStoreException? Failure { get; private set; }

    /// <summary>True once changes are noted; what is added before is noted when it is.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Opens the store and reads what an earlier process has left. After a failure it can be tried again.</summary>
    /// <exception cref="MqttStoreException">It cannot be opened or read.</exception>
    public Task<IReadOnlyList<MqttStoredPublish>> OpenAsync()
    {
        lock (gate)
            return opening is null || opening.IsFaulted ? opening = OpenAndReadAsync() : opening;
    }

    /// <summary>From here on changes are noted. Under the lock.</summary>
    public void Begin(IReadOnlyList<MqttStoredPublish> stored)
    {
        lastNumber = stored.Select(message => message.Number).DefaultIfEmpty().Max();
        lastOrder = stored.Select(message => message.Order).DefaultIfEmpty().Max();
        IsOpen = true;
    }

    /// <summary>A message was taken in, or is to wait again under its old number.</summary>
    public void Add(OutgoingPublish message)
    {
        if (!IsOpen)
            return;
        var entry = message.Entry!;
        if (entry.Number == 0)
            entry.Number = ++lastNumber;
        entry.PacketId = 0;
        entry.SafeAt = Put(new(MqttPublishChangeKind.Add, Describe(message)), message);
    }

    /// <summary>A message has come to a state under a packet identifier; what it sends next waits until this is safe.</summary>
    public void SetState(OutgoingPublish message, FlightState state, ushort packetId)
    {
        var entry = message.Entry!;
        entry.PacketId = packetId;
        var order = state == FlightState.None ? 0 : ++lastOrder;
        entry.SafeAt = Put(new(MqttPublishChangeKind.SetState, new() { Number = entry.Number, State = state, PacketId = packetId, Order = order }), message);
    }

    /// <summary>A message is owed no longer. No harm if it is not stored.</summary>
    public void Remove(OutgoingPublish message)
    {
        if (message.Entry is not { Number: > 0 } entry)
            return;
        entry.SafeAt = Put(Removal(entry.Number), message);
    }

    /// <summary>Writes what was noted, if that can be done, and closes the store.</summary>
    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync().ConfigureAwait(false);
        Task last;
        Task? opened;
        lock (gate)
            (last, opened) = (writer, opening);
        await last.ConfigureAwait(false);
        if (opened is not null)
            await opened.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (queue is not null)
            await queue.DisposeAsync().ConfigureAwait(false);
        ending.Dispose();
    }

    private async Task<IReadOnlyList<MqttStoredPublish>> OpenAndReadAsync()
    {
        // Not under the lock under which it may have been asked for.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        IMqttStoredQueue? opened = null;
        try
        {
            opened = await store.OpenAsync(options.ClientId!).ConfigureAwait(false);
            var stored = await opened.ReadAsync().ConfigureAwait(false);
            queue = opened;
            return stored;
        }
        catch (Exception error)
        {
            if (opened is not null)
                await opened.DisposeAsync().ConfigureAwait(false);
            throw Wrap(error);
        }
    }

    private MqttStoredPublish Describe(OutgoingPublish message) => new()
    {
        Number = message.Entry!.Number,
        Expires = message.Expiry?.EndsAt,
        Version = options.ProtocolVersion,
        Packet = message.Packet,
    };

    private long Put(in MqttPublishChange change, OutgoingPublish message)
    {
        waiting.Add(new(change, message));
        if (!isWriting)
        {
            isWriting = true;
            writer = Task.Run(WriteAllAsync);
        }

        return ++lastPosition;
    }

    private async Task WriteAllAsync()
    {
        while (TryTake(out var batch, out var position))
        {
            try
            {
                await queue!.WriteAsync([.. batch.Select(note => note.Change)]).ConfigureAwait(false);
            }
            catch (Exception error)
            {
                OnFailed(batch, Wrap(error));
                if (ending.IsCancellationRequested)
                    return;
                await Task.Delay(RetryDelay, options.TimeProvider, ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                continue;
            }

            OnWritten(batch, position);
        }
    }

    private bool TryTake(out List<Note> batch, out long position)
    {
        lock (gate)
        {
            (batch, position) = (waiting, lastPosition);
            isWriting = batch.Count > 0;
            if (isWriting)
                waiting = [];
            return isWriting;
        }
    }

    private void OnWritten(List<Note> batch, long position)
    {
        bool worksAgain;
        lock (gate)
        {
            SafePosition = position;
            worksAgain = Failure is not null;
            Failure = null;
            foreach (var note in batch)
            {
                if (note.Change.Kind == MqttPublishChangeKind.Add)
                    note.Message.Entry!.OnTaken(isInQueue: true);
            }
        }

        if (worksAgain)
            logger.StoreWorks();
        OnSafe();
    }

    // What was to be taken in is not, and is taken out in case it is there all the same; every other change is made later.
    private void OnFailed(List<Note> batch, MqttStoreException error)
    {
        // Only the writer sets it. The log comes first: who is told that his message is lost finds the cause there.
        if (Failure is null)
            logger.StoreFailed(error);
        lock (gate)
        {
            Failure = error;
            var later = new List<Note>();
            foreach (var note in batch)
            {
                var isAdd = note.Change.Kind == MqttPublishChangeKind.Add;
                later.Add(isAdd ? note with { Change = Removal(note.Change.Message.Number) } : note);
                if (isAdd)
                    OnLost(note.Message, error);
            }

            waiting.InsertRange(0, later);
        }
    }

    private static MqttPublishChange Removal(long number) => new(MqttPublishChangeKind.Remove, new() { Number = number });

    private static MqttStoreException Wrap(Exception error) => error as MqttStoreException ?? new MqttStoreException($"The store of the queue failed: {error.Message}", error);

    /// <summary>A change, and the message that it is about.</summary>
    private readonly record struct Note(MqttPublishChange Change, OutgoingPublish Message);
}
