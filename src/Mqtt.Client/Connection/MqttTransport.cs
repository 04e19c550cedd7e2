using Mqtt.Protocol.Channels;

namespace Mqtt.Client;

/// <summary>
/// Makes connections for a session, one after another: dials, sends CONNECT, and awaits the end of each connection, which it owns. Trying
/// again by itself belongs here, and comes with resilience; until then each connection is asked for.
/// </summary>
internal sealed class MqttTransport(ClientSession session, Action<MqttDisconnectCause> onEnd) : IAsyncDisposable
{
    // A client that is disposed by a handler of its own Disconnected must not wait for that handler.
    private static readonly AsyncLocal<bool> IsTelling = new();

    private readonly MqttClientOptions options = session.Options;

    // One connect or disconnect at a time. Never disposed, so that whoever waits at it learns that the client is gone.
    private readonly SemaphoreSlim turnstile = new(1, 1);
    private readonly CancellationTokenSource disposing = new();

    // The latest connection: ended tells that it is gone, running that its end was told to the client as well. Under the turnstile.
    private Task ended = Task.CompletedTask;
    private Task running = Task.CompletedTask;

    /// <summary>Dials and connects; the session has the connection then.</summary>
    /// <exception cref="InvalidOperationException">There is a connection already.</exception>
    /// <exception cref="MqttRefusedException">The server refused.</exception>
    /// <exception cref="MqttConnectionException">The server cannot be reached, or does not answer in time.</exception>
    /// <exception cref="MqttProtocolException">The server broke the protocol.</exception>
    public async ValueTask<MqttConnectResult> ConnectAsync(CancellationToken cancellationToken)
    {
        await turnstile.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(disposing.IsCancellationRequested, typeof(MqttClient));
            if (session.Accepted is not null)
                throw new InvalidOperationException("The client is connected already.");
            await ended.WaitAsync(cancellationToken).ConfigureAwait(false);
            return await ConnectInTimeAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            turnstile.Release();
        }
    }

    /// <summary>Sends DISCONNECT and waits until the connection is closed.</summary>
    public async ValueTask DisconnectAsync(DisconnectPacket packet, CancellationToken cancellationToken)
    {
        await turnstile.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            session.Disconnect(packet);
            await ended.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            turnstile.Release();
        }
    }

    /// <summary>Disconnects for good.</summary>
    public async ValueTask DisposeAsync()
    {
        await disposing.CancelAsync().ConfigureAwait(false);
        await DisconnectAsync(LastPacket(), CancellationToken.None).ConfigureAwait(false);
        if (!IsTelling.Value)
            await running.ConfigureAwait(false);
        disposing.Dispose();
    }

    // A session under a generated identifier ends now: nobody else can ever resume it.
    private DisconnectPacket LastPacket()
    {
        var packet = new DisconnectPacket();
        if (options is { ClientId: null, ProtocolVersion: MqttProtocolVersion.V500 } && options.SessionExpiry != TimeSpan.Zero)
            packet.SessionExpiryInterval = 0;
        return packet;
    }

    private async ValueTask<MqttConnectResult> ConnectInTimeAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(options.Timeouts.Connect, options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken, disposing.Token);
        try
        {
            var channel = await Dialer.DialAsync(options.Server, options, either.Token).ConfigureAwait(false);
            return await ConnectAsync(channel, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            ObjectDisposedException.ThrowIf(disposing.IsCancellationRequested, typeof(MqttClient));
            throw new MqttConnectionException($"The server did not answer within {options.Timeouts.Connect}.");
        }
    }

    private async ValueTask<MqttConnectResult> ConnectAsync(MqttChannel channel, CancellationToken cancellationToken)
    {
        var conn = new MqttConn(channel, session);
        var run = RunAsync(conn);
        ended = run;
        running = TellEndAsync(conn, run);
        try
        {
            await conn.Connected.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException cancelled) when (!conn.Connected.IsCompleted)
        {
            conn.End(new(MqttDisconnectOrigin.Client, ReasonCode.UnspecifiedError, cancelled));
            await run.ConfigureAwait(false);
            throw;
        }
        catch (OperationCanceledException)
        {
            // Too late: the server has answered, and may have heard of subscriptions already.
        }

        return await conn.Connected.ConfigureAwait(false) ?? throw conn.Failure();
    }

    private async Task<MqttDisconnectCause> RunAsync(MqttConn conn)
    {
        await using (conn.ConfigureAwait(false))
            return await conn.RunAsync(ConnectRequest.Build(options, session.ClientId)).ConfigureAwait(false);
    }

    private async Task TellEndAsync(MqttConn conn, Task<MqttDisconnectCause> run)
    {
        var cause = await run.ConfigureAwait(false);
        if (conn.Accepted is null)
            return;
        session.LogEnd(cause);
        IsTelling.Value = true;
        onEnd(cause);
    }
}
