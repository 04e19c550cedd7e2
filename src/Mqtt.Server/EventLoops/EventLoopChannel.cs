using System.Net;
using System.Runtime.InteropServices;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;

namespace Mqtt.Server.EventLoops;

/// <summary>
/// A connection that one event loop owns. Its reader goes on on the loop's thread; a writer may be any thread, and sends by itself what the
/// socket takes at once, the loop sends the rest. The descriptor is closed by the loop, after its round, when nobody is inside a call with it.
/// </summary>
internal sealed class EventLoopChannel : MqttChannel, IEventSource
{
    private const int ClosedBit = 1 << 30;

    // A peer that takes as fast as it is sent must not have the loop for itself: copying this much takes some 200 us.
    private const int SendBytesOfOneRound = 1024 * 1024;

    // Who had this much to say the last time keeps the loop busy: some 60 us of small packets.
    private const int BytesOfBusyPeer = 16 * 1024;

    private readonly EventLoop loop;
    private readonly int descriptor;
    private readonly PeerAddress remote;
    private readonly EndPoint? local;
    private readonly Lock gate = new();
    private readonly LoopWaiter reader = new();
    private LoopWaiter? writer;
    private LoopYield? yielder;
    private GCHandle handle;

    // Who is inside a call with the descriptor, whether it is to be closed, and whether it was.
    private int users;
    private int isDescriptorClosed;

    // Written under the gate.
    private volatile bool isAborted;
    private bool isRegistered;
    private bool isReaderWaiting;
    private bool isWriterWaiting;
    private bool watchesInput;
    private ReadOnlyMemory<byte> unsent;
    private long written;

    // The reader's.
    private bool isBusy;

    public EventLoopChannel(EventLoop loop, int descriptor, in PeerAddress remote, EndPoint? local)
    {
        this.loop = loop;
        this.descriptor = descriptor;
        this.remote = remote;
        this.local = local;
        handle = GCHandle.Alloc(this);
    }

    public override EndPoint? LocalEndPoint => local;

    public override EndPoint? RemoteEndPoint => remote.ToEndPoint();

    public override long WrittenBytes => Volatile.Read(ref written);

    public override bool IsPeerGone
    {
        get
        {
            if (!TryEnterDescriptor())
                return true;
            try
            {
                return Linux.HasPeerEnded(descriptor);
            }
            finally
            {
                LeaveDescriptor();
            }
        }
    }

    public override int UnreadBytes
    {
        get
        {
            if (!TryEnterDescriptor())
                return 0;
            try
            {
                return Linux.UnreadBytes(descriptor);
            }
            finally
            {
                LeaveDescriptor();
            }
        }
    }

    public override ValueTask WaitReadableAsync(CancellationToken cancellationToken = default)
    {
        lock (gate)
        {
            if (isAborted)
                throw Aborted();
            if (isReaderWaiting)
                throw new InvalidOperationException("One reader at a time.");
            if (!watchesInput)
                WatchInput();
            var waiting = reader.Begin();
            isReaderWaiting = true;
            return cancellationToken.CanBeCanceled ? WaitCancellableAsync(waiting, cancellationToken) : waiting;
        }
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = Read(buffer.Span);
        return count >= 0 ? new(count) : WaitAndReadAsync(buffer, cancellationToken);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        bytes = bytes[Write(bytes.Span)..];
        if (bytes.IsEmpty)
            return default;
        lock (gate)
        {
            if (isAborted)
                throw Aborted();
            unsent = bytes;
            isWriterWaiting = true;
            var waiting = (writer ??= new LoopWaiter()).Begin();
            Watch();
            return waiting;
        }
    }

    public override ValueTask YieldAsync() => (yielder ??= new LoopYield(loop)).Begin();

    public override bool TryHandOver(Outbox outbox) => loop.TryTake(outbox);

    public override void CompleteWriting()
    {
        EnterDescriptor();
        _ = Linux.Shutdown(descriptor, Linux.ShutdownSend);
        LeaveDescriptor();
    }

    public override void Abort()
    {
        lock (gate)
        {
            if (isAborted)
                return;
            isAborted = true;
        }

        loop.Post(Close);
    }

    bool IEventSource.IsBusy => isBusy;

    void IEventSource.OnEvents(uint events)
    {
        const uint Broken = Linux.EpollErr | Linux.EpollHup;
        if ((events & (Linux.EpollOut | Broken)) != 0)
            SendUnsent();
        if ((events & (Linux.EpollIn | Broken)) != 0)
            WakeReader(isBroken: (events & Broken) != 0);
    }

    // Level-triggered: what is not read is told again. If nobody waits it is not watched until somebody does; a broken connection is told
    // even so, and is not watched at all.
    private void WakeReader(bool isBroken)
    {
        lock (gate)
        {
            if (isAborted)
                return;
            if (!isReaderWaiting)
            {
                watchesInput = false;
                if (isBroken)
                    Unwatch();
                else
                    Watch();
                return;
            }

            isReaderWaiting = false;
        }

        reader.Wake();
    }

    private void SendUnsent()
    {
        MqttConnectionException? failure = null;
        lock (gate)
        {
            if (!isWriterWaiting || isAborted)
                return;
            try
            {
                unsent = unsent[Write(unsent.Span)..];
            }
            catch (MqttConnectionException broken)
            {
                failure = broken;
            }

            if (failure is null && !unsent.IsEmpty)
                return;
            unsent = default;
            isWriterWaiting = false;
            Watch();
        }

        if (failure is null)
            writer!.Wake();
        else
            writer!.Fail(failure);
    }

    private async ValueTask<int> WaitAndReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        int count;
        do
        {
            await WaitReadableAsync(cancellationToken).ConfigureAwait(false);
            count = Read(buffer.Span);
        }
        while (count < 0);
        return count;
    }

    private async ValueTask WaitCancellableAsync(ValueTask waiting, CancellationToken cancellationToken)
    {
        await using (cancellationToken.UnsafeRegister(static state => ((EventLoopChannel)state!).CancelRead(), this).ConfigureAwait(false))
            await waiting.ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
    }

    private void CancelRead()
    {
        loop.Post(() =>
        {
            lock (gate)
            {
                if (!isReaderWaiting)
                    return;
                isReaderWaiting = false;
            }

            reader.Wake();
        });
    }

    // -1 if nothing is there yet. A reset is the end of the stream: nothing more will come, and a thousand resets at once need not be a thousand
    // exceptions; a writer still hears of it.
    private int Read(Span<byte> buffer)
    {
        EnterDescriptor();
        try
        {
            while (true)
            {
                var count = Linux.Receive(descriptor, buffer);
                if (count >= 0)
                {
                    isBusy = count >= BytesOfBusyPeer;
                    return count;
                }

                switch (Linux.LastError)
                {
                    case Linux.Again:
                        return -1;
                    case Linux.Interrupted:
                        continue;
                    case Linux.ConnectionReset:
                        return 0;
                    case var error:
                        throw Broken(error);
                }
            }
        }
        finally
        {
            LeaveDescriptor();
        }
    }

    // Sends what the socket takes at once, within bounds; returns how much that was.
    private int Write(ReadOnlySpan<byte> bytes)
    {
        bytes = bytes[..Math.Min(bytes.Length, SendBytesOfOneRound)];
        var total = 0;
        EnterDescriptor();
        try
        {
            while (total < bytes.Length)
            {
                var count = Linux.Send(descriptor, bytes[total..]);
                if (count >= 0)
                    total += count;
                else if (Linux.LastError == Linux.Again)
                    break;
                else if (Linux.LastError != Linux.Interrupted)
                    throw Broken(Linux.LastError);
            }
        }
        finally
        {
            LeaveDescriptor();
        }

        Volatile.Write(ref written, written + total);
        return total;
    }

    private void WatchInput()
    {
        watchesInput = true;
        try
        {
            Watch();
        }
        catch (IOException refused)
        {
            watchesInput = false;
            throw new MqttConnectionException("The connection cannot be watched: " + refused.Message, refused);
        }
    }

    // Output is watched only while something waits for it.
    private void Watch()
    {
        if (isAborted)
            return;
        var events = (watchesInput ? Linux.EpollIn : 0) | (isWriterWaiting ? Linux.EpollOut : 0);
        if (isRegistered)
        {
            loop.Modify(descriptor, events, handle);
            return;
        }

        loop.Add(descriptor, events, handle);
        isRegistered = true;
    }

    private void Unwatch()
    {
        loop.Remove(descriptor);
        isRegistered = false;
    }

    private void Close()
    {
        bool wakeReader, wakeWriter;
        lock (gate)
        {
            wakeReader = isReaderWaiting;
            wakeWriter = isWriterWaiting;
            isReaderWaiting = isWriterWaiting = false;
            unsent = default;
            if (isRegistered)
                Unwatch();
        }

        if (Interlocked.Add(ref users, ClosedBit) == ClosedBit)
            CloseDescriptor();
        handle.Free();
        if (wakeReader)
            reader.Fail(Aborted());
        if (wakeWriter)
            writer!.Fail(Aborted());
    }

    private void EnterDescriptor()
    {
        if (!TryEnterDescriptor())
            throw Aborted();
    }

    private bool TryEnterDescriptor()
    {
        if ((Interlocked.Increment(ref users) & ClosedBit) == 0 && !isAborted)
            return true;
        LeaveDescriptor();
        return false;
    }

    private void LeaveDescriptor()
    {
        if (Interlocked.Decrement(ref users) == ClosedBit)
            CloseDescriptor();
    }

    private void CloseDescriptor()
    {
        // Whoever comes later turns back at the closed bit, and may be the last to leave once more.
        if (Interlocked.Exchange(ref isDescriptorClosed, 1) == 0)
            _ = Linux.Close(descriptor);
    }

    private static MqttConnectionException Aborted() => new("The connection was aborted.");

    private static MqttConnectionException Broken(int error) => new("The connection broke: " + Marshal.GetPInvokeErrorMessage(error));
}
