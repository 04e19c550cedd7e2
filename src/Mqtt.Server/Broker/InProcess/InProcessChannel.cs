using System.IO.Pipelines;
using System.Net;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;

namespace Mqtt.Server.Broker.InProcess;

/// <summary>
/// The channel of an in-process client. What the broker writes goes to the client, packet by packet, on the writer's thread; nothing is ever
/// read, since the client hands its packets in. Any thread.
/// </summary>
/// <param name="scheduler">Where the connection goes on.</param>
/// <param name="onBytes">Takes whole packets. It must not block.</param>
/// <param name="onEnded">Told once that nothing more comes.</param>
/// <param name="onGone">Told once that the broker has done with the connection.</param>
internal sealed class InProcessChannel(PipeScheduler scheduler, Action<ReadOnlyMemory<byte>> onBytes, Action onEnded, Action onGone) : MqttChannel
{
    private readonly TaskCompletionSource ended = new();
    private int hasEnded;
    private long written;
    private volatile bool isAborted;

    public override EndPoint? LocalEndPoint { get; } = new DnsEndPoint("in-process", 0);

    public override EndPoint? RemoteEndPoint => LocalEndPoint;

    public override long WrittenBytes => Volatile.Read(ref written);

    public override ValueTask WaitReadableAsync(CancellationToken cancellationToken = default) => new(ended.Task.WaitAsync(cancellationToken));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await ended.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        return isAborted ? throw new MqttConnectionException() : 0;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        if (Volatile.Read(ref hasEnded) != 0)
            throw new MqttConnectionException();
        onBytes(bytes);
        Volatile.Write(ref written, written + bytes.Length);
        return default;
    }

    public override async ValueTask YieldAsync()
    {
        var turn = new TaskCompletionSource();
        scheduler.Schedule(static turn => ((TaskCompletionSource)turn!).SetResult(), turn);
        await turn.Task.ConfigureAwait(false);
    }

    // The client has read all there is, and says nothing more.
    public override void CompleteWriting() => End();

    public override void Abort()
    {
        if (Volatile.Read(ref hasEnded) == 0)
            isAborted = true;
        End();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync().ConfigureAwait(false);
        onGone();
    }

    private void End()
    {
        if (Interlocked.Exchange(ref hasEnded, 1) != 0)
            return;
        onEnded();
        scheduler.Schedule(static ended => ((TaskCompletionSource)ended!).SetResult(), ended);
    }
}
