using System.IO.Pipelines;
using System.Net;

namespace Mqtt.Protocol.Channels;

/// <summary>
/// A channel between two ends in one process. Each direction holds a bounded number of bytes, as the buffers of a socket do: a
/// writer waits for a reader that does not read. Both ends may be used from any thread.
/// </summary>
public sealed class MemoryChannel : MqttChannel
{
    private readonly Lock gate = new();
    private readonly Signal yielding;
    private readonly MemoryPipe incoming;
    private readonly MemoryPipe outgoing;

    private MemoryChannel(MemoryPipe incoming, MemoryPipe outgoing, PipeScheduler scheduler, string name)
    {
        yielding = new Signal(scheduler);
        this.incoming = incoming;
        this.outgoing = outgoing;
        LocalEndPoint = new MemoryEndPoint(name);
        RemoteEndPoint = new MemoryEndPoint(name);
    }

    /// <inheritdoc/>
    public override EndPoint? LocalEndPoint { get; }

    /// <inheritdoc/>
    public override EndPoint? RemoteEndPoint { get; }

    /// <inheritdoc/>
    public override long WrittenBytes => outgoing.WrittenBytes;

    /// <inheritdoc/>
    public override bool IsPeerGone => incoming.IsEnded;

    /// <inheritdoc/>
    public override int UnreadBytes => incoming.UnreadBytes;

    /// <summary>Makes two ends: what one writes, the other reads.</summary>
    /// <param name="scheduler">Where a waiting end goes on: by default the thread pool; a <see cref="TurnPump"/> to drive both by hand.</param>
    /// <param name="capacityBytes">How many bytes each direction holds. Default: 64 KiB.</param>
    /// <param name="name">What the end points are called.</param>
    public static (MemoryChannel First, MemoryChannel Second) CreatePair(PipeScheduler? scheduler = null, int capacityBytes = 64 * 1024, string name = "memory")
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacityBytes);
        scheduler ??= PipeScheduler.ThreadPool;
        var there = new MemoryPipe(scheduler, capacityBytes);
        var back = new MemoryPipe(scheduler, capacityBytes);
        return (new MemoryChannel(back, there, scheduler, name), new MemoryChannel(there, back, scheduler, name));
    }

    /// <inheritdoc/>
    public override ValueTask WaitReadableAsync(CancellationToken cancellationToken = default) => incoming.WaitReadableAsync(cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (incoming.TryRead(buffer.Span, out var count))
            return new(count);
        return WaitAndReadAsync(buffer, cancellationToken);
    }

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        var taken = outgoing.Write(bytes.Span);
        return taken == bytes.Length ? default : WriteRestAsync(bytes[taken..]);
    }

    /// <inheritdoc/>
    public override ValueTask YieldAsync()
    {
        ValueTask waiting;
        lock (gate)
        {
            waiting = yielding.Wait(gate, CancellationToken.None);
            yielding.Take();
        }

        yielding.Fire();
        return waiting;
    }

    /// <inheritdoc/>
    public override void CompleteWriting() => outgoing.Complete();

    /// <inheritdoc/>
    public override void Abort()
    {
        incoming.Abort();
        outgoing.Abort();
    }

    private async ValueTask<int> WaitAndReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        int count;
        do
            await incoming.WaitReadableAsync(cancellationToken).ConfigureAwait(false);
        while (!incoming.TryRead(buffer.Span, out count));
        return count;
    }

    private async ValueTask WriteRestAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            await outgoing.WaitWritableAsync().ConfigureAwait(false);
            bytes = bytes[outgoing.Write(bytes.Span)..];
        }
    }

    private sealed class MemoryEndPoint(string name) : EndPoint
    {
        public override string ToString() => $"memory://{name}";
    }
}
