namespace Mqtt.Server.Broker.Storage;

/// <summary>
/// Where a broker keeps what must outlive it: four narrow stores behind one order of writes.
/// <para>
/// <b>Contract.</b> A write is handed in by an ordinary call, which never waits, and returns its <em>position</em>: a number that only
/// grows. It is safe once <see cref="Committed"/> has reached that position; all earlier writes are safe then too. The broker sends an
/// answer only after the position of what the answer asserts. Writes of one session come in order and are kept in that order. Calls come
/// from any thread, and under the lock of a session: a store takes no lock that it holds while it calls anybody. What a call is given is
/// borrowed: the store copies what it keeps.
/// </para>
/// </summary>
public interface IBrokerStore : IAsyncDisposable
{
    /// <summary>The position up to which everything is safe.</summary>
    long Committed { get; }

    /// <summary>
    /// Called, on any thread but never from within a write and never under a lock of the store, each time <see cref="Committed"/> has
    /// grown. The broker sets it before its first write.
    /// </summary>
    Action? CommittedChanged { get; set; }

    /// <summary>
    /// Begins a unit: the writes of this thread from here to <see cref="EndUnit"/> become safe together or not at all. Units are not nested;
    /// those of different threads may overlap. <see cref="Committed"/> does not reach into an open one.
    /// </summary>
    void BeginUnit();

    /// <summary>Ends the unit.</summary>
    void EndUnit();

    /// <summary>Sessions, with their wills and the QoS 2 identifiers they received.</summary>
    ISessionStore Sessions { get; }

    /// <summary>Subscriptions.</summary>
    ISubscriptionStore Subscriptions { get; }

    /// <summary>Messages that sessions have yet to get, or to acknowledge.</summary>
    IMessageStore Messages { get; }

    /// <summary>Retained messages.</summary>
    IRetainedStore Retained { get; }

    /// <summary>What the broker has counted. Default: <see langword="null"/>, and every broker counts from zero.</summary>
    ICounterStore? Counters => null;
}
