using System.Net;

namespace Mqtt.Protocol.Channels;

/// <summary>
/// The seam below a connection: an ordered, lossless stream of bytes in both directions [MQTT-4.2.0-1], over a socket, an event
/// loop, TLS, a WebSocket or memory. What stands above cannot tell them apart.
/// <para>
/// One reader and one writer at a time; they may be different threads. <see cref="Abort"/> may come from any thread at any time.
/// Every failure of the network surfaces as <see cref="MqttConnectionException"/>.
/// </para>
/// </summary>
public abstract class MqttChannel : IAsyncDisposable
{
    /// <summary>This end's address; <see langword="null"/> where there is none.</summary>
    public virtual EndPoint? LocalEndPoint => null;

    /// <summary>The other end's address; <see langword="null"/> where there is none.</summary>
    public virtual EndPoint? RemoteEndPoint => null;

    /// <summary>
    /// How many bytes the network has taken so far, also in the midst of a write: what tells a slow peer from one that takes
    /// nothing. 0 for ever where the channel cannot know; completed writes are counted above it.
    /// </summary>
    public virtual long WrittenBytes => 0;

    /// <summary>
    /// True if the other side is known to have ended the connection, or its sending side, though what it sent before may not have been
    /// read yet. It costs a system call: ask it now and then, not for each message. False where the channel cannot know.
    /// </summary>
    public virtual bool IsPeerGone => false;

    /// <summary>
    /// How many bytes have come that nobody has read yet: what tells a peer that is silent from one that is not being read. It costs a system call. -1
    /// where the channel cannot know. Default: -1.
    /// </summary>
    public virtual int UnreadBytes => -1;

    /// <summary>
    /// Waits until a read would find bytes or the end of the stream, so that an idle connection need not own a buffer. It may
    /// complete too early: the read then waits by itself.
    /// </summary>
    public abstract ValueTask WaitReadableAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Reads what is there, at least one byte, and waits if there is none yet; 0 at the end of the stream. Directly after
    /// <see cref="WaitReadableAsync"/> it completes synchronously wherever the channel can do so.
    /// </summary>
    public abstract ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    /// <summary>
    /// Writes all of <paramref name="bytes"/>. Completes synchronously if the channel takes them at once; the bytes are the
    /// channel's until it completes. One write at a time.
    /// </summary>
    public abstract ValueTask WriteAsync(ReadOnlyMemory<byte> bytes);

    /// <summary>Writes all the pieces in their order, in one go where the channel can gather. The same rules as for one piece.</summary>
    public virtual ValueTask WriteAsync(IReadOnlyList<ReadOnlyMemory<byte>> pieces)
    {
        ArgumentNullException.ThrowIfNull(pieces);
        return pieces.Count == 1 ? WriteAsync(pieces[0]) : WriteEachAsync(pieces);
    }

    /// <summary>
    /// Lets others have their turn, and goes on where the channel's own reads go on: a connection that has much to do must not keep its
    /// neighbours waiting, and one that waited for something else comes back this way. By default that is the thread pool.
    /// </summary>
    public virtual async ValueTask YieldAsync() => await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);

    /// <summary>
    /// Has the outbox of this channel flushed soon by the thread that the channel lives on: so a wide fan-out is shared out. False where there
    /// is no such thread, or the caller is it; then the caller flushes.
    /// </summary>
    public virtual bool TryHandOver(Outbox outbox) => false;

    /// <summary>Says that nothing more will be sent; the other side reads the end of the stream. Reading goes on. Call it after the last write.</summary>
    public abstract void CompleteWriting();

    /// <summary>Ends the connection at once, in both directions; what waits ends with <see cref="MqttConnectionException"/>. Harmless if repeated.</summary>
    public abstract void Abort();

    /// <summary>Ends the connection and gives back what it holds.</summary>
    public virtual ValueTask DisposeAsync()
    {
        Abort();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    private async ValueTask WriteEachAsync(IReadOnlyList<ReadOnlyMemory<byte>> pieces)
    {
        for (var i = 0; i < pieces.Count; i++)
            await WriteAsync(pieces[i]).ConfigureAwait(false);
    }
}
