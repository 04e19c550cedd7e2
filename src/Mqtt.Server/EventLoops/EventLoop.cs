using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Mqtt.Protocol.Channels;

namespace Mqtt.Server.EventLoops;

/// <summary>
/// One thread that waits for many descriptors (epoll, level-triggered) and runs what becomes ready, one bounded read for each
/// connection and round, those that have little to say first; then it flushes what was appended, in a turn that stays open. It touches neither the
/// thread pool nor any switch of the process.
/// Nothing that it runs should throw; what does so all the same is logged, and the loop goes on: others live on it.
/// </summary>
internal sealed class EventLoop : IDisposable
{
    private const int EventsOfOneRound = 512;

    // A send to a socket on the same machine takes some 3 to 5 us: those of a wide fan-out keep the others waiting for a third of a millisecond.
    private const int DeferredFlushesOfOneRound = 64;

    private readonly int epoll;
    private readonly int wakeUp;
    private readonly ILogger logger;
    private readonly Thread thread;
    private volatile bool isStopping;

    // Those of the round that come last.
    private readonly List<(IEventSource Source, uint Ready)> busy = [];

    // What other threads want done. Under the gate, and so is every signal: its descriptor is closed when the loop has ended.
    private readonly Lock gate = new();
    private List<Action> posted = [];
    private List<Action> running = [];
    private readonly Queue<Outbox> handedOver = new();
    private bool isWoken;
    private bool isEnded;

    public EventLoop(string name, ILogger logger)
    {
        this.logger = logger;
        epoll = Check(Linux.EpollCreate(), "epoll_create1");
        wakeUp = Linux.EventFd();
        if (wakeUp < 0 || Linux.EpollControl(epoll, Linux.EpollAdd, wakeUp, Linux.EpollIn, 0) < 0)
        {
            var failure = Failure("eventfd");
            CloseDescriptors();
            throw failure;
        }

        thread = new Thread(Run) { IsBackground = true, Name = name };
        thread.Start();
    }

    /// <summary>How many rounds there have been: a loop in which nothing happens has none.</summary>
    public long RoundCount { get; private set; }

    /// <summary>Begins to watch a descriptor. Any thread.</summary>
    public void Add(int descriptor, uint events, GCHandle source) =>
        Check(Linux.EpollControl(epoll, Linux.EpollAdd, descriptor, events, GCHandle.ToIntPtr(source)), "epoll_ctl");

    /// <summary>Changes what a descriptor is watched for. Any thread.</summary>
    public void Modify(int descriptor, uint events, GCHandle source) =>
        Linux.EpollControl(epoll, Linux.EpollModify, descriptor, events, GCHandle.ToIntPtr(source));

    /// <summary>Watches a descriptor no more. Any thread.</summary>
    public void Remove(int descriptor) => Linux.EpollControl(epoll, Linux.EpollDelete, descriptor, 0, 0);

    /// <summary>
    /// Runs an action on the loop after the present round, or soon, waking it if need be. Any thread. Closing goes this way: no descriptor is
    /// used again while events of it may still stand in the round. Once the loop has ended, the caller runs it.
    /// </summary>
    public void Post(Action action)
    {
        lock (gate)
        {
            if (!isEnded)
            {
                posted.Add(action);
                if (!isWoken && Environment.CurrentManagedThreadId != thread.ManagedThreadId)
                    Linux.Signal(wakeUp);
                isWoken = true;
                return;
            }
        }

        action();
    }

    /// <summary>
    /// Takes over the flush of an outbox, whose channel is on this loop, waking it if need be. False on the loop itself, and once it has ended:
    /// then the caller flushes.
    /// </summary>
    public bool TryTake(Outbox outbox)
    {
        if (Environment.CurrentManagedThreadId == thread.ManagedThreadId)
            return false;
        lock (gate)
        {
            if (isEnded)
                return false;
            handedOver.Enqueue(outbox);
            if (!isWoken)
                Linux.Signal(wakeUp);
            isWoken = true;
            return true;
        }
    }

    /// <summary>Ends the loop; its channels must be closed before. Harmless if repeated.</summary>
    public void Dispose()
    {
        isStopping = true;
        Post(static () => { });
        if (Environment.CurrentManagedThreadId != thread.ManagedThreadId)
            thread.Join();
    }

    private void Run()
    {
        var events = GC.AllocateUninitializedArray<byte>(EventsOfOneRound * Linux.EventBytes, pinned: true);
        using (Turn.Enter(out var turn))
        {
            var isBehind = false;
            while (!isStopping || !TryEnd())
            {
                try
                {
                    isBehind = RunRound(turn, events, isBehind);
                }
                catch (Exception failure)
                {
                    // What was not dispatched is told again.
                    logger.RoundFailed(failure, thread.Name);
                    isBehind = true;
                }
            }
        }

        CloseDescriptors();
    }

    // True if something is left to flush. What posted actions append is flushed in the round that follows, and does not wait for an event.
    private bool RunRound(Turn turn, byte[] events, bool isBehind)
    {
        var count = Linux.EpollWait(epoll, events, isBehind || turn.Count > 0 || HasPosted() ? 0 : -1);
        RoundCount++;
        Dispatch(events.AsSpan(0, count * Linux.EventBytes));
        if (busy.Count > 0)
            turn.FlushRound(mostDeferred: 0);
        foreach (var (source, ready) in busy)
            source.OnEvents(ready);
        TakeHandedOver(turn);
        isBehind = turn.FlushRound(DeferredFlushesOfOneRound);
        RunPosted();
        return isBehind;
    }

    // Who has little to say goes first, and what it led to leaves before those begin who fill a read each time: its latency is not theirs.
    private void Dispatch(ReadOnlySpan<byte> records)
    {
        busy.Clear();
        for (; !records.IsEmpty; records = records[Linux.EventBytes..])
        {
            var ready = MemoryMarshal.Read<uint>(records);
            var data = MemoryMarshal.Read<long>(records[Linux.EventDataOffset..]);
            if (data == 0)
            {
                Linux.Unsignal(wakeUp);
                continue;
            }

            var source = (IEventSource)GCHandle.FromIntPtr((nint)data).Target!;
            if (source.IsBusy)
                busy.Add((source, ready));
            else
                source.OnEvents(ready);
        }
    }

    private bool HasPosted()
    {
        lock (gate)
            return posted.Count > 0 || handedOver.Count > 0;
    }

    private void TakeHandedOver(Turn turn)
    {
        lock (gate)
        {
            while (handedOver.TryDequeue(out var outbox))
                turn.Defer(outbox);
        }
    }

    private void RunPosted()
    {
        lock (gate)
        {
            isWoken = false;
            if (posted.Count == 0)
                return;
            (posted, running) = (running, posted);
        }

        foreach (var action in running)
            Run(action);
        running.Clear();
    }

    private void Run(Action action)
    {
        try
        {
            action();
        }
        catch (Exception failure)
        {
            logger.ActionFailed(failure, thread.Name);
        }
    }

    // Nothing can be posted any more once nothing is.
    private bool TryEnd()
    {
        lock (gate)
            return isEnded = posted.Count == 0 && handedOver.Count == 0;
    }

    private void CloseDescriptors()
    {
        if (wakeUp >= 0)
            _ = Linux.Close(wakeUp);
        _ = Linux.Close(epoll);
    }

    private static int Check(int result, string call) => result >= 0 ? result : throw Failure(call);

    private static IOException Failure(string call) => new($"{call} failed: {Marshal.GetPInvokeErrorMessage(Linux.LastError)}");
}

/// <summary>What a loop watches: a connection or a listener.</summary>
internal interface IEventSource
{
    /// <summary>True if it keeps the loop busy whenever it is ready: the others have their turn first. On the loop's thread.</summary>
    bool IsBusy { get; }

    /// <summary>The descriptor is ready. On the loop's thread, within its turn; it must not throw.</summary>
    void OnEvents(uint events);
}
