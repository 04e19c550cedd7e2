using System.ComponentModel;
using System.Net;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;

namespace Mqtt.Protocol.Channels;

/// <summary>
/// A channel over a WebSocket: each write is one binary frame, reads take what frames hold and know nothing of their borders [MQTT-6.0.0-1]
/// [MQTT-6.0.0-2]. Closing our half sends the close frame; a close frame of the other side is the end of the stream. A text frame is an error of
/// the other side (<see cref="MqttProtocolException"/>), and then nothing more is read. The channel owns the WebSocket.
/// </summary>
public sealed class WebSocketChannel : MqttChannel
{
    private readonly WebSocket socket;

    // A wait that was given up goes on: cancelling it would cost the connection. Reader only.
    private Task<ValueWebSocketReceiveResult>? waiting;
    private volatile bool isEnded;
    private volatile bool isViolated;

    private Task farewell = Task.CompletedTask;
    private volatile bool isAborted;

    /// <summary>Creates the channel of a WebSocket.</summary>
    /// <param name="socket">An open WebSocket; no keep-alive of its own is needed, since MQTT has one.</param>
    /// <param name="localEndPoint">This end's address. Default: none.</param>
    /// <param name="remoteEndPoint">The other end's address. Default: none.</param>
    public WebSocketChannel(WebSocket socket, EndPoint? localEndPoint = null, EndPoint? remoteEndPoint = null)
    {
        ArgumentNullException.ThrowIfNull(socket);
        this.socket = socket;
        LocalEndPoint = localEndPoint;
        RemoteEndPoint = remoteEndPoint;
    }

    /// <inheritdoc/>
    public override EndPoint? LocalEndPoint { get; }

    /// <inheritdoc/>
    public override EndPoint? RemoteEndPoint { get; }

    /// <summary>True once the close frame of the other side was read.</summary>
    public override bool IsPeerGone => isEnded;

    /// <summary>True once a text frame came. Reads find the end then, whatever else comes.</summary>
    public bool IsViolated => isViolated;

    /// <inheritdoc/>
    // A receive of no bytes ends when a frame has begun.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WaitReadableAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (isEnded || isViolated)
            return;
        try
        {
            if (waiting is null && !cancellationToken.CanBeCanceled)
            {
                Take(await socket.ReceiveAsync(Memory<byte>.Empty, CancellationToken.None).ConfigureAwait(false));
                return;
            }

            waiting ??= socket.ReceiveAsync(Memory<byte>.Empty, CancellationToken.None).AsTask();
            var begun = await waiting.WaitAsync(cancellationToken).ConfigureAwait(false);
            waiting = null;
            Take(begun);
        }
        catch (Exception failure) when (IsOfTheNetwork(failure, cancellationToken))
        {
            throw Broken(failure);
        }
    }

    /// <inheritdoc/>
    // Once a frame has begun its bytes are on the way, and only an abort ends the wait for them.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (waiting is not null || cancellationToken.CanBeCanceled)
            await WaitReadableAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            while (!isEnded && !isViolated)
            {
                var received = await socket.ReceiveAsync(buffer, CancellationToken.None).ConfigureAwait(false);
                Take(received);
                if (received.Count > 0)
                    return received.Count;
            }

            return isAborted ? throw new MqttConnectionException("The connection was aborted.") : 0;
        }
        catch (Exception failure) when (IsOfTheNetwork(failure, CancellationToken.None))
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
            if (!bytes.IsEmpty)
                await socket.SendAsync(bytes, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception failure) when (IsOfTheNetwork(failure, CancellationToken.None))
        {
            throw Broken(failure);
        }
    }

    /// <inheritdoc/>
    public override void CompleteWriting() => farewell = CloseAsync();

    /// <inheritdoc/>
    public override void Abort()
    {
        isAborted = true;
        socket.Abort();
    }

    /// <summary>Answers a close frame that was not answered yet (RFC 6455, section 5.5.1), as far as the network takes it at once, and ends the connection.</summary>
    public override async ValueTask DisposeAsync()
    {
        if (socket.State == WebSocketState.CloseReceived)
            CompleteWriting();
        await base.DisposeAsync().ConfigureAwait(false);
        await farewell.ConfigureAwait(false);
        socket.Dispose();
    }

    private void Take(ValueWebSocketReceiveResult received)
    {
        isEnded |= received.MessageType == WebSocketMessageType.Close;
        if (received.MessageType != WebSocketMessageType.Text)
            return;
        isViolated = true;
        throw new MqttProtocolException(ReasonCode.ProtocolError, "A text frame came, not a binary one."); // [MQTT-6.0.0-1]
    }

    // Never throws: whoever reads finds out as well.
    private async Task CloseAsync()
    {
        try
        {
            var status = isViolated ? WebSocketCloseStatus.InvalidMessageType : WebSocketCloseStatus.NormalClosure;
            await socket.CloseOutputAsync(status, null, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception failure) when (IsOfTheNetwork(failure, CancellationToken.None))
        {
            // Gone already.
        }
    }

    // A WebSocket that breaks in one direction cancels what is under way in the other.
    private bool IsOfTheNetwork(Exception failure, CancellationToken cancellationToken) => failure switch
    {
        MqttProtocolException or MqttConnectionException => false,
        OperationCanceledException => !cancellationToken.IsCancellationRequested,
        IOException or Win32Exception or InvalidOperationException => true,
        _ => isAborted,
    };

    private MqttConnectionException Broken(Exception failure) =>
        new(isAborted ? "The connection was aborted." : $"The connection broke: {failure.GetBaseException().Message}", failure);
}
