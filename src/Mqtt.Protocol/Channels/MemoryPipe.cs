using System.IO.Pipelines;

namespace Mqtt.Protocol.Channels;

/// <summary>One direction of a <see cref="MemoryChannel"/>: a bounded ring of bytes with at most one waiting reader and one waiting writer.</summary>
internal sealed class MemoryPipe(PipeScheduler scheduler, int capacityBytes)
{
    private readonly Lock gate = new();
    private readonly Signal readable = new(scheduler);
    private readonly Signal writable = new(scheduler);

    // The bytes, under the gate: count of them from start on, around the end. No buffer while there are none.
    private byte[]? ring;
    private int start;
    private int count;

    // How it ends, under the gate.
    private bool completed;
    private bool aborted;

    /// <summary>How many bytes were taken in so far.</summary>
    public long WrittenBytes { get; private set; }

    /// <summary>True if nothing more will be written.</summary>
    public bool IsEnded
    {
        get
        {
            lock (gate)
                return completed || aborted;
        }
    }

    /// <summary>How many bytes wait to be read.</summary>
    public int UnreadBytes
    {
        get
        {
            lock (gate)
                return count;
        }
    }

    public ValueTask WaitReadableAsync(CancellationToken cancellationToken)
    {
        lock (gate)
        {
            if (count > 0 || completed || aborted)
                return default;
            return readable.Wait(gate, cancellationToken);
        }
    }

    /// <summary>Takes what is there; false if there is nothing yet. A count of 0 is the end of the stream.</summary>
    public bool TryRead(Span<byte> output, out int taken)
    {
        bool wake;
        lock (gate)
        {
            ThrowIfAborted();
            taken = Math.Min(count, output.Length);
            if (taken == 0)
                return completed || output.IsEmpty;
            var first = Math.Min(taken, ring!.Length - start);
            ring.AsSpan(start, first).CopyTo(output);
            ring.AsSpan(0, taken - first).CopyTo(output[first..]);
            start = (start + taken) % ring.Length;
            count -= taken;
            if (count == 0)
                Release();
            wake = writable.Take();
        }

        if (wake)
            writable.Fire();
        return true;
    }

    public ValueTask WaitWritableAsync()
    {
        lock (gate)
        {
            if (count < capacityBytes || completed || aborted)
                return default;
            return writable.Wait(gate, CancellationToken.None);
        }
    }

    /// <summary>Takes in as many bytes as there is room for.</summary>
    public int Write(ReadOnlySpan<byte> input)
    {
        bool wake;
        int taken;
        lock (gate)
        {
            ThrowIfAborted();
            if (completed)
                throw new MqttConnectionException("The sending side is shut down.");
            taken = Math.Min(input.Length, capacityBytes - count);
            if (taken == 0)
                return 0;
            EnsureRoom(taken);
            var end = (start + count) % ring!.Length;
            var first = Math.Min(taken, ring.Length - end);
            input[..first].CopyTo(ring.AsSpan(end));
            input[first..taken].CopyTo(ring);
            count += taken;
            WrittenBytes += taken;
            wake = readable.Take();
        }

        if (wake)
            readable.Fire();
        return taken;
    }

    public void Complete()
    {
        bool wake;
        lock (gate)
        {
            if (aborted)
                return;
            completed = true;
            wake = readable.Take();
        }

        if (wake)
            readable.Fire();
    }

    public void Abort()
    {
        bool wakeReader, wakeWriter;
        lock (gate)
        {
            aborted = true;
            count = 0;
            Release();
            wakeReader = readable.Take();
            wakeWriter = writable.Take();
        }

        if (wakeReader)
            readable.Fire();
        if (wakeWriter)
            writable.Fire();
    }

    private void EnsureRoom(int more)
    {
        if (ring is not null && ring.Length - count >= more)
            return;
        var larger = BufferPool.Rent(count + more);
        if (ring is not null)
        {
            var first = Math.Min(count, ring.Length - start);
            ring.AsSpan(start, first).CopyTo(larger);
            ring.AsSpan(0, count - first).CopyTo(larger.AsSpan(first));
            BufferPool.Return(ring);
        }

        ring = larger;
        start = 0;
    }

    private void Release()
    {
        if (ring is not null)
            BufferPool.Return(ring);
        ring = null;
        start = 0;
    }

    private void ThrowIfAborted()
    {
        if (aborted)
            throw new MqttConnectionException("The connection was aborted.");
    }
}
