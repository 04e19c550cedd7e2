using System.Runtime.ExceptionServices;

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

    // A turn that is no loop's, and wider than this, leaves its flushes to the loops.
    private const int MostOwnFlushes = 64;

    private Outbox[] outboxes = new Outbox[16];
    private int count;
    private int depth;

    // What was deferred, oldest first.
    private readonly Queue<Outbox> backlog = new();

    private Turn()
    {
    }

    /// <summary>
    /// What was appended in this turn so far, however often it was flushed: one for each packet, and one for each KiB. Only differences
    /// mean something: they tell when a connection has had its share of a round.
    /// </summary>
    public long AppendCost { get; private set; }

    /// <summary>How many outboxes wait to be flushed in this round.</summary>
    public int Count => count;

    /// <summary>
    /// True for a turn in which user code runs, which may take as long as it likes: what other turns append to an outbox of this one is
    /// flushed by them, and does not wait for its end. Whoever opens the turn sets it, and it ends with the turn. Default: false.
    /// </summary>
    public bool MayBlock { get; set; }

    /// <summary>Opens a turn on this thread, or joins the one that is open.</summary>
    public static Scope Enter(out Turn turn)
    {
        turn = ofThread ??= new Turn();
        turn.depth++;
        return new Scope(turn);
    }

    /// <summary>
    /// Leaves to others, or to later rounds, what was appended to since <see cref="Count"/> was <paramref name="from"/>: a fan-out to
    /// thousands, whose flushes would keep its neighbours waiting. Each channel that lives on another thread is flushed there.
    /// </summary>
    public void Defer(int from)
    {
        for (var i = from; i < count; i++)
        {
            if (!outboxes[i].TryHandOver())
                backlog.Enqueue(outboxes[i]);
            outboxes[i] = null!;
        }

        count = Math.Min(count, from);
    }

    /// <summary>Takes over, for a later round, the flush of an outbox that another turn has appended to.</summary>
    public void Defer(Outbox outbox) => backlog.Enqueue(outbox);

    /// <summary>
    /// For an event loop, which holds a turn open for good: flushes what was appended to in this round, and so many of those outboxes that
    /// were deferred. True if some of these are left.
    /// </summary>
    public bool FlushRound(int mostDeferred)
    {
        ExceptionDispatchInfo? failure = null;
        for (var i = 0; i < count; i++)
        {
            Flush(outboxes[i], ref failure);
            outboxes[i] = null!;
        }

        count = 0;
        for (; mostDeferred > 0 && backlog.TryDequeue(out var outbox); mostDeferred--)
            Flush(outbox, ref failure);
        failure?.Throw();
        return count > 0 || backlog.Count > 0;
    }

    /// <summary>A packet was appended.</summary>
    internal void CountAppend(int bytes) => AppendCost += 1 + (bytes >> 10);

    /// <summary>Puts an outbox on the list. Only the outbox itself calls this, and twice only where another turn has flushed it in between.</summary>
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
        try
        {
            if (count > MostOwnFlushes)
                Defer(from: 0);
            while (FlushRound(mostDeferred: int.MaxValue))
            {
            }
        }
        finally
        {
            depth = 0;
            MayBlock = false;
        }
    }

    // Who listens to an outbox may throw; the others are flushed even so, before it is told.
    private static void Flush(Outbox outbox, ref ExceptionDispatchInfo? failure)
    {
        try
        {
            outbox.Flush();
        }
        catch (Exception thrown)
        {
            failure ??= ExceptionDispatchInfo.Capture(thrown);
        }
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
