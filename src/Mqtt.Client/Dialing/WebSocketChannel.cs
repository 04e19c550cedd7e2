using System.ComponentModel;
using System.Net;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using Mqtt.Protocol.Channels;

namespace Mqtt.Client;

/// <summary>
/// A channel over a WebSocket: each write is one binary frame, reads take what frames hold and know nothing of their borders [MQTT-6.0.0-1]
/// [MQTT-6.0.0-2]. Closing our half sends the close frame; a close frame of the other side is the end of the stream.
/// </summary>
internal sealed class WebSocketChannel(WebSocket socket, EndPoint? localEndPoint = null, EndPoint? remoteEndPoint = null) : MqttChannel
{
    // A wait that was given up goes on: cancelling it would cost the connection. Reader only.
    private Task<ValueWebSocketReceiveResult>? waiting;
    private bool isEnded;

    private Task farewell = Task.CompletedTask;
    private volatile bool isAborted;

    public override EndPoint? LocalEndPoint => localEndPoint;

    public override EndPoint? RemoteEndPoint => remoteEndPoint;

    // A receive of no bytes ends when a frame has begun.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WaitReadableAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (isEnded)
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

    // Once a frame has begun its bytes are on the way, and only an abort ends the wait for them.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (waiting is not null || cancellationToken.CanBeCanceled)
            await WaitReadableAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            while (!isEnded)
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

    public override void CompleteWriting() => farewell = CloseAsync();

    public override void Abort()
    {
        isAborted = true;
        socket.Abort();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync().ConfigureAwait(false);
        await farewell.ConfigureAwait(false);
        socket.Dispose();
    }

    private void Take(ValueWebSocketReceiveResult received)
    {
        if (received.MessageType == WebSocketMessageType.Binary)
            return;
        isEnded = true;
        if (received.MessageType == WebSocketMessageType.Text)
            throw new MqttProtocolException(ReasonCode.ProtocolError, "The server sent a text frame."); // [MQTT-6.0.0-1]
    }

    // Never throws: whoever reads finds out as well.
    private async Task CloseAsync()
    {
        try
        {
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception failure) when (IsOfTheNetwork(failure, CancellationToken.None))
        {
            // Gone already.
        }
    }

    private bool IsOfTheNetwork(Exception failure, CancellationToken cancellationToken) => failure switch
    {
        MqttProtocolException or MqttConnectionException => false,
        OperationCanceledException => isAborted && !cancellationToken.IsCancellationRequested,
        IOException or Win32Exception or InvalidOperationException => true,
        _ => isAborted,
    };

    private MqttConnectionException Broken(Exception failure) =>
        new(isAborted ? "The connection was aborted." : $"The connection broke: {failure.GetBaseException().Message}", failure);
}
