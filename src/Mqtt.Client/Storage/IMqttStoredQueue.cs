namespace Mqtt.Client;

/// <summary>
/// The outgoing queue of one client, open for it. The client keeps in memory what is owed; this keeps a copy that survives the end of the process, at any moment.
/// <para>
/// <b>Contract.</b> The client makes one call at a time: it reads once, then it writes; it disposes after the last write has completed. While a write is under way, further changes
/// gather and come with the next one, so that many share a commit. An implementation needs no lock and no queue of its own, and must not block the caller for longer than it takes
/// to hand the work over. What it is given is its own to read until the write completes.
/// </para>
/// </summary>
public interface IMqttStoredQueue : IAsyncDisposable
{
    /// <summary>All messages, in the order of their numbers.</summary>
    /// <exception cref="MqttStoreException">They cannot be read.</exception>
    ValueTask<IReadOnlyList<MqttStoredPublish>> ReadAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Makes the changes, in this order, all or none; completes when they are safe. A change of a message that is not there does nothing, and adding one under a
    /// number that is there takes its place: changes of a write that failed come again.
    /// </summary>
    /// <exception cref="MqttStoreException">None of them is made, as far as can be known. The queue can be written to all the same, as soon as the cause is gone.</exception>
    ValueTask WriteAsync(IReadOnlyList<MqttPublishChange> changes);
}
