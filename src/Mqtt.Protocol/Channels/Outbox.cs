using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Mqtt.Protocol.Channels;

/// <summary>
/// The bytes that wait to leave on one channel. Anybody appends, within a turn; whoever flushes first sends everything that is
/// there in one write, and goes on while there is more, so that at most one write is under way. An empty outbox owns no buffer.
/// <para>
/// <see cref="Gate"/> guards it. A session that delivers to this outbox puts its own lock in its place
/// (<see cref="Adopt"/>), so that a delivery takes one lock, not two. No write happens under the lock.
/// </para>
/// </summary>
public sealed class Outbox
{
    private readonly MqttChannel channel;
    private volatile Lock gate = new();

    // What waits. Under the gate.
    private byte[]? pending;
    private int pendingCount;
    private int usualBytes = 4096;

    // Who sends. Under the gate; the buffer being sent belongs to the sender alone.
    private bool onList;
    private Turn? listedBy;
    private bool roomWanted;
    private bool sending;
    private byte[]? inFlight;
    private ValueTask write;
    private Action? resume;

    // How it ends. Under the gate.
    private bool completing;
    private bool closed;

    /// <summary>Creates the outbox of a channel.</summary>
    /// <param name="channel">Where the bytes go.</param>
    /// <param name="limitBytes">How many bytes may wait beyond those being sent.</param>
    public Outbox(MqttChannel channel, int limitBytes = 1024 * 1024)
    {
        ArgumentNullException.ThrowIfNull(channel);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limitBytes);
        this.channel = channel;
        LimitBytes = limitBytes;
    }

    /// <summary>How many bytes may wait beyond those being sent. Default: 1 MiB.</summary>
    public int LimitBytes { get; }

    /// <summary>The lock that guards this outbox; see <see cref="Adopt"/>.</summary>
    public Lock Gate => gate;

    /// <summary>How many bytes wait beyond those being sent. Any thread; without the gate it may be a little old.</summary>
    public int PendingBytes => Volatile.Read(ref pendingCount);

    /// <summary>True once nothing can be appended any more.</summary>
    public bool IsClosed => closed || completing;

    /// <summary>After the last packet this side of the channel is not ended: the peer is to end the connection. Default: false.</summary>
    public bool LeavesChannelOpen { get; set; }

    /// <summary>True while a write waits for the network to take it.</summary>
    public bool IsBlocked { get; private set; }

    /// <summary>
    /// Called, without any lock, when the outbox has been written out after <see cref="HasRoom"/> said no: whoever waits for room goes
    /// on. Set it before the first append, or under the gate before a <see cref="HasRoom"/> that may say no.
    /// </summary>
    public Action? Drained { get; set; }

    /// <summary>Called, without any lock, when the channel failed under a write.</summary>
    public Action<MqttConnectionException>? Failed { get; set; }

    /// <summary>Puts another lock in the place of this outbox's own, for good. What happened under the old one is seen under the new one.</summary>
    public void Adopt(Lock other)
    {
        var entered = EnterGate();
        gate = other;
        entered.Exit();
    }

    /// <summary>
    /// True if <paramref name="bytes"/> more fit; an outbox in which nothing waits takes a packet of any size. After a no,
    /// <see cref="Drained"/> tells when to ask again. Call it under the gate.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool HasRoom(int bytes)
    {
        if (pendingCount + bytes <= LimitBytes || pendingCount == 0)
            return true;
        roomWanted = true;
        return false;
    }

    /// <summary>Appends a packet, whatever already waits; false if the outbox is closed.</summary>
    public bool Append(MqttPacket packet, MqttProtocolVersion version, Turn turn) => Append(packet, version, isLast: false, turn);

    /// <summary>Appends the last packet; what anybody else appends comes before it or not at all. When it is sent, the channel's sending side is shut down.</summary>
    public bool AppendLast(MqttPacket packet, MqttProtocolVersion version, Turn turn) => Append(packet, version, isLast: true, turn);

    private bool Append(MqttPacket packet, MqttProtocolVersion version, bool isLast, Turn turn)
    {
        var size = MqttPacketWriter.Measure(packet, version);
        var entered = EnterGate();
        try
        {
            if (IsClosed)
                return false;
            MqttPacketWriter.Write(Reserve(size), packet, version);
            Commit(size, turn);
            completing = isLast;
            return true;
        }
        finally
        {
            // The room of a packet that turned out not to be writable.
            if (pendingCount == 0)
                ReleasePending();
            entered.Exit();
        }
    }

    /// <summary>Appends encoded bytes, whatever already waits; false if the outbox is closed.</summary>
    public bool Append(ReadOnlySpan<byte> bytes, Turn turn)
    {
        var entered = EnterGate();
        try
        {
            return AppendLocked(bytes, turn);
        }
        finally
        {
            entered.Exit();
        }
    }

    /// <summary>Appends encoded bytes; false if the outbox is closed. Call it under the gate.</summary>
    public bool AppendLocked(ReadOnlySpan<byte> bytes, Turn turn)
    {
        if (IsClosed)
            return false;
        bytes.CopyTo(Reserve(bytes.Length));
        Commit(bytes.Length, turn);
        return true;
    }

    /// <summary>Room for <paramref name="bytes"/> bytes at the end, to be filled and then committed. Call it under the gate, and only while it is not closed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> Reserve(int bytes)
    {
        if (pending is null || pending.Length - pendingCount < bytes)
            Grow(bytes);
        return pending.AsSpan(pendingCount, bytes);
    }

    /// <summary>Takes the reserved bytes in, and puts the outbox on the turn's list unless somebody is going to send anyway. Call it under the gate.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Commit(int bytes, Turn turn)
    {
        pendingCount += bytes;
        turn.CountAppend(bytes);
        if (onList || sending)
            return;
        if (turn.MayBlock)
        {
            ListForItself(turn);
            return;
        }

        onList = true;
        turn.Add(this);
    }

    // Nobody else relies on a turn that may block: the next turn puts the outbox on its own list as well.
    private void ListForItself(Turn turn)
    {
        if (ReferenceEquals(listedBy, turn))
            return;
        listedBy = turn;
        turn.Add(this);
    }

    /// <summary>Takes nothing more; what waits is sent, then the channel's sending side is shut down.</summary>
    public void Complete()
    {
        var entered = EnterGate();
        bool now;
        try
        {
            if (IsClosed)
                return;
            completing = true;
            now = !sending && pendingCount == 0;
            closed |= now;
        }
        finally
        {
            entered.Exit();
        }

        if (now)
            CompleteChannel();
    }

    /// <summary>Takes nothing more and throws away what waits. The channel is somebody else's to abort.</summary>
    public void Close()
    {
        var entered = EnterGate();
        try
        {
            closed = true;
            ReleasePending();
        }
        finally
        {
            entered.Exit();
        }
    }

    /// <summary>Leaves the flush to the thread of the channel, if there is one and it is another.</summary>
    internal bool TryHandOver() => channel.TryHandOver(this);

    /// <summary>Sends what waits, unless somebody else is sending: then that one goes on with it.</summary>
    internal void Flush()
    {
        if (TryTake(first: true, out var bytes))
            Send(bytes);
    }

    [SuppressMessage("Reliability", "CA2012:Use ValueTasks correctly", Justification = "Kept in a field while the write is under way, and consumed once.")]
    private void Send(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            do
            {
                write = channel.WriteAsync(bytes);
                if (!write.IsCompleted)
                {
                    IsBlocked = true;
                    write.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(resume ??= Resume);
                    return;
                }

                write.GetAwaiter().GetResult();
            }
            while (TryTake(first: false, out bytes));
        }
        catch (Exception broken)
        {
            Fail(broken as MqttConnectionException ?? new MqttConnectionException("The channel failed.", broken));
            return;
        }

        TellDrained();
    }

    private void Resume()
    {
        IsBlocked = false;
        try
        {
            write.GetAwaiter().GetResult();
        }
        catch (Exception broken)
        {
            Fail(broken as MqttConnectionException ?? new MqttConnectionException("The channel failed.", broken));
            return;
        }

        if (TryTake(first: false, out var bytes))
            Send(bytes);
        else
            TellDrained();
    }

    private void TellDrained()
    {
        // Whoever was refused since the last look under the gate has appended, or waits behind who has: another flush will come.
        if (!roomWanted)
            return;
        roomWanted = false;
        Drained?.Invoke();
    }

    // Swaps what waits for what was sent. The first taker of a flush may find a sender at work, and leaves it to him.
    private bool TryTake(bool first, out ReadOnlyMemory<byte> bytes)
    {
        bytes = default;
        var complete = false;
        var entered = EnterGate();
        try
        {
            if (first)
            {
                onList = false;
                listedBy = null;
                if (sending || pendingCount == 0)
                    return false;
            }
            else
            {
                BufferPool.Return(inFlight!);
                inFlight = null;
            }

            if (pendingCount == 0)
            {
                sending = false;
                complete = completing && !closed;
                closed |= completing;
                return false;
            }

            sending = true;
            inFlight = pending;
            bytes = pending.AsMemory(0, pendingCount);
            pending = null;
            pendingCount = 0;
            return true;
        }
        finally
        {
            entered.Exit();
            if (complete)
                CompleteChannel();
        }
    }

    private void Grow(int bytes)
    {
        var wanted = Math.Max(pendingCount + bytes, pending is null ? usualBytes : pending.Length * 2);
        var larger = BufferPool.Rent(wanted);
        if (pending is not null)
        {
            pending.AsSpan(0, pendingCount).CopyTo(larger);
            BufferPool.Return(pending);
        }

        pending = larger;
        usualBytes = Math.Min(larger.Length, 64 * 1024);
    }

    private void Fail(MqttConnectionException broken)
    {
        var entered = EnterGate();
        try
        {
            closed = true;
            sending = false;
            IsBlocked = false;
            if (inFlight is not null)
                BufferPool.Return(inFlight);
            inFlight = null;
            ReleasePending();
        }
        finally
        {
            entered.Exit();
        }

        channel.Abort();
        Failed?.Invoke(broken);
    }

    private void ReleasePending()
    {
        if (pending is not null)
            BufferPool.Return(pending);
        pending = null;
        pendingCount = 0;
    }

    private void CompleteChannel()
    {
        if (LeavesChannelOpen)
            return;
        try
        {
            channel.CompleteWriting();
        }
        catch (MqttConnectionException)
        {
            // The peer was faster: there is nobody left to tell.
            channel.Abort();
        }
    }

    // The lock may change between reading the field and entering it; then the new one counts.
    private Lock EnterGate()
    {
        while (true)
        {
            var candidate = gate;
            candidate.Enter();
            if (candidate == gate)
                return candidate;
            candidate.Exit();
        }
    }
}
