using Mqtt.Protocol;
using Mqtt.Protocol.Channels;

namespace Mqtt.Channels.Tests;

/// <summary>The writing half of a channel that keeps every write, can hold them up, and notices two at once.</summary>
public sealed class RecordingChannel : MqttChannel
{
    private readonly Lock gate = new();
    private readonly List<byte[]> writes = [];
    private TaskCompletionSource? blocked;
    private int writing;

    /// <summary>The writes so far, each in one piece.</summary>
    public IReadOnlyList<byte[]> Writes
    {
        get
        {
            lock (gate)
                return [.. writes];
        }
    }

    /// <summary>All that was written.</summary>
    public byte[] Written => [.. Writes.SelectMany(write => write)];

    /// <summary>True if a write began before the last one was over.</summary>
    public bool WroteTwiceAtOnce { get; private set; }

    public bool IsCompleted { get; private set; }

    public bool IsAborted { get; private set; }

    /// <summary>What happens in the midst of a write, before it is over.</summary>
    public Action<byte[]>? OnWrite { get; set; }

    /// <summary>Who flushes this channel's outbox in place of a wide turn. Default: nobody.</summary>
    public Func<Outbox, bool> HandOver { get; set; } = _ => false;

    /// <summary>From now on, a write waits until <see cref="Unblock"/>.</summary>
    public bool Blocks { get; set; }

    /// <summary>The write that waits is over, well or with a failure.</summary>
    public void Unblock(Exception? failure = null)
    {
        var source = blocked!;
        blocked = null;
        if (failure is null)
            source.SetResult();
        else
            source.SetException(failure);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        if (Interlocked.Increment(ref writing) > 1)
            WroteTwiceAtOnce = true;
        var copy = bytes.ToArray();
        lock (gate)
            writes.Add(copy);
        OnWrite?.Invoke(copy);
        if (Blocks)
            return new(WaitAsync(bytes, copy));
        Interlocked.Decrement(ref writing);
        return default;
    }

    public override bool TryHandOver(Outbox outbox) => HandOver(outbox);

    public override void CompleteWriting()
    {
        if (IsCompleted)
            throw new InvalidOperationException("Completed twice.");
        if (Volatile.Read(ref writing) > 0)
            throw new InvalidOperationException("Completed in the midst of a write.");
        IsCompleted = true;
    }

    public override void Abort() => IsAborted = true;

    public override ValueTask WaitReadableAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    private async Task WaitAsync(ReadOnlyMemory<byte> bytes, byte[] copy)
    {
        var source = blocked = new TaskCompletionSource();
        try
        {
            await source.Task.ConfigureAwait(false);
        }
        finally
        {
            // While a write is under way its bytes are the channel's.
            bytes.Span.SequenceEqual(copy).Should().BeTrue();
            Interlocked.Decrement(ref writing);
        }
    }
}
