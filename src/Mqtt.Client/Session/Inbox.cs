using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mqtt.Protocol.Channels;

namespace Mqtt.Client;

/// <summary>
/// The messages that wait for one stream or handler, in order. Their bytes are copied once, into blocks that are used again and
/// again, so that receiving allocates nothing and an idle stream holds no buffer. The connection's read loop puts in, one consumer takes out;
/// the inbox has a lock of its own, under which no other is taken.
/// <para>
/// A message of QoS 1 or 2 is always taken in: the Receive Maximum bounds them. What becomes of one of QoS 0 that is too many, its policy says.
/// </para>
/// </summary>
internal sealed class Inbox
{
    private readonly Lock gate = new();
    private readonly Wakeup arrival;
    private readonly InboxLimits limits;
    private readonly Backlog backlog;

    // The blocks that hold messages, oldest first, and one empty block for the next time. Under the gate.
    private Block? first;
    private Block? last;
    private Block? spare;
    private int count;
    private long bytes;
    private long blockBytes;

    // Under the gate. While it is full and its policy is to wait, reading stops, or this many bytes are taken in all the same.
    private bool isFull;
    private long bytesAtMost;

    // Under the gate.
    private bool completed;
    private Exception? error;
    private long dropped;

    public Inbox(InboxLimits limits, Backlog backlog)
    {
        this.limits = limits;
        this.backlog = backlog;
        arrival = new Wakeup(gate);
    }

    /// <summary>How many messages of QoS 0 found no room.</summary>
    public long DroppedCount => Interlocked.Read(ref dropped);

    /// <summary>Copies a message in; false if it is dropped, or if nobody takes out any more.</summary>
    public bool TryAdd(in MessageContent content, in Receipt receipt)
    {
        bool wake;
        lock (gate)
        {
            if (completed)
                return false;
            var size = content.Bytes;
            if (!receipt.IsNeeded && (IsFragmented() || !(HasRoom(size) || TryMakeRoom(size))))
            {
                dropped++;
                return false;
            }

            if (last is null || !last.HasRoom(size))
                AddBlock(size);
            last.Add(content, receipt);
            count++;
            bytes += size;
            if (limits.Overflow == MqttOverflow.Wait && !receipt.IsNeeded && !isFull && !HasRoom(1))
                Fill();
            wake = arrival.Take();
        }

        if (wake)
            arrival.Fire();
        return true;
    }

    /// <summary>Takes the oldest message out. It is borrowed: the bytes of the one before are used again.</summary>
    public bool TryTake(out InboxItem item)
    {
        bool goOn;
        lock (gate)
        {
            item = default;
            while (first is { IsExhausted: true })
                RemoveBlock();
            if (first is null)
                return false;
            item = first.Take();
            count--;
            bytes -= item.Content.Bytes;
            goOn = isFull && count <= limits.Count / 2 && bytes <= limits.Bytes / 2 && Drain();
        }

        if (goOn)
            backlog.GoOn();
        return true;
    }

    /// <summary>True if no message waits.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (gate)
                return count == 0;
        }
    }

    /// <summary>Waits for a message; false if none waits and none will come.</summary>
    /// <exception cref="Exception">The error that the inbox was completed with.</exception>
    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken)
    {
        ValueTask wait;
        lock (gate)
        {
            if (count > 0)
                return new(true);
            if (completed)
                return error is null ? new(false) : ValueTask.FromException<bool>(error);
            wait = arrival.Wait(cancellationToken);
        }

        return WaitAsync(wait);
    }

    /// <summary>Takes nothing in any more; what waits can be taken out, then the stream ends, with an error if there is one.</summary>
    public void Complete(Exception? withError = null)
    {
        bool wake, goOn;
        lock (gate)
        {
            if (completed)
                return;
            completed = true;
            error = withError;
            wake = arrival.Take();
            goOn = isFull && Drain();
        }

        if (wake)
            arrival.Fire();
        if (goOn)
            backlog.GoOn();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> WaitAsync(ValueTask wait)
    {
        await wait.ConfigureAwait(false);
        lock (gate)
        {
            if (count > 0)
                return true;
            return error is null ? false : throw error;
        }
    }

    private bool HasRoom(int size) => count == 0 || (count < limits.Count && bytes + size <= limits.Bytes);

    // For a message of QoS 0 that finds no room.
    private bool TryMakeRoom(int size)
    {
        if (limits.Overflow == MqttOverflow.Wait)
        {
            if (!isFull)
                Fill();
            return bytes + size <= bytesAtMost;
        }

        if (limits.Overflow == MqttOverflow.DropNewest)
            return false;
        while (!HasRoom(size))
        {
            if (!TryDropOldest())
                return false;
        }

        return true;
    }

    private void Fill()
    {
        isFull = true;
        bytesAtMost = bytes + limits.ExcessBytes;
        backlog.OnFull();
    }

    // True if this was the last stream that was full.
    private bool Drain()
    {
        isFull = false;
        return backlog.OnDrained();
    }

    private bool TryDropOldest()
    {
        for (var block = first; block is not null; block = block.Next)
        {
            if (!block.TryDrop(out var size))
                continue;
            count--;
            bytes -= size;
            dropped++;
            return true;
        }

        return false;
    }

    // What is dropped gives its bytes back with its whole block, which a message of QoS 1 or 2 may keep. Beyond twice the bound nothing more comes in.
    private bool IsFragmented()
    {
        if (limits.Overflow != MqttOverflow.DropOldest || !HoldsTooMuch())
            return false;
        RemoveEmptyBlocks();
        return HoldsTooMuch();
    }

    private bool HoldsTooMuch() => blockBytes > 2 * (limits.Bytes + (long)count * Head.Bytes + Block.LargeBytes);

    // Not the first one, whose bytes may be in somebody's hands, nor the last one, which still takes messages.
    private void RemoveEmptyBlocks()
    {
        for (var block = first; block?.Next is { Next: not null } next;)
        {
            if (!next.IsExhausted)
            {
                block = next;
                continue;
            }

            block.Next = next.Next;
            Close(next);
        }
    }

    [MemberNotNull(nameof(last))]
    private void AddBlock(int size)
    {
        var block = spare ?? new Block();
        spare = null;
        block.Open(size, first is null ? Block.SmallBytes : Block.LargeBytes);
        blockBytes += block.Bytes;
        if (last is null)
            first = block;
        else
            last.Next = block;
        last = block;
    }

    private void RemoveBlock()
    {
        var block = first!;
        first = block.Next;
        if (first is null)
            last = null;
        Close(block);
    }

    private void Close(Block block)
    {
        blockBytes -= block.Bytes;
        block.Close();
        spare = block;
    }

    /// <summary>
    /// Some messages one after another in one buffer, which never moves while it holds any. Each is a head of fixed size, then topic,
    /// properties and payload.
    /// </summary>
    private sealed class Block
    {
        public const int SmallBytes = 4 * 1024;
        public const int LargeBytes = 64 * 1024;

        private byte[] buffer = [];
        private int written;
        private int read;

        // How many messages are left, and up to where there is none that may be dropped.
        private int count;
        private int searched;

        public Block? Next { get; set; }

        public int Bytes => buffer.Length;

        public bool IsExhausted => count == 0;

        public void Open(int contentBytes, int usualBytes) => buffer = BufferPool.Rent(Math.Max(contentBytes + Head.Bytes, usualBytes));

        public bool HasRoom(int contentBytes) => buffer.Length - written >= contentBytes + Head.Bytes;

        public void Add(in MessageContent content, in Receipt receipt)
        {
            var head = new Head(content, receipt);
            MemoryMarshal.Write(buffer.AsSpan(written), in head);
            content.CopyTo(buffer.AsMemory(written + Head.Bytes));
            written += Head.Bytes + content.Bytes;
            count++;
        }

        public InboxItem Take()
        {
            while (true)
            {
                var head = At(read);
                var content = head.Slice(buffer.AsMemory(read + Head.Bytes));
                read += Head.Bytes + content.Bytes;
                if (head.IsDropped)
                    continue;
                count--;
                return new(content, head.Receipt);
            }
        }

        /// <summary>Drops the oldest message of QoS 0; its bytes stay until the block is closed.</summary>
        public bool TryDrop(out int contentBytes)
        {
            for (searched = Math.Max(searched, read); searched < written;)
            {
                var (at, head) = (searched, At(searched));
                contentBytes = head.ContentBytes;
                searched += Head.Bytes + contentBytes;
                if (head.Receipt.IsNeeded)
                    continue;
                head.IsDropped = true;
                MemoryMarshal.Write(buffer.AsSpan(at), in head);
                count--;
                return true;
            }

            contentBytes = 0;
            return false;
        }

        public void Close()
        {
            BufferPool.Return(buffer);
            buffer = [];
            written = read = count = searched = 0;
            Next = null;
        }

        private Head At(int offset) => MemoryMarshal.Read<Head>(buffer.AsSpan(offset));
    }

    /// <summary>What stands before the bytes of a message in a block.</summary>
    private struct Head(in MessageContent content, in Receipt receipt)
    {
        private readonly int topicBytes = content.Topic.Length;
        private readonly int propertiesBytes = content.Properties.Encoded.Length;
        private readonly int payloadBytes = content.Payload.Length;
        private readonly QualityOfService qualityOfService = content.QualityOfService;
        private readonly bool retain = content.Retain;
        private readonly bool duplicate = content.Duplicate;

        public readonly Receipt Receipt = receipt;
        public bool IsDropped;

        public static int Bytes => Unsafe.SizeOf<Head>();

        public readonly int ContentBytes => topicBytes + propertiesBytes + payloadBytes;

        public readonly MessageContent Slice(Memory<byte> bytes) => new()
        {
            Topic = MqttString.FromUtf8(bytes[..topicBytes]),
            Properties = MqttProperties.FromEncoded(bytes.Slice(topicBytes, propertiesBytes)),
            Payload = bytes.Slice(topicBytes + propertiesBytes, payloadBytes),
            QualityOfService = qualityOfService,
            Retain = retain,
            Duplicate = duplicate,
        };
    }
}
