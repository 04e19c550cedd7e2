using System.Runtime.InteropServices;
using Mqtt.Protocol.Channels;

namespace Mqtt.Server.EventLoops;

/// <summary>
/// One thread that waits for many descriptors (epoll, level-triggered) and runs what becomes ready, one bounded read for each
/// connection and round; then it flushes what was appended, in a turn that stays open. It touches neither the thread pool nor any switch of the process.
/// </summary>
internal sealed class EventLoop : IDisposable
{
    private const int EventsOfOneRound = 512;

    // A send to a socket on the same machine takes some 3 to 5 us: those of a wide fan-out keep the others waiting for a third of a millisecond.
    private const int DeferredFlushesOfOneRound = 64;

    private readonly int epoll;
    private readonly int wakeUp;
    private readonly Thread thread;
    private readonly Lock gate = new();
    private List<Action> posted = [];
    private List<Action> running = [];
    private bool isWoken;
    private volatile bool isStopping;

    // Under the gate.
    private bool isClosed;

    public EventLoop(string name)
    {
        epoll = Check(Linux.EpollCreate(), "epoll_create1");
        wakeUp = Check(Linux.EventFd(), "eventfd");
        Check(Linux.EpollControl(epoll, Linux.EpollAdd, wakeUp, Linux.EpollIn, 0), "epoll_ctl");
        thread = new Thread(Run) { IsBackground = true, Name = name };
        thread.Start();
    }

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
    /// used again while events of it may still stand in the round.
    /// </summary>
    public void Post(Action action)
    {
        lock (gate)
        {
            posted.Add(action);
            if (!isWoken && Environment.CurrentManagedThreadId != thread.ManagedThreadId)
                WakeUp();
            isWoken = true;
        }
    }

    /// <summary>Ends the loop; its channels must be closed before. Harmless if repeated.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            isStopping = true;
            WakeUp();
        }

        if (Environment.CurrentManagedThreadId != thread.ManagedThreadId)
            thread.Join();
    }

    private void Run()
    {
        var events = new byte[EventsOfOneRound * Linux.EventBytes];
        using (Turn.Enter(out var turn))
        {
            var isBehind = false;
            while (!isStopping || HasPosted())
            {
                // What posted actions appended is flushed in the round that follows, and does not wait for an event.
                var count = Linux.EpollWait(epoll, events, isBehind || turn.Count > 0 || HasPosted() ? 0 : -1);
                for (var i = 0; i < count; i++)
                    Dispatch(events.AsSpan(i * Linux.EventBytes));
                isBehind = turn.FlushRound(DeferredFlushesOfOneRound);
                RunPosted();
            }
        }

        lock (gate)
        {
            isClosed = true;
            _ = Linux.Close(wakeUp);
            _ = Linux.Close(epoll);
        }
    }

    // Under the gate: once it is closed, the number of the descriptor may belong to somebody else in the process.
    private void WakeUp()
    {
        if (!isClosed)
            Linux.Signal(wakeUp);
    }

    private void Dispatch(ReadOnlySpan<byte> record)
    {
        var data = MemoryMarshal.Read<long>(record[Linux.EventDataOffset..]);
        if (data == 0)
            Linux.Unsignal(wakeUp);
        else
            ((IEventSource)GCHandle.FromIntPtr((nint)data).Target!).OnEvents(MemoryMarshal.Read<uint>(record));
    }

    private bool HasPosted()
    {
        lock (gate)
            return posted.Count > 0;
    }

    private void RunPosted()
    {
        lock (gate)
        {
            if (posted.Count == 0)
            {
                isWoken = false;
                return;
            }

            (posted, running) = (running, posted);
            isWoken = false;
        }

        foreach (var action in running)
            action();
        running.Clear();
    }

    private static int Check(int result, string call) =>
        result >= 0 ? result : throw new IOException($"{call} failed: {Marshal.GetPInvokeErrorMessage(Linux.LastError)}");
}

/// <summary>What a loop watches: a connection or a listener.</summary>
internal interface IEventSource
{
    /// <summary>The descriptor is ready. On the loop's thread, within its turn; it must not throw.</summary>
    void OnEvents(uint events);
}
