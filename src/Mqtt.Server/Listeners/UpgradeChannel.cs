using System.Net;
using System.Net.WebSockets;
using Microsoft.Extensions.Logging;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server.Connections;

namespace Mqtt.Server.Listeners;

/// <summary>
/// A WebSocket over another channel, the server's side. The request is read and answered when the connection first waits for bytes, and so within the
/// time that it has for its CONNECT; from there on it is a <see cref="WebSocketChannel"/>.
/// </summary>
internal sealed class UpgradeChannel(MqttChannel inner, WebSocketUpgrade upgrade, ILogger logger) : MqttChannel
{
    private volatile WebSocketChannel? webSocket;
    private volatile bool isAborted;

    public override EndPoint? LocalEndPoint => inner.LocalEndPoint;

    public override EndPoint? RemoteEndPoint => inner.RemoteEndPoint;

    public override long WrittenBytes => inner.WrittenBytes;

    // That the network below has ended says nothing yet: the WebSocket reads ahead, and what it holds may be the DISCONNECT.
    public override bool IsPeerGone => isAborted || webSocket is { IsPeerGone: true };

    public override int UnreadBytes => inner.UnreadBytes;

    public override ValueTask WaitReadableAsync(CancellationToken cancellationToken = default) =>
        webSocket is { } open ? open.WaitReadableAsync(cancellationToken) : UpgradeAsync(cancellationToken);

    // What was read from the network before an abort must not be read after it. A WebSocket that is not read any more still has a client to whom the
    // reason is on its way: unread input would make TCP reset the connection.
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        isAborted ? throw new MqttConnectionException("The connection was aborted.")
        : Open.IsViolated ? DiscardAsync(buffer, cancellationToken)
        : Open.ReadAsync(buffer, cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes) => Open.WriteAsync(bytes);

    public override ValueTask WriteAsync(IReadOnlyList<ReadOnlyMemory<byte>> pieces) => Open.WriteAsync(pieces);

    public override ValueTask YieldAsync() => inner.YieldAsync();

    public override bool TryHandOver(Outbox outbox) => inner.TryHandOver(outbox);

    // Once it is a WebSocket, its close frame says so; the connection below ends with both of them.
    public override void CompleteWriting() => ((MqttChannel?)webSocket ?? inner).CompleteWriting();

    public override void Abort()
    {
        isAborted = true;
        webSocket?.Abort();
        inner.Abort();
    }

    public override async ValueTask DisposeAsync()
    {
        if (webSocket is { } open)
            await open.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
        await inner.DisposeAsync().ConfigureAwait(false);
    }

    private WebSocketChannel Open => webSocket ?? throw new MqttConnectionException("There is no WebSocket yet.");

    private async ValueTask UpgradeAsync(CancellationToken cancellationToken)
    {
        await inner.WaitReadableAsync(cancellationToken).ConfigureAwait(false);
        var buffer = BufferPool.Rent(upgrade.MaximumRequestBytes);
        try
        {
            var (answer, leftover) = await ReadRequestAsync(buffer.AsMemory(0, upgrade.MaximumRequestBytes), cancellationToken).ConfigureAwait(false);
            await inner.WriteAsync(answer.ToBytes()).ConfigureAwait(false);
            if (!answer.IsAccepted)
                throw await RefusedAsync(answer, buffer, cancellationToken).ConfigureAwait(false);
            Begin(answer.Subprotocol, leftover);
        }
        finally
        {
            BufferPool.Return(buffer);
        }

        await Open.WaitReadableAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads to the empty line. A client may send its first frames behind it without waiting for the answer.</summary>
    private async ValueTask<(UpgradeAnswer Answer, byte[] Leftover)> ReadRequestAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var count = 0;
        while (count < buffer.Length)
        {
            var more = await inner.ReadAsync(buffer[count..], cancellationToken).ConfigureAwait(false);
            if (more == 0)
                throw new MqttConnectionException("The connection ended within the request for a WebSocket.");
            var start = Math.Max(0, count - 3);
            count += more;

            // A client that speaks something else waits for an answer that would never come.
            if (!char.IsAsciiLetter((char)buffer.Span[0]))
                return (WebSocketUpgrade.NoRequest, []);
            var end = buffer.Span[start..count].IndexOf("\r\n\r\n"u8);
            if (end >= 0)
                return (upgrade.Judge(buffer.Span[..(start + end)]), buffer[(start + end + 4)..count].ToArray());
        }

        return (WebSocketUpgrade.TooLarge, []);
    }

    private void Begin(string? subprotocol, byte[] leftover)
    {
        if (subprotocol is null)
            logger.NoSubprotocol(RemoteEndPoint);
        var stream = new ChannelStream(leftover.Length == 0 ? inner : new LeftoverChannel(inner, leftover));
        webSocket = new WebSocketChannel(WebSocket.CreateFromStream(stream, new WebSocketCreationOptions
        {
            IsServer = true,
            SubProtocol = subprotocol,
            KeepAliveInterval = Timeout.InfiniteTimeSpan, // MQTT has its own
        }));
    }

    // The time for CONNECT ends this as well.
    private async ValueTask<MqttConnectionException> RefusedAsync(UpgradeAnswer answer, byte[] discarded, CancellationToken cancellationToken)
    {
        logger.WebSocketRefused(RemoteEndPoint, answer.Status, answer.Reason);
        inner.CompleteWriting();
        await DiscardAsync(discarded, cancellationToken).ConfigureAwait(false);
        return new MqttConnectionException($"The WebSocket was refused with status {answer.Status}: {answer.Reason}");
    }

    private async ValueTask<int> DiscardAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        int count;
        do
        {
            count = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        while (count > 0);
        return count;
    }
}
