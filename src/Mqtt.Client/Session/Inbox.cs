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
/// A message of QoS 1 or 2 is always taken in: the Receive Maximum bounds them. One of QoS 0 is dropped and counted if there are too many.
/// </para>
/// </summary>
internal sealed class Inbox
{
    private readonly Lock gate = new();
    private readonly Wakeup arrival;
    private readonly int limitCount;
    private readonly int limitBytes;

    // The blocks that hold messages, oldest first, and one empty block for the next time. Under the gate.
    private Block? first;
    private Block? last;
    private Block? spare;
    private int count;
    private long bytes;

    // Under the gate.
    private bool completed;
    private Exception? error;
    private long dropped;

    public Inbox(int limitCount, int limitBytes)
    {
        this.limitCount = limitCount;
        this.limitBytes = limitBytes;
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
            if (!receipt.IsNeeded && !HasRoom(size))
            {
                dropped++;
                return false;
            }

            if (last is null || !last.HasRoom(size))
                AddBlock(size);
            last.Add(content, receipt);
            count++;
            bytes += size;
            wake = arrival.Take();
        }

        if (wake)
            arrival.Fire();
        return true;
    }

    /// <summary>Takes the oldest message out. It is borrowed: the bytes of the one before are used again.</summary>
    public bool TryTake(out InboxItem item)
    {
        lock (gate)
        {
            item = default;
            if (first is { IsExhausted: true })
                RemoveBlock();
            if (first is null || first.IsExhausted)
                return false;
            item = first.Take();
            count--;
            bytes -= item.Content.Bytes;
            return true;
        }
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
        bool wake;
        lock (gate)
        {
            if (completed)
                return;
            completed = true;
            error = withError;
            wake = arrival.Take();
        }

        if (wake)
            arrival.Fire();
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

    private bool HasRoom(int size) => count == 0 || (count < limitCount && bytes + size <= limitBytes);

    [MemberNotNull(nameof(last))]
    private void AddBlock(int size)
    {
        var block = spare ?? new Block();
        spare = null;
        block.Open(size, first is null ? Block.SmallBytes : Block.LargeBytes);
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

        public Block? Next { get; set; }

        public bool IsExhausted => read == written;

        public void Open(int contentBytes, int usualBytes) => buffer = BufferPool.Rent(Math.Max(contentBytes + Head.Bytes, usualBytes));

        public bool HasRoom(int contentBytes) => buffer.Length - written >= contentBytes + Head.Bytes;

        public void Add(in MessageContent content, in Receipt receipt)
        {
            var head = new Head(content, receipt);
            MemoryMarshal.Write(buffer.AsSpan(written), in head);
            content.CopyTo(buffer.AsMemory(written + Head.Bytes));
            written += Head.Bytes + content.Bytes;
        }

        public InboxItem Take()
        {
            var head = MemoryMarshal.Read<Head>(buffer.AsSpan(read));
            var content = head.Slice(buffer.AsMemory(read + Head.Bytes));
            read += Head.Bytes + content.Bytes;
            return new(content, head.Receipt);
        }

        public void Close()
        {
            BufferPool.Return(buffer);
            buffer = [];
            written = read = 0;
            Next = null;
        }
    }

    /// <summary>What stands before the bytes of a message in a block.</summary>
    private readonly struct Head(in MessageContent content, in Receipt receipt)
    {
        private readonly int topicBytes = content.Topic.Length;
        private readonly int propertiesBytes = content.Properties.Encoded.Length;
        private readonly int payloadBytes = content.Payload.Length;
        private readonly QualityOfService qualityOfService = content.QualityOfService;
        private readonly bool retain = content.Retain;
        private readonly bool duplicate = content.Duplicate;

        public readonly Receipt Receipt = receipt;

        public static int Bytes => Unsafe.SizeOf<Head>();

        public MessageContent Slice(Memory<byte> bytes) => new()
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
