using System.IO.Pipelines;
using Mqtt.Protocol.Channels;
using Mqtt.Server.Broker.Storage;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>
/// Wakes what waits for the store: attachments with packets that may not leave yet, and flows that await a position. Its lock is a
/// leaf: it is taken under a session's, and nothing is called under it.
/// </summary>
internal sealed class CommitWatch
{
    private readonly IBrokerStore store;
    private readonly PipeScheduler scheduler;
    private readonly Lock gate = new();
    private HashSet<Attachment> attachments = [];
    private readonly List<(long Position, TaskCompletionSource Source)> awaiting = [];

    public CommitWatch(IBrokerStore store, PipeScheduler scheduler)
    {
        this.store = store;
        this.scheduler = scheduler;
        store.CommittedChanged = OnCommitted;
    }

    /// <summary>True if everything up to a position is safe.</summary>
    public bool IsSafe(long position) => position <= 0 || position <= store.Committed;

    /// <summary>Wakes the attachment's session at the next commit. Check again after the call: the commit may have come just before.</summary>
    public void Add(Attachment attachment)
    {
        lock (gate)
            attachments.Add(attachment);
    }

    /// <summary>Completes when everything up to a position is safe.</summary>
    public ValueTask WaitAsync(long position)
    {
        if (IsSafe(position))
            return default;
        TaskCompletionSource source;
        lock (gate)
        {
            if (IsSafe(position))
                return default;
            source = new TaskCompletionSource();
            awaiting.Add((position, source));
        }

        // A commit between the check and the entry has looked at a list without it.
        if (IsSafe(position))
            OnCommitted();
        return new ValueTask(source.Task);
    }

    private void OnCommitted()
    {
        HashSet<Attachment> toWake;
        List<TaskCompletionSource>? done = null;
        lock (gate)
        {
            toWake = attachments;
            attachments = [];
            awaiting.RemoveAll(waiting =>
            {
                if (!IsSafe(waiting.Position))
                    return false;
                (done ??= []).Add(waiting.Source);
                return true;
            });
        }

        foreach (var source in done ?? [])
            scheduler.Schedule(static waiting => ((TaskCompletionSource)waiting!).SetResult(), source);
        using (Turn.Enter(out var turn))
        {
            foreach (var attachment in toWake)
                attachment.Session.OnCommitted(attachment, turn);
        }
    }
}
