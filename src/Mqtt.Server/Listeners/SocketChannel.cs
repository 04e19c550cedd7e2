using System.Net;
using System.Net.Sockets;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;

namespace Mqtt.Server.Listeners;

/// <summary>
/// A channel over a connected stream socket. Reads and writes are tried at once without waiting; only what would block goes
/// through the runtime's event queue. The socket is never in blocking mode.
/// </summary>
internal sealed class SocketChannel : MqttChannel
{
    // What waits is sent in small pieces, so that a slow peer is seen to take some.
    private const int WaitingPieceBytes = 16 * 1024;

    private readonly Socket socket;
    private long written;

    public SocketChannel(Socket socket)
    {
        this.socket = socket;
        socket.Blocking = false;
        LocalEndPoint = socket.LocalEndPoint;
        RemoteEndPoint = socket.RemoteEndPoint;
    }

    public override EndPoint? LocalEndPoint { get; }

    public override EndPoint? RemoteEndPoint { get; }

    public override long WrittenBytes => Volatile.Read(ref written);

    // Known once everything was read, since a socket does not tell before.
    public override bool IsPeerGone
    {
        get
        {
            try
            {
                return socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0;
            }
            catch (Exception broken) when (broken is SocketException or ObjectDisposedException)
            {
                return true;
            }
        }
    }

    public override int UnreadBytes
    {
        get
        {
            try
            {
                return socket.Available;
            }
            catch (Exception broken) when (broken is SocketException or ObjectDisposedException)
            {
                return 0;
            }
        }
    }

    public override ValueTask WaitReadableAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            var waiting = socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, cancellationToken);
            if (waiting.IsCompletedSuccessfully)
            {
                _ = waiting.Result;
                return default;
            }

            return WaitAsync(waiting);
        }
        catch (Exception broken) when (broken is SocketException or ObjectDisposedException)
        {
            throw Broken(broken);
        }
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            var count = socket.Receive(buffer.Span, SocketFlags.None, out var error);
            return error switch
            {
                SocketError.Success => new(count),
                SocketError.WouldBlock => ReadWhenThereAsync(buffer, cancellationToken),
                _ => throw new SocketException((int)error),
            };
        }
        catch (Exception broken) when (broken is SocketException or ObjectDisposedException)
        {
            throw Broken(broken);
        }
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            while (!bytes.IsEmpty)
            {
                var count = socket.Send(bytes.Span, SocketFlags.None, out var error);
                if (error == SocketError.WouldBlock)
                    return WriteWhenThereIsRoomAsync(bytes);
                if (error != SocketError.Success)
                    throw new SocketException((int)error);
                Volatile.Write(ref written, written + count);
                bytes = bytes[count..];
            }

            return default;
        }
        catch (Exception broken) when (broken is SocketException or ObjectDisposedException)
        {
            throw Broken(broken);
        }
    }

    public override void CompleteWriting()
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception broken) when (broken is SocketException or ObjectDisposedException)
        {
            throw Broken(broken);
        }
    }

    public override void Abort() => socket.Dispose();

    private static async ValueTask WaitAsync(ValueTask<int> waiting)
    {
        try
        {
            await waiting.ConfigureAwait(false);
        }
        catch (Exception broken) when (broken is SocketException or ObjectDisposedException)
        {
            throw Broken(broken);
        }
    }

    private async ValueTask<int> ReadWhenThereAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception broken) when (broken is SocketException or ObjectDisposedException)
        {
            throw Broken(broken);
        }
    }

    private async ValueTask WriteWhenThereIsRoomAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            while (!bytes.IsEmpty)
            {
                var piece = bytes[..Math.Min(bytes.Length, WaitingPieceBytes)];
                var count = await socket.SendAsync(piece, SocketFlags.None).ConfigureAwait(false);
                Volatile.Write(ref written, written + count);
                bytes = bytes[count..];
            }
        }
        catch (Exception broken) when (broken is SocketException or ObjectDisposedException)
        {
            throw Broken(broken);
        }
    }

    private static MqttConnectionException Broken(Exception cause) => new("The connection broke: " + cause.Message, cause);
}
