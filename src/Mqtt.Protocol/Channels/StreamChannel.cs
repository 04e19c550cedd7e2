using System.ComponentModel;
using System.Net;
using System.Runtime.CompilerServices;
using System.Security.Authentication;

namespace Mqtt.Protocol.Channels;

/// <summary>
/// A channel over any <see cref="Stream"/>: a <c>NetworkStream</c>, an <c>SslStream</c>, a WebSocket's stream. The channel owns the
/// stream. Waiting for bytes is a read of zero bytes, so that an idle connection over a stream that supports it holds no buffer.
/// <para>Whatever the stream throws because the network went arrives as <see cref="MqttConnectionException"/>, the cause inside.</para>
/// </summary>
public sealed class StreamChannel : MqttChannel
{
    private const int GatheredBytes = 64 * 1024;

    private readonly Stream stream;
    private readonly Action? completeWriting;
    private volatile bool aborted;

    /// <summary>Creates the channel of a stream.</summary>
    /// <param name="stream">What is read and written.</param>
    /// <param name="completeWriting">
    /// Shuts the sending side down, for example <c>() => socket.Shutdown(SocketShutdown.Send)</c>. A stream by itself cannot say that
    /// nothing more will come: without this the other side reads the end only once the channel is aborted.
    /// </param>
    /// <param name="localEndPoint">This end's address. Default: none.</param>
    /// <param name="remoteEndPoint">The other end's address. Default: none.</param>
    public StreamChannel(Stream stream, Action? completeWriting = null, EndPoint? localEndPoint = null, EndPoint? remoteEndPoint = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        this.stream = stream;
        this.completeWriting = completeWriting;
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
        try
        {
            _ = await stream.ReadAsync(Memory<byte>.Empty, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failure) when (IsOfTheNetwork(failure, cancellationToken))
        {
            throw Broken(failure);
        }
    }

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            var count = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            // A socket that is closed under a read may report the end of the stream, which the other side did not send.
            return count == 0 && aborted ? throw new MqttConnectionException("The connection was aborted.") : count;
        }
        catch (Exception failure) when (IsOfTheNetwork(failure, cancellationToken))
        {
            throw Broken(failure);
        }
    }

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await stream.WriteAsync(bytes).ConfigureAwait(false);
            await stream.FlushAsync().ConfigureAwait(false);
        }
        catch (Exception failure) when (IsOfTheNetwork(failure, CancellationToken.None))
        {
            throw Broken(failure);
        }
    }

    /// <summary>Writes all the pieces in their order. A stream cannot gather: small pieces are put together first, large ones go one by one.</summary>
    public override ValueTask WriteAsync(IReadOnlyList<ReadOnlyMemory<byte>> pieces)
    {
        ArgumentNullException.ThrowIfNull(pieces);
        var total = 0L;
        for (var i = 0; i < pieces.Count; i++)
            total += pieces[i].Length;
        return pieces.Count > 1 && total <= GatheredBytes ? WriteTogetherAsync(pieces, (int)total) : base.WriteAsync(pieces);
    }

    /// <inheritdoc/>
    public override void CompleteWriting()
    {
        try
        {
            completeWriting?.Invoke();
        }
        catch (Exception failure) when (IsOfTheNetwork(failure, CancellationToken.None))
        {
            throw Broken(failure);
        }
    }

    /// <inheritdoc/>
    public override void Abort()
    {
        aborted = true;
        try
        {
            stream.Dispose();
        }
        catch (Exception failure) when (IsOfTheNetwork(failure, CancellationToken.None))
        {
            // It is gone either way.
        }
    }

    private async ValueTask WriteTogetherAsync(IReadOnlyList<ReadOnlyMemory<byte>> pieces, int total)
    {
        var buffer = BufferPool.Rent(total);
        try
        {
            var count = 0;
            for (var i = 0; i < pieces.Count; i++)
            {
                pieces[i].CopyTo(buffer.AsMemory(count));
                count += pieces[i].Length;
            }

            await WriteAsync(buffer.AsMemory(0, total)).ConfigureAwait(false);
        }
        finally
        {
            BufferPool.Return(buffer);
        }
    }

    // Sockets and WebSockets throw kinds of Win32Exception; a stream that was closed or shut down meanwhile, InvalidOperationException;
    // TLS, AuthenticationException. After an abort there is no other cause.
    private bool IsOfTheNetwork(Exception failure, CancellationToken cancellationToken) => failure switch
    {
        OperationCanceledException => aborted && !cancellationToken.IsCancellationRequested,
        IOException or Win32Exception or InvalidOperationException or AuthenticationException => true,
        _ => aborted,
    };

    private MqttConnectionException Broken(Exception failure) =>
        failure as MqttConnectionException
        ?? new MqttConnectionException(aborted ? "The connection was aborted." : $"The connection broke: {failure.GetBaseException().Message}", failure);
}
