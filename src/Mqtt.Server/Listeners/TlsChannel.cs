using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using Microsoft.Extensions.Logging;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server.Connections;

namespace Mqtt.Server.Listeners;

/// <summary>
/// TLS over another channel, the server's side. The handshake happens when the connection first waits for bytes, and so within the time that
/// it has for its CONNECT. Its arithmetic takes a millisecond and more: it is done on the thread pool, not on the loop that others live on.
/// </summary>
internal sealed class TlsChannel : MqttChannel
{
    private readonly MqttChannel inner;
    private readonly HandshakeChannel below;
    private readonly SslServerAuthenticationOptions options;
    private readonly ILogger logger;
    private readonly SslStream tls;
    private readonly StreamChannel stream;
    private bool isReady;
    private volatile bool isAborted;

    public TlsChannel(MqttChannel inner, SslServerAuthenticationOptions options, ILogger logger)
    {
        this.inner = inner;
        this.options = options;
        this.logger = logger;
        below = new HandshakeChannel(inner);
        tls = new SslStream(new ChannelStream(below));
        stream = new StreamChannel(tls, CompleteTls);
    }

    public override EndPoint? LocalEndPoint => inner.LocalEndPoint;

    public override EndPoint? RemoteEndPoint => inner.RemoteEndPoint;

    public override long WrittenBytes => inner.WrittenBytes;

    public override ValueTask WaitReadableAsync(CancellationToken cancellationToken = default) =>
        isReady ? stream.WaitReadableAsync(cancellationToken) : ShakeHandsAsync(cancellationToken);

    // What was decrypted before an abort must not be read after it.
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        isAborted ? throw new MqttConnectionException("The connection was aborted.") : stream.ReadAsync(buffer, cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes) => stream.WriteAsync(bytes);

    public override bool IsPeerGone => inner.IsPeerGone;

    public override int UnreadBytes => inner.UnreadBytes;

    public override ValueTask YieldAsync() => inner.YieldAsync();

    public override bool TryHandOver(Outbox outbox) => inner.TryHandOver(outbox);

    public override void CompleteWriting() => stream.CompleteWriting();

    public override void Abort()
    {
        isAborted = true;
        inner.Abort();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync().ConfigureAwait(false);
        await tls.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask ShakeHandsAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            await tls.AuthenticateAsServerAsync(options, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception refused) when (refused is AuthenticationException or IOException or ObjectDisposedException)
        {
            // The innermost failure names the cause. Who only knocks and goes, as the watcher of a port does, is not worth a line.
            var reason = refused.GetBaseException().Message;
            if (refused is AuthenticationException)
                logger.HandshakeFailed(RemoteEndPoint, reason);
            throw new MqttConnectionException("The TLS handshake failed: " + reason, refused);
        }

        isReady = true;
        below.EndHandshake();
        await inner.YieldAsync().ConfigureAwait(false);
        await stream.WaitReadableAsync(cancellationToken).ConfigureAwait(false);
    }

    // Says goodbye in TLS, then below it. A peer that takes nothing any more gets neither.
    private void CompleteTls()
    {
        var goodbye = isReady ? tls.ShutdownAsync() : Task.CompletedTask;
        if (goodbye.IsCompletedSuccessfully)
        {
            inner.CompleteWriting();
            return;
        }

        // The abort is what makes it fail.
        Abort();
        _ = goodbye.ContinueWith(static failed => failed.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }
}
