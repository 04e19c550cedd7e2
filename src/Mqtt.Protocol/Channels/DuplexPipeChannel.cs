using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Runtime.CompilerServices;

namespace Mqtt.Protocol.Channels;

/// <summary>
/// A channel over an <see cref="IDuplexPipe"/>, such as Kestrel's <c>ConnectionContext.Transport</c>. The channel owns both ends that
/// it is given, and completes them when it is aborted.
/// </summary>
public sealed class DuplexPipeChannel : MqttChannel
{
    private readonly PipeReader input;
    private readonly PipeWriter output;

    // A pipe's end must not be completed while it is in use: then whoever uses it is woken, and completes it on the way out.
    private readonly Lock gate = new();
    private bool reading;
    private bool writing;
    private bool completed;
    private bool aborted;

    /// <summary>Creates the channel of a duplex pipe.</summary>
    /// <param name="pipe">What is read and written.</param>
    /// <param name="localEndPoint">This end's address. Default: none.</param>
    /// <param name="remoteEndPoint">The other end's address. Default: none.</param>
    public DuplexPipeChannel(IDuplexPipe pipe, EndPoint? localEndPoint = null, EndPoint? remoteEndPoint = null)
    {
        ArgumentNullException.ThrowIfNull(pipe);
        input = pipe.Input;
        output = pipe.Output;
        LocalEndPoint = localEndPoint;
        RemoteEndPoint = remoteEndPoint;
    }

    /// <inheritdoc/>
    public override EndPoint? LocalEndPoint { get; }

    /// <inheritdoc/>
    public override EndPoint? RemoteEndPoint { get; }

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WaitReadableAsync(CancellationToken cancellationToken = default)
    {
        Enter(ref reading);
        try
        {
            var result = await ReadPipeAsync(cancellationToken).ConfigureAwait(false);
            input.AdvanceTo(result.Buffer.Start);
        }
        finally
        {
            LeaveReading();
        }
    }

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Enter(ref reading);
        try
        {
            var result = await ReadPipeAsync(cancellationToken).ConfigureAwait(false);
            return Take(result, buffer.Span);
        }
        finally
        {
            LeaveReading();
        }
    }

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        Enter(ref writing);
        try
        {
            ThrowIfCompleted();
            CheckSent(await output.WriteAsync(bytes).ConfigureAwait(false));
        }
        catch (Exception failure) when (IsOfThePipe(failure))
        {
            throw Broken(failure);
        }
        finally
        {
            LeaveWriting();
        }
    }

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WriteAsync(IReadOnlyList<ReadOnlyMemory<byte>> pieces)
    {
        ArgumentNullException.ThrowIfNull(pieces);
        Enter(ref writing);
        try
        {
            ThrowIfCompleted();
            for (var i = 0; i < pieces.Count; i++)
                output.Write(pieces[i].Span);
            CheckSent(await output.FlushAsync().ConfigureAwait(false));
        }
        catch (Exception failure) when (IsOfThePipe(failure))
        {
            throw Broken(failure);
        }
        finally
        {
            LeaveWriting();
        }
    }

    /// <inheritdoc/>
    public override void CompleteWriting()
    {
        lock (gate)
        {
            if (completed || aborted)
                return;
            completed = true;
        }

        output.Complete();
    }

    /// <inheritdoc/>
    public override void Abort()
    {
        bool readingNow, writingNow;
        lock (gate)
        {
            if (aborted)
                return;
            aborted = true;
            (readingNow, writingNow) = (reading, writing);
        }

        StopReading(readingNow);
        StopWriting(writingNow);
    }

    private void StopReading(bool inUse)
    {
        if (!inUse)
        {
            input.Complete(Aborted());
            return;
        }

        try
        {
            input.CancelPendingRead();
        }
        catch (ObjectDisposedException)
        {
            // The reader left meanwhile, and completed it.
        }
    }

    private void StopWriting(bool inUse)
    {
        if (!inUse)
        {
            output.Complete(Aborted());
            return;
        }

        try
        {
            output.CancelPendingFlush();
        }
        catch (ObjectDisposedException)
        {
            // The writer left meanwhile, and completed it.
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> ReadPipeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                var result = await input.ReadAsync(cancellationToken).ConfigureAwait(false);
                ThrowIfAborted();
                if (!result.IsCanceled)
                    return result;
                input.AdvanceTo(result.Buffer.Start);
            }
            catch (Exception failure) when (IsOfThePipe(failure))
            {
                throw Broken(failure);
            }
        }
    }

    private int Take(ReadResult result, Span<byte> buffer)
    {
        var bytes = result.Buffer.Slice(0, Math.Min(result.Buffer.Length, buffer.Length));
        bytes.CopyTo(buffer);
        var count = (int)bytes.Length;
        input.AdvanceTo(bytes.End);
        return count;
    }

    private void CheckSent(FlushResult result)
    {
        ThrowIfAborted();
        if (result.IsCompleted)
            throw new MqttConnectionException("The other side reads no more.");
    }

    private void Enter(ref bool busy)
    {
        lock (gate)
        {
            if (aborted)
                throw Aborted();
            busy = true;
        }
    }

    private void LeaveReading()
    {
        lock (gate)
        {
            reading = false;
            if (!aborted)
                return;
        }

        input.Complete(Aborted());
    }

    private void LeaveWriting()
    {
        lock (gate)
        {
            writing = false;
            if (!aborted)
                return;
        }

        output.Complete(Aborted());
    }

    private void ThrowIfAborted()
    {
        lock (gate)
        {
            if (aborted)
                throw Aborted();
        }
    }

    private void ThrowIfCompleted()
    {
        lock (gate)
        {
            if (completed)
                throw new MqttConnectionException("The sending side is shut down.");
        }
    }

    // Beside what a transport throws, the other end of a pipe hands over what it was completed with. A cancelled token is the caller's own.
    private static bool IsOfThePipe(Exception failure) => failure is not (OperationCanceledException or MqttConnectionException);

    private static MqttConnectionException Broken(Exception failure) => new($"The connection broke: {failure.Message}", failure);

    private static MqttConnectionException Aborted() => new("The connection was aborted.");
}
