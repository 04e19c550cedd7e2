using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Mqtt.Protocol.Channels;
using Mqtt.Server.Listeners;

namespace Mqtt.Server.EventLoops;

/// <summary>Listens on one TCP address; one loop accepts, and spreads the connections over all.</summary>
internal sealed class EventLoopListener(IPEndPoint address, EventLoopGroup loops) : MqttListener, IEventSource
{
    // A crowd at the door must not keep those inside waiting: accepting one takes some 20 us.
    private const int AcceptsOfOneRound = 64;

    private readonly Lock gate = new();
    private readonly LoopWaiter waiter = new();
    private EventLoop? loop;
    private Socket? socket;
    private EndPoint endPoint = address;
    private GCHandle handle;
    private int descriptor;

    // Under the gate.
    private bool isWaiting;
    private bool isStopped;
    private int acceptsLeft = AcceptsOfOneRound;

    public override EndPoint EndPoint => endPoint;

    public override void Start()
    {
        socket = ListenSocket.Open(address);
        endPoint = socket.LocalEndPoint!;
        descriptor = (int)socket.Handle;
        Linux.SetNonBlocking(descriptor);
        Linux.SetNoDelay(descriptor); // Those that are accepted inherit it.
        loop = loops.Next();
        handle = GCHandle.Alloc(this);
        try
        {
            loop.Add(descriptor, 0, handle);
        }
        catch
        {
            handle.Free();
            socket.Dispose();
            throw;
        }
    }

    public override async ValueTask<MqttChannel?> AcceptAsync()
    {
        while (true)
        {
            ValueTask waiting;
            lock (gate)
            {
                if (isStopped)
                    return null;
                if (acceptsLeft > 0 && TryAccept(out var channel))
                {
                    acceptsLeft--;
                    return channel;
                }

                waiting = waiter.Begin();
                isWaiting = true;
                loop!.Modify(descriptor, Linux.EpollIn, handle);
            }

            await waiting.ConfigureAwait(false);
        }
    }

    public override ValueTask DisposeAsync()
    {
        bool wasWaiting;
        lock (gate)
        {
            if (isStopped || socket is null)
                return ValueTask.CompletedTask;
            isStopped = true;
            wasWaiting = isWaiting;
            isWaiting = false;
            loop!.Remove(descriptor);
        }

        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(() =>
        {
            socket.Dispose();
            handle.Free();
            if (wasWaiting)
                waiter.Wake();
            closed.SetResult();
        });
        return new ValueTask(closed.Task);
    }

    bool IEventSource.IsBusy => false;

    void IEventSource.OnEvents(uint events)
    {
        lock (gate)
        {
            if (!isWaiting)
                return;
            isWaiting = false;
            acceptsLeft = AcceptsOfOneRound;
            loop!.Modify(descriptor, 0, handle);
        }

        waiter.Wake();
    }

    private bool TryAccept(out EventLoopChannel? channel)
    {
        Span<byte> peer = stackalloc byte[PeerAddress.MaximumBytes];
        while (true)
        {
            var accepted = Linux.Accept(descriptor, peer);
            if (accepted >= 0)
            {
                channel = new EventLoopChannel(loops.Next(), accepted, new PeerAddress(peer), endPoint);
                return true;
            }

            switch (Linux.LastError)
            {
                case Linux.Again:
                    channel = null;
                    return false;
                case Linux.Interrupted or Linux.ConnectionAborted:
                    continue;
                case var error:
                    throw new IOException("accept failed: " + Marshal.GetPInvokeErrorMessage(error));
            }
        }
    }
}
