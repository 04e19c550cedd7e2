using System.Runtime.ExceptionServices;
using Mqtt.Protocol.Channels;

namespace Mqtt.Client;

/// <summary>
/// Makes connections, one after another: an attempt goes round the servers, dials each and sends CONNECT, until one accepts. It owns the latest connection,
/// and awaits its end before it makes the next. Only the loop of its <see cref="ConnectionRun"/> uses it.
/// </summary>
internal sealed class Connector(ClientSession session, ServerList servers)
{
    private readonly MqttClientOptions options = session.Options;
    private MqttConn? latest;
    private Uri latestServer = session.Options.Server;

    /// <summary>What the server of the latest connection said; null if it did not accept.</summary>
    public MqttConnectResult? Accepted => latest?.Accepted;

    /// <summary>When it said so.</summary>
    public long AcceptedAt => latest?.AcceptedAt ?? 0;

    /// <summary>Completes, never with an error, when the latest connection is closed, with the cause.</summary>
    public Task<MqttDisconnectCause> Ended { get; private set; } = Task.FromResult(new MqttDisconnectCause(MqttDisconnectOrigin.Client, ReasonCode.Success));

    /// <summary>Tries every server once, until one accepts; the session has the connection then.</summary>
    /// <exception cref="MqttRefusedException">A server refused.</exception>
    /// <exception cref="MqttConnectionException">No server can be reached, or the last one does not answer in time.</exception>
    /// <exception cref="MqttProtocolException">The last server broke the protocol.</exception>
    public async ValueTask ConnectAsync(CancellationToken cancellationToken)
    {
        await Ended.WaitAsync(cancellationToken).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        servers.BeginRound();
        Exception? failure = null;
        while (servers.TryNext(out var server))
        {
            try
            {
                await ConnectInTimeAsync(server, cancellationToken).ConfigureAwait(false);
                servers.OnConnected(server);
                return;
            }
            catch (Exception error) when (!cancellationToken.IsCancellationRequested)
            {
                servers.OnFailed(server);
                var isSentOn = error is MqttRefusedException refused && IsSentOn(refused.ReasonCode, refused.ServerReference, server);
                if (!isSentOn && !options.Reconnect.Allows(error))
                    throw;
                failure = isSentOn ? failure ?? error : error;
            }
        }

        ExceptionDispatchInfo.Throw(failure!);
    }

    /// <summary>True if a server that ended the connection has sent us to another one, which the next attempt tries.</summary>
    public bool IsSentOn(MqttDisconnectCause cause) =>
        cause.Origin == MqttDisconnectOrigin.Server && IsSentOn(cause.ReasonCode, cause.ServerReference, latestServer);

    private bool IsSentOn(ReasonCode reasonCode, string? reference, Uri from) =>
        servers.TryFollow(reasonCode, reference, from) || (servers.HasSeveral && reasonCode is ReasonCode.UseAnotherServer or ReasonCode.ServerMoved);

    private async ValueTask ConnectInTimeAsync(Uri server, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(options.Timeouts.Connect, options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var credentials = await CredentialsAsync(either.Token).ConfigureAwait(false);
            var channel = await Dialer.DialAsync(server, options, either.Token).ConfigureAwait(false);
            await ConnectAsync(channel, server, credentials, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException cancelled) when (!cancellationToken.IsCancellationRequested)
        {
            throw new MqttConnectionException(limit.IsCancellationRequested ? $"The server did not answer within {options.Timeouts.Connect}." : cancelled.Message, cancelled);
        }
    }

    private async ValueTask<MqttCredentials?> CredentialsAsync(CancellationToken cancellationToken)
    {
        if (options.CredentialsCallback is not { } ask)
            return options.Credentials;
        try
        {
            var credentials = await ask(cancellationToken).AsTask().WaitAsync(cancellationToken).ConfigureAwait(false);
            MqttClientOptions.RequireCredentials(credentials, options.ProtocolVersion, nameof(MqttClientOptions.CredentialsCallback));
            return credentials;
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            throw new MqttConnectionException($"There are no credentials to connect with: {error.Message}", error);
        }
    }

    private async ValueTask ConnectAsync(MqttChannel channel, Uri server, MqttCredentials? credentials, CancellationToken cancellationToken)
    {
        var conn = new MqttConn(channel, session);
        (latest, latestServer) = (conn, server);
        Ended = RunAsync(conn, ConnectRequest.Build(options, server, session.ClientId, credentials));
        try
        {
            await conn.Connected.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException cancelled) when (!conn.Connected.IsCompleted)
        {
            conn.End(new(MqttDisconnectOrigin.Client, ReasonCode.UnspecifiedError, cancelled));
            await Ended.ConfigureAwait(false);
            throw;
        }
        catch (OperationCanceledException)
        {
            // Too late: the server has answered, and may have heard of subscriptions already.
        }

        if (await conn.Connected.ConfigureAwait(false) is null)
            throw conn.Failure();
    }

    private static async Task<MqttDisconnectCause> RunAsync(MqttConn conn, ConnectPacket request)
    {
        await using (conn.ConfigureAwait(false))
            return await conn.RunAsync(request).ConfigureAwait(false);
    }
}
