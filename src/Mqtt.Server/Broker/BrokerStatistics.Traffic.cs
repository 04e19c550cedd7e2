using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Server.Broker;

// What goes over the connections, counted without cost: each thread has counters of its own, which are summed up when somebody asks.
public sealed partial class BrokerStatistics
{
    [ThreadStatic]
    private static ThreadTraffic? ofThread;

    private readonly Lock gate = new();
    private readonly List<ThreadTraffic> ofThreads = [];
    private readonly Traffic ofEndedThreads = new();
    private readonly long[] ended = new long[Enum.GetValues<SessionEnd>().Length];
    private long connections;
    private long disconnections;
    private long mostConnected;
    private long created;
    private long resumed;

    /// <summary>What went over all connections. A sum, made when it is asked for; the messages by which the broker tells about itself are not in it.</summary>
    public Traffic Traffic
    {
        get
        {
            var sum = new Traffic();
            lock (gate)
            {
                sum.Add(ofEndedThreads);
                foreach (var thread in ofThreads)
                    sum.Add(thread.Traffic);
            }

            return sum;
        }
    }

    /// <summary>How many clients have connected.</summary>
    public long Connections => Interlocked.Read(ref connections);

    /// <summary>How many clients are connected.</summary>
    public long Connected => Interlocked.Read(ref connections) - Interlocked.Read(ref disconnections);

    /// <summary>How many were connected at most at the same time.</summary>
    public long MaximumConnected => Interlocked.Read(ref mostConnected);

    /// <summary>How many sessions began.</summary>
    public long SessionsCreated => Interlocked.Read(ref created);

    /// <summary>How often a client went on with its session.</summary>
    public long SessionsResumed => Interlocked.Read(ref resumed);

    /// <summary>How many copies of messages were dropped, for all causes together.</summary>
    public long DroppedTotal => Enum.GetValues<DropCause>().Sum(Dropped);

    /// <summary>How many sessions ended for this cause.</summary>
    public long SessionsEnded(SessionEnd cause) => Interlocked.Read(ref ended[(int)cause]);

    /// <summary>The counters of the calling thread, which nobody else writes.</summary>
    internal Traffic OfThread => ofThread is { } mine && ReferenceEquals(mine.Owner, this) ? mine.Traffic : Take();

    internal void OnConnected(bool isResumed)
    {
        var now = Interlocked.Increment(ref connections) - Interlocked.Read(ref disconnections);
        for (var most = Interlocked.Read(ref mostConnected); now > most;)
        {
            var seen = Interlocked.CompareExchange(ref mostConnected, now, most);
            if (seen == most)
                break;
            most = seen;
        }

        Interlocked.Increment(ref isResumed ? ref resumed : ref created);
    }

    internal void OnDisconnected() => Interlocked.Increment(ref disconnections);

    internal void OnSessionEnded(SessionEnd cause) => Interlocked.Increment(ref ended[(int)cause]);

    // A thread has one at hand; where it serves several brokers by turns, it finds the others here.
    private Traffic Take()
    {
        lock (gate)
        {
            ofThreads.RemoveAll(thread =>
            {
                if (thread.Thread.IsAlive)
                    return false;
                ofEndedThreads.Add(thread.Traffic);
                return true;
            });
            var mine = ofThreads.Find(thread => thread.Thread == Thread.CurrentThread);
            if (mine is null)
                ofThreads.Add(mine = new ThreadTraffic(this, Thread.CurrentThread, new Traffic()));
            ofThread = mine;
            return mine.Traffic;
        }
    }

    private sealed record ThreadTraffic(BrokerStatistics Owner, Thread Thread, Traffic Traffic);
}
