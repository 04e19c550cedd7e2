namespace Mqtt.Protocol.Channels;

/// <summary>
/// A turn: the outboxes to which something was appended since it began. Each of them is flushed once, with everything that has
/// gathered, when the turn ends; batching is worth more than any other choice on the hot path.
/// <para>
/// An event loop opens one turn for each round; every other source of packets opens one of its own. Nothing is appended to an
/// outbox without a turn. A turn belongs to its thread: opened within an open one, it joins it. It cannot be kept across an
/// <see langword="await"/>; the compiler sees to that, since <see cref="Scope"/> is a ref struct.
/// </para>
/// <code>
/// using (Turn.Enter(out var turn))
///     outbox.Append(packet, version, turn);
/// </code>
/// </summary>
public sealed class Turn
{
    [ThreadStatic]
    private static Turn? ofThread;

    private Outbox[] outboxes = new Outbox[16];
    private int count;
    private int depth;

    // What the rounds of a loop have left over, oldest first.
    private readonly Queue<Outbox> backlog = new();

    private Turn()
    {
    }

    /// <summary>How many packets were appended in this turn so far, however often it was flushed; only differences mean something.</summary>
    public long AppendCount { get; private set; }

    /// <summary>True while <see cref="FlushSome"/> has left something over.</summary>
    public bool HasBacklog => backlog.Count > 0;

    /// <summary>Opens a turn on this thread, or joins the one that is open.</summary>
    public static Scope Enter(out Turn turn)
    {
        turn = ofThread ??= new Turn();
        turn.depth++;
        return new Scope(turn);
    }

    /// <summary>
    /// For an event loop, which holds a turn open for good and flushes it once a round: flushes so many of the outboxes that were appended to
    /// since the last round, then so many of those that earlier rounds left over. A fan-out to thousands thus takes several rounds, in which
    /// its neighbours have theirs; what comes new is not kept waiting by what is left over. True if something is left.
    /// </summary>
    public bool FlushSome(int most)
    {
        for (var i = 0; i < count; i++)
        {
            if (i < most)
                outboxes[i].Flush();
            else
                backlog.Enqueue(outboxes[i]);
            outboxes[i] = null!;
        }

        count = 0;
        for (var left = most; left > 0 && backlog.TryDequeue(out var outbox); left--)
            outbox.Flush();
        return count > 0 || backlog.Count > 0;
    }

    /// <summary>A packet was appended.</summary>
    internal void CountAppend() => AppendCount++;

    /// <summary>Puts an outbox on the list. Only the outbox itself calls this, once until it is flushed.</summary>
    internal void Add(Outbox outbox)
    {
        if (count == outboxes.Length)
            Array.Resize(ref outboxes, count * 2);
        outboxes[count++] = outbox;
    }

    private void Leave()
    {
        if (depth > 1)
        {
            depth--;
            return;
        }

        // What a flush sets off on this thread joins this turn, and so comes to the same list.
        for (var i = 0; i < count; i++)
        {
            outboxes[i].Flush();
            outboxes[i] = null!;
        }

        count = 0;
        depth = 0;
    }

    /// <summary>An open turn; disposing it ends the turn, and flushes if it is the outermost.</summary>
    public readonly ref struct Scope
    {
        private readonly Turn turn;

        internal Scope(Turn turn) => this.turn = turn;

        /// <summary>Ends the turn.</summary>
        public void Dispose() => turn.Leave();
    }
}
