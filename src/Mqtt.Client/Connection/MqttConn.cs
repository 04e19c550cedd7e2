using Mqtt.Protocol.Channels;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Client;

/// <summary>
/// One network connection: CONNECT and what follows, one read loop with one catch, the outbox, the keep-alive. It ends once, with one cause, and is
/// not used again. What outlives it is the session's, to which it hands all packets that are not its own.
/// </summary>
internal sealed class MqttConn : IAsyncDisposable
{
    // So many bytes of acknowledgements and requests wait at most, beyond the publishes: a server that sends and never reads is cut off.
    private const int ControlBytes = 1024 * 1024;

    // A larger packet hardly gets smaller by an alias, and would be copied once more for it.
    private const int MostAliasedBytes = 4096;

    private static readonly PingReqPacket PingReq = new();

    [ThreadStatic]
    private static byte[]? scratch;

    private readonly MqttChannel channel;
    private readonly ClientSession session;
    private readonly MqttClientOptions options;
    private readonly MqttPacketReader reader;
    private readonly KeepAlive keepAlive;
    private readonly ReadPause pause = new();
    private readonly Authentication? authentication;
    private readonly TaskCompletionSource<MqttConnectResult?> connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource ended = new();

    // Made with CONNACK, if both sides want any. Under the outbox's gate.
    private OutgoingTopicAliases? aliases;

    // The first cause counts.
    private MqttDisconnectCause? cause;
    private volatile bool isClosing;
    private ITimer? closeLimit;

    // What PINGRESP answers, beside the keep-alive's own.
    private TaskCompletionSource<MqttPacket?>? ping;

    // Read loop only: an AUTH that is to be answered before the next packet is looked at.
    private AuthPacket? challenge;

    public MqttConn(MqttChannel channel, ClientSession session)
    {
        this.channel = channel;
        this.session = session;
        options = session.Options;
        reader = new MqttPacketReader(options.ProtocolVersion, MqttSender.Server) { AllowDisallowedCodePoints = options.AllowDisallowedCodePoints };
        if (options.Limits.MaximumPacketSizeBytes is { } maximum)
            reader.MaximumPacketSizeBytes = maximum;
        if (options.Authentication is not null)
            authentication = new Authentication(options.Authentication);
        keepAlive = new KeepAlive(options.TimeProvider, options.Timeouts.PingResponse, SendPing, OnDead);
        Outbox = new Outbox(channel, options.Limits.OutboxBytes + ControlBytes)
        {
            Drained = () => session.OnDrained(this),
            Failed = broken => End(new(MqttDisconnectOrigin.Network, ReasonCode.UnspecifiedError, broken)),
        };
    }

    public Outbox Outbox { get; }

    public MqttProtocolVersion Version => options.ProtocolVersion;

    /// <summary>What the server said; set before the session hears of the connection.</summary>
    public MqttConnectResult? Accepted { get; private set; }

    /// <summary>When it said so, as a timestamp of the client's clock.</summary>
    public long AcceptedAt { get; private set; }

    /// <summary>Completes with the server's answer, or with nothing if the connection ended before.</summary>
    public Task<MqttConnectResult?> Connected => connected.Task;

    /// <summary>How many bytes the network has taken.</summary>
    public long WrittenBytes => channel.WrittenBytes;

    /// <summary>The present time of the client's clock, as a timestamp.</summary>
    public long Now => options.TimeProvider.GetTimestamp();

    /// <summary>Connects, and reads until the connection ends. Never throws; returns why it ended.</summary>
    public async Task<MqttDisconnectCause> RunAsync(ConnectPacket connect)
    {
        try
        {
            if (authentication is not null)
                connect.AuthenticationData = authentication.Begin();
            SendNow(connect);
            await ReadAllAsync().ConfigureAwait(false);
            TrySetCause(new(MqttDisconnectOrigin.Network, ReasonCode.UnspecifiedError, new MqttConnectionException("The server closed the connection.")));
        }
        catch (Exception error)
        {
            TrySetCause(CauseOf(error));
        }

        keepAlive.Dispose();
        await ended.CancelAsync().ConfigureAwait(false);
        session.Detach(this, cause!);
        FailCalls();
        connected.TrySetResult(null);
        await SayWhyAsync().ConfigureAwait(false);
        return cause!;
    }

    /// <summary>Closes the channel. Call it once the loop has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        keepAlive.Dispose();
        closeLimit?.Dispose();
        Outbox.Close();
        await channel.DisposeAsync().ConfigureAwait(false);
        ended.Dispose();
    }

    /// <summary>Ends the connection at once. The first cause counts.</summary>
    public void End(MqttDisconnectCause because)
    {
        TrySetCause(because);
        Outbox.Close();
        channel.Abort();
        pause.EndAll();
    }

    /// <summary>
    /// Sends DISCONNECT as the last packet [MQTT-3.14.4-1] and shuts the sending side down; the loop goes on until the server closes as well,
    /// or for a bounded time. Called by the session, which has let go of the connection.
    /// </summary>
    public void Disconnect(DisconnectPacket packet, Turn turn, Exception? error = null)
    {
        TrySetCause(new(MqttDisconnectOrigin.Client, packet.ReasonCode, error));
        isClosing = true;
        closeLimit = AbortAfter(options.Timeouts.Close);
        Send(ServerLimits.Fit(packet, Version, Accepted!), turn);
        Outbox.Complete();
        pause.EndAll();
    }

    /// <summary>Stops reading until <see cref="ReadOn"/>. Called by the session for the read loop.</summary>
    public ValueTask PauseReading()
    {
        keepAlive.Pause();
        return pause.Begin();
    }

    /// <summary>Ends a pause of reading, if there is one.</summary>
    public void ReadOn() => pause.End();

    /// <summary>True if a publish of that size may be appended. Under the outbox's gate.</summary>
    public bool HasRoom(int bytes = 0) => Outbox.HasRoom(bytes + ControlBytes);

    /// <summary>Appends a packet that is no PUBLISH.</summary>
    public void Send(MqttPacket packet, Turn turn)
    {
        CutOffIfFull();
        Outbox.Append(packet, Version, turn);
        keepAlive.OnSent();
    }

    /// <summary>Sends PINGREQ; completes with the next PINGRESP. Under the outbox's gate.</summary>
    public Task<MqttPacket?> PingAsync(Turn turn)
    {
        var waiting = new TaskCompletionSource<MqttPacket?>(TaskCreationOptions.RunContinuationsAsynchronously);
        waiting = Interlocked.CompareExchange(ref ping, waiting, null) ?? waiting;
        Send(PingReq, turn);
        return waiting.Task;
    }

    /// <summary>Authenticates anew. If it fails, the session ends the connection.</summary>
    /// <exception cref="InvalidOperationException">One is under way.</exception>
    public async Task ReauthenticateAsync(CancellationToken cancellationToken)
    {
        authentication!.StartRepeating();
        using var limit = new CancellationTokenSource(options.Timeouts.Acknowledgement, options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await authentication.RepeatAsync(SendNow, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            var late = new MqttConnectionException($"The server did not answer the re-authentication within {options.Timeouts.Acknowledgement}.");
            session.DisconnectAfter(late, this);
            throw late;
        }
        catch (Exception error)
        {
            session.DisconnectAfter(error, this);
            throw;
        }
    }

    /// <summary>Appends a PUBLISH of QoS 0; there must be room for it. Under the outbox's gate.</summary>
    /// <exception cref="ArgumentException">The message cannot be sent in this version.</exception>
    public void SendPublish(PublishPacket packet, int bytes, Turn turn)
    {
        if (Outbox.IsClosed)
            throw (cause ?? new(MqttDisconnectOrigin.Client, default)).ToException();
        if (aliases is not null && bytes <= MostAliasedBytes)
        {
            var frame = (scratch ??= new byte[MostAliasedBytes]).AsSpan(0, bytes);
            MqttPacketWriter.Write(frame, packet, Version);
            SendPublish(packet.Topic.Span, frame, turn);
            return;
        }

        MqttPacketWriter.Write(Outbox.Reserve(bytes), packet, Version);
        Outbox.Commit(bytes, turn);
        session.Statistics.OnMessageSent();
        keepAlive.OnSent();
    }

    /// <summary>Appends PUBACK, PUBREC, PUBREL or PUBCOMP. Under the outbox's gate.</summary>
    public void SendResponse(MqttPacketType type, ushort packetId, ReasonCode reasonCode, Turn turn)
    {
        // The reason code may be left out if it is success, and does not exist before 5.0.
        var flags = type == MqttPacketType.PubRel ? 0x02 : 0;
        var hasCode = reasonCode != ReasonCode.Success && Version == MqttProtocolVersion.V500;
        ReadOnlySpan<byte> frame = [(byte)(((int)type << 4) | flags), (byte)(hasCode ? 3 : 2), (byte)(packetId >> 8), (byte)packetId, (byte)reasonCode];
        CutOffIfFull();
        Outbox.Append(hasCode ? frame : frame[..4], turn);
        keepAlive.OnSent();
    }

    /// <summary>Appends an encoded PUBLISH, with an alias if its topic has one. Under the outbox's gate.</summary>
    public void SendPublish(ReadOnlySpan<byte> topic, ReadOnlySpan<byte> frame, Turn turn)
    {
        if (!TrySendAliased(topic, frame, turn))
            SendPublishAgain(frame, turn);
    }

    /// <summary>Appends an encoded PUBLISH as it is. Under the outbox's gate.</summary>
    public void SendPublishAgain(ReadOnlySpan<byte> frame, Turn turn)
    {
        Outbox.Append(frame, turn);
        session.Statistics.OnMessageSent();
        keepAlive.OnSent();
    }

    private bool TrySendAliased(ReadOnlySpan<byte> topic, ReadOnlySpan<byte> frame, Turn turn)
    {
        if (aliases is null || frame.Length > MostAliasedBytes || Outbox.IsClosed)
            return false;
        var alias = aliases.Find(topic, out var defines);
        if (alias == 0)
            return false;
        var bytes = AliasedPublish.Write(Outbox.Reserve(frame.Length + AliasedPublish.MostExtraBytes), frame, alias, withTopic: defines);
        if (bytes > Accepted!.MaximumPacketSizeBytes)
            return false; // By the alias alone [MQTT-3.2.2-15].

        // It is set once the packet that sets it is in the outbox, from which nothing is taken back [MQTT-3.3.2-9].
        if (defines)
            aliases.Confirm(topic, alias);
        Outbox.Commit(bytes, turn);
        session.Statistics.OnMessageSent();
        keepAlive.OnSent();
        return true;
    }

    /// <summary>What whoever connects is to see when the connection has ended before it was accepted.</summary>
    public Exception Failure() => cause!.Exception is MqttRefusedException or MqttProtocolException or ArgumentException ? cause.Exception : cause.ToException();

    private async Task ReadAllAsync()
    {
        using var buffer = new ReceiveBuffer();
        while (true)
        {
            if (buffer.IsEmpty)
                await channel.WaitReadableAsync().ConfigureAwait(false);
            var count = await channel.ReadAsync(buffer.GetRoom()).ConfigureAwait(false);
            if (count == 0)
                return;
            keepAlive.OnReceived();
            session.Statistics.OnReceived(count);
            buffer.Add(count);
            while (!Process(buffer))
                await GoOnAsync().ConfigureAwait(false);
            if (isClosing && cause!.Origin == MqttDisconnectOrigin.Server)
                return;
            buffer.Trim();
        }
    }

    /// <summary>Reads all packets that are complete, in one turn; false if something must be awaited before the rest.</summary>
    private bool Process(ReceiveBuffer buffer)
    {
        using var scope = Turn.Enter(out var turn);
        while (!isClosing && reader.TryRead(buffer.Unread, out var packet, out var consumed))
        {
            buffer.Consume(consumed);
            Dispatch(packet, turn);
            if (challenge is not null || session.IsBackedUp)
                return false;
        }

        if (isClosing)
            buffer.Consume(buffer.Unread.Length);
        return true;
    }

    private async ValueTask GoOnAsync()
    {
        if (challenge is not null)
            await AnswerChallengeAsync().ConfigureAwait(false);
        await session.WaitForStreamsAsync(this).ConfigureAwait(false);
        keepAlive.GoOn();
    }

    private void Dispatch(MqttPacket packet, Turn turn)
    {
        switch (packet)
        {
            case ConnAckPacket connAck when Accepted is null:
                OnConnAck(connAck, turn);
                break;
            case AuthPacket auth when authentication is not null:
                OnAuth(auth);
                break;
            case PingRespPacket when Accepted is not null:
                keepAlive.OnPingResponse();
                Interlocked.Exchange(ref ping, null)?.SetResult(packet);
                break;
            case DisconnectPacket disconnect when Accepted is not null:
                OnDisconnect(disconnect);
                break;
            case PublishPacket or PublishResponsePacket or SubAckPacket or UnsubAckPacket when Accepted is not null:
                session.OnPacket(this, packet, turn);
                break;
            default:
                throw new MqttProtocolException(ReasonCode.ProtocolError, $"{packet.Type} must not come here.");
        }
    }

    private void OnConnAck(ConnAckPacket packet, Turn turn)
    {
        if (packet.ReasonCode >= ReasonCode.UnspecifiedError)
            throw MqttRefusedException.For("The server refused the connection", packet.ReasonCode, packet.ReasonString, packet.ServerReference);
        if (packet.SessionPresent && options.CleanStart)
            throw new MqttProtocolException(ReasonCode.ProtocolError, "The server resumes a session although a new one was asked for.");
        if (authentication is null && packet.AuthenticationMethod is not null)
            throw new MqttProtocolException(ReasonCode.ProtocolError, "The server names an authentication method although none was asked for.");
        authentication?.Complete(packet.AuthenticationMethod, packet.AuthenticationData);

        Accepted = new MqttConnectResult(packet, session.ClientId, options.KeepAlive, options.SessionExpiry);
        if (Math.Min(Accepted.TopicAliasMaximum, options.Limits.OutgoingTopicAliasMaximum) is > 0 and var maximum)
            aliases = new OutgoingTopicAliases(maximum);
        AcceptedAt = Now;
        session.Attach(this, Accepted, turn);
        keepAlive.Start(Accepted.KeepAlive);
        connected.TrySetResult(Accepted);
    }

    private void OnDisconnect(DisconnectPacket packet)
    {
        TrySetCause(new(MqttDisconnectOrigin.Server, packet.ReasonCode)
        {
            ReasonString = packet.ReasonString?.ToString(),
            ServerReference = packet.ServerReference?.ToString(),
            UserProperties = packet.Properties.ToOwned().UserProperties,
        });
        isClosing = true;
    }

    private async ValueTask AnswerChallengeAsync()
    {
        var asked = challenge!;
        challenge = null;
        SendNow(await authentication!.AnswerAsync(asked, ended.Token).ConfigureAwait(false));
    }

    private void OnAuth(AuthPacket packet)
    {
        if (Accepted is null)
            challenge = packet;
        else
            authentication!.OnAuth(packet);
    }

    // Who still waits for something that is not the session's.
    private void FailCalls()
    {
        var error = cause!.ToException();
        if (Interlocked.Exchange(ref ping, null) is { } waiting)
        {
            waiting.SetException(error);
            _ = waiting.Task.Exception; // Seen, even where whoever asked has given up.
        }

        authentication?.OnEnd(cause.Origin == MqttDisconnectOrigin.Server
            ? MqttRefusedException.For("The server ended the connection", cause.ReasonCode, cause.ReasonString is null ? null : new MqttString?(cause.ReasonString))
            : error);
    }

    // A protocol error is answered, and so is nothing else; then, as after a DISCONNECT of ours, the server gets time to close its side.
    private async ValueTask SayWhyAsync()
    {
        if (cause!.Origin != MqttDisconnectOrigin.ProtocolError || Accepted is null || Version != MqttProtocolVersion.V500)
            return;
        SendNow(new DisconnectPacket { ReasonCode = cause.ReasonCode });
        Outbox.Complete();
        await DiscardAsync().ConfigureAwait(false);
    }

    private async ValueTask DiscardAsync()
    {
        using var limit = AbortAfter(options.Timeouts.Close);
        var buffer = BufferPool.Rent(4096);
        try
        {
            while (await channel.ReadAsync(buffer).ConfigureAwait(false) > 0)
            {
                // What still comes is of no interest.
            }
        }
        catch (MqttConnectionException)
        {
            // Gone, or out of time.
        }
        finally
        {
            BufferPool.Return(buffer);
        }
    }

    private ITimer AbortAfter(TimeSpan time) =>
        options.TimeProvider.CreateTimer(static state => ((MqttChannel)state!).Abort(), channel, time, Timeout.InfiniteTimeSpan);

    private void CutOffIfFull()
    {
        if (!Outbox.HasRoom(0))
            End(new(MqttDisconnectOrigin.Network, ReasonCode.UnspecifiedError, new MqttConnectionException("The server sends, but does not read.")));
    }

    private void SendNow(MqttPacket packet)
    {
        using (Turn.Enter(out var turn))
            Send(packet, turn);
    }

    private void SendPing() => SendNow(PingReq);

    private void OnDead() =>
        End(new(MqttDisconnectOrigin.Network, ReasonCode.KeepAliveTimeout, new MqttConnectionException("No PINGRESP came in time.")));

    private void TrySetCause(MqttDisconnectCause because) => Interlocked.CompareExchange(ref cause, because, null);

    private static MqttDisconnectCause CauseOf(Exception error) => error switch
    {
        MqttProtocolException broken => new(MqttDisconnectOrigin.ProtocolError, broken.ReasonCode, broken),
        MqttRefusedException refused => new(MqttDisconnectOrigin.Server, refused.ReasonCode, refused)
        {
            ReasonString = refused.ReasonString,
            ServerReference = refused.ServerReference,
        },
        _ => new(MqttDisconnectOrigin.Network, ReasonCode.UnspecifiedError, error),
    };
}
