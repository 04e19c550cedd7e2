namespace Mqtt.Protocol.Channels;

/// <summary>
/// A <see cref="Stream"/> over a channel, so that <c>SslStream</c> and whatever else speaks streams can stand on it. A read of zero
/// bytes waits until there is something to read. Failures are <see cref="MqttConnectionException"/>, which is an <see cref="IOException"/>.
/// <para>
/// One reader and one writer at a time. Cancelling a write that is under way aborts the channel, since nobody knows how much of it
/// has left. The synchronous members block their thread. Disposing the stream aborts the channel, unless it is to be left open; call
/// the channel's <see cref="MqttChannel.CompleteWriting"/> before, and read to the end, if the other side must get everything.
/// </para>
/// </summary>
public sealed class ChannelStream : Stream
{
    private readonly MqttChannel channel;
    private readonly bool leaveOpen;
    private volatile bool disposed;

    /// <summary>Creates the stream of a channel.</summary>
    /// <param name="channel">What is read and written.</param>
    /// <param name="leaveOpen">True if disposing the stream leaves the channel alone. Default: false, it is aborted.</param>
    public ChannelStream(MqttChannel channel, bool leaveOpen = false)
    {
        ArgumentNullException.ThrowIfNull(channel);
        this.channel = channel;
        this.leaveOpen = leaveOpen;
    }

    /// <summary>True until the stream is disposed.</summary>
    public override bool CanRead => !disposed;

    /// <summary>True until the stream is disposed.</summary>
    public override bool CanWrite => !disposed;

    /// <summary>False.</summary>
    public override bool CanSeek => false;

    /// <summary>Not supported.</summary>
    public override long Length => throw new NotSupportedException();

    /// <summary>Not supported.</summary>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        return buffer.IsEmpty ? WaitAsync(cancellationToken) : channel.ReadAsync(buffer, cancellationToken);
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer, offset, count, CancellationToken.None).GetAwaiter().GetResult();

    /// <inheritdoc/>
    public override IAsyncResult BeginRead(byte[] buffer, int offset, int count, AsyncCallback? callback, object? state) =>
        TaskToAsyncResult.Begin(ReadAsync(buffer, offset, count, CancellationToken.None), callback, state);

    /// <inheritdoc/>
    public override int EndRead(IAsyncResult asyncResult) => TaskToAsyncResult.End<int>(asyncResult);

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled(cancellationToken);
        var write = channel.WriteAsync(buffer);
        return write.IsCompleted || !cancellationToken.CanBeCanceled ? write : WriteOrAbortAsync(write, cancellationToken);
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => WriteAsync(buffer, offset, count, CancellationToken.None).GetAwaiter().GetResult();

    /// <inheritdoc/>
    public override IAsyncResult BeginWrite(byte[] buffer, int offset, int count, AsyncCallback? callback, object? state) =>
        TaskToAsyncResult.Begin(WriteAsync(buffer, offset, count, CancellationToken.None), callback, state);

    /// <inheritdoc/>
    public override void EndWrite(IAsyncResult asyncResult) => TaskToAsyncResult.End(asyncResult);

    /// <summary>Does nothing: a write has left when it completes.</summary>
    public override void Flush()
    {
    }

    /// <summary>Does nothing: a write has left when it completes.</summary>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Not supported.</summary>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <summary>Not supported.</summary>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        disposed = true;
        if (disposing && !leaveOpen)
            channel.Abort();
        base.Dispose(disposing);
    }

    private async ValueTask WriteOrAbortAsync(ValueTask write, CancellationToken cancellationToken)
    {
        using var registration = cancellationToken.UnsafeRegister(static channel => ((MqttChannel)channel!).Abort(), channel);
        try
        {
            await write.ConfigureAwait(false);
        }
        catch (MqttConnectionException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
    }

    private async ValueTask<int> WaitAsync(CancellationToken cancellationToken)
    {
        await channel.WaitReadableAsync(cancellationToken).ConfigureAwait(false);
        return 0;
    }
}
