using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server.Time;

namespace Mqtt.Server.Connections;

/// <summary>
/// What runs a connection: one loop that reads, cuts the bytes into packets and hands them to the handler, with one catch for
/// everything that can go wrong below it. It keeps the framing rules, the time limits and the order of closing.
/// <para>Its task is owned and awaited by the server. The loop's fields belong to the loop, but for what is marked otherwise.</para>
/// </summary>
internal sealed class ConnectionLoop : Deadline
{
    // How much one connection may append in a round before its neighbours have theirs, in packets or KiB: a fifth of a millisecond.
    private const int AppendsOfOneRound = 4096;

    // How many packets it may have handled in a round: small ones come 1,600 in one read, which takes as long.
    private const int PacketsOfOneRound = 800;

    // A connection that has appended to more outboxes than these has them flushed over several rounds.
    private const int FlushesOfOneRound = 64;

    // Of a peer that has sent more than this while its handler keeps it waiting, nobody can tell whether it would go on.
    private const int UnreadBytesThatFill = 16 * 1024;

    // How often a connection is looked at for a peer that takes nothing.
    private const long LongestCheckMilliseconds = 10_000;

    private readonly MqttServer server;
    private readonly MqttServerOptions options;
    private readonly MqttChannel channel;
    private readonly IMqttHandler handler;
    private readonly Heartbeat heartbeat;
    private readonly IInlineMqttHandler? inlineHandler;
    private readonly bool hearsOfEndEarly;
    private readonly MqttPacketReader reader;
    private readonly ReceiveBuffer received = new();
    private readonly Outbox outbox;

    // Answers are never refused, but a peer that asks on and on and takes none is cut off here.
    private readonly long mostPendingBytes;

    // The course of the connection.
    private bool connectReceived;
    private bool goodbyeReceived;
    private PeerTerms terms;
    private volatile bool parked;
    private int countedBytes;

    // Who handles packets: the loop alone, or by turns with whoever hands in further ones. The injection is set from any thread, once.
    private const byte Nobody = 0;
    private const byte LoopAlone = 1;
    private const byte LoopInTurn = 2;
    private const byte NobodyAnyMore = 3;
    private volatile byte handledBy;
    private volatile Injection? injection;

    // Set from any thread.
    private volatile MqttCloseCause? closeCause;
    private volatile bool accepted;
    private CancellationTokenSource? closedSource;
    private Task? handlerTold;
    private Task telling = Task.CompletedTask;
    private bool isOver;

    // For the heartbeat.
    private readonly long acceptedAt;
    private long lastReceivedAt;
    private int unreadBytes;
    private long lingerUntil = Never;
    private long blockedSince = Never;
    private long blockedAtBytes;

    public ConnectionLoop(MqttServer server, MqttServerOptions options, MqttChannel channel, IMqttHandler handler, Heartbeat heartbeat, long id)
    {
        this.server = server;
        this.options = options;
        this.channel = channel;
        this.handler = handler;
        this.heartbeat = heartbeat;
        inlineHandler = handler as IInlineMqttHandler;
        hearsOfEndEarly = handler.HearsOfEndEarly;
        outbox = new Outbox(channel, options.Limits.OutboxBytes);
        mostPendingBytes = (long)options.Limits.OutboxBytes + options.Limits.MaximumPacketBytes;
        Connection = new MqttConnection(this, id, outbox, channel);
        acceptedAt = lastReceivedAt = heartbeat.Now;

        // Until CONNECT names a version, errors are answered as 3.x answers them: not at all.
        reader = new MqttPacketReader(MqttProtocolVersion.V311, MqttSender.Client)
        {
            MaximumPacketSizeBytes = Math.Min(options.Limits.MaximumConnectBytes, options.Limits.MaximumPacketBytes),
            AllowDisallowedCodePoints = options.Limits.AllowDisallowedCodePoints,
        };
    }

    public MqttConnection Connection { get; }

    public MqttProtocolVersion Version => reader.Version;

    public MqttConnectionState State { get; private set; }

    public bool RunsInline => inlineHandler is not null;

    /// <summary>True while the loop handles what it read without having entered the injection.</summary>
    public bool IsHandling => handledBy == LoopAlone;

    /// <summary>True once the handler gets nothing more.</summary>
    public bool HasEnded => handledBy == NobodyAnyMore;

    /// <summary>Where packets come in that the peer has not sent; made at the first use.</summary>
    public Injection Injection => injection ?? Interlocked.CompareExchange(ref injection, new Injection(this), null) ?? injection!;

    public bool AllowsDisallowedCodePoints => reader.AllowDisallowedCodePoints;

    public bool IsAccepted => accepted && closeCause is null;

    public TimeSpan KeepAlive
    {
        get;
        set
        {
            field = value;
            heartbeat.Set(this, NextCheck(heartbeat.Now));
        }
    }

    public CancellationToken Closed
    {
        get
        {
            var source = closedSource ?? Interlocked.CompareExchange(ref closedSource, new CancellationTokenSource(), null) ?? closedSource!;
            if (isOver)
                source.Cancel();
            return source.Token;
        }
    }

    /// <summary>Completes when the connection is over; it never fails.</summary>
    public Task Completion { get; private set; } = Task.CompletedTask;

    /// <summary>Runs the connection to its end.</summary>
    public void Start() => Completion = RunAsync();

    private async Task RunAsync()
    {
        SetState(MqttConnectionState.New);
        heartbeat.Set(this, NextCheck(heartbeat.Now));
        MqttCloseCause cause;
        try
        {
            await ReadToEndAsync().ConfigureAwait(false);
            cause = closeCause ?? new MqttCloseCause(MqttCloseKind.Network, ReasonCode.UnspecifiedError);
        }
        catch (MqttConnectionException broken)
        {
            cause = closeCause ?? new MqttCloseCause(MqttCloseKind.Network, ReasonCode.UnspecifiedError, broken);
        }
        catch (MqttProtocolException violation)
        {
            // A DISCONNECT that breaks the protocol is none, and is answered (section 3.14.2.2.2).
            goodbyeReceived = false;
            cause = new MqttCloseCause(MqttCloseKind.ProtocolError, violation.ReasonCode, violation);
        }
        catch (Exception failure)
        {
            options.Logger.HandlerFailed(failure, Connection);
            cause = new MqttCloseCause(MqttCloseKind.HandlerFailed, ReasonCode.ImplementationSpecificError, failure);
        }

        try
        {
            await EndAsync(cause).ConfigureAwait(false);
        }
        catch (Exception failure)
        {
            options.Logger.EndFailed(failure, Connection);
            channel.Abort();
        }

        server.Forget(this);
    }

    /// <summary>The largest packet that is accepted; never more than the server allows.</summary>
    public int MaximumPacketBytes
    {
        get => reader.MaximumPacketSizeBytes;
        set => reader.MaximumPacketSizeBytes = Math.Min(value, options.Limits.MaximumPacketBytes);
    }

    public bool TryFit(MqttPacket packet) => terms.TryFit(packet, Version);

    public void Send(MqttPacket packet)
    {
        if (closeCause is not null)
            return;
        var fits = TryFit(packet);
        using (Turn.Enter(out var turn))
        {
            switch (packet)
            {
                case ConnAckPacket { ReasonCode: not ReasonCode.Success } refusal:
                    if (fits)
                        outbox.AppendLast(packet, Version, turn);
                    Finish(new MqttCloseCause(MqttCloseKind.Local, refusal.ReasonCode));
                    break;
                case DisconnectPacket last:
                    if (fits)
                        SayGoodbye(last, turn);
                    Finish(new MqttCloseCause(MqttCloseKind.Local, last.ReasonCode));
                    break;
                case not null when !fits:
                    break;
                default:
                    outbox.Append(packet!, Version, turn);
                    if (packet is ConnAckPacket)
                        Accept();
                    break;
            }
        }
    }

    /// <summary>The CONNACK that accepts is in the outbox: the connection counts as a client's from here on.</summary>
    public void Accept()
    {
        accepted = true;
        Uncount();
        heartbeat.Set(this, NextCheck(heartbeat.Now));
    }

    public void Close(MqttCloseCause cause, string? reasonString = null) => Close(cause, cause.ReasonCode, reasonString);

    private void Close(MqttCloseCause cause, ReasonCode reasonCode, string? reasonString)
    {
        if (closeCause is not null)
            return;
        using (Turn.Enter(out var turn))
        {
            if (DisconnectFor(reasonCode, reasonString) is { } disconnect)
                SayGoodbye(disconnect, turn);
            Finish(cause);
        }
    }

    private void SayGoodbye(DisconnectPacket packet, Turn turn)
    {
        outbox.LeavesChannelOpen = options.PassiveDisconnect;
        outbox.AppendLast(packet, Version, turn);
    }

    public void Abort(MqttCloseCause cause)
    {
        Interlocked.CompareExchange(ref closeCause, cause, null);
        outbox.Close();
        channel.Abort();
        if (parked)
            heartbeat.Set(this, heartbeat.Now);
    }

    protected internal override long OnDue(long now)
    {
        if (isOver)
            return Never;
        if (now >= lingerUntil)
        {
            channel.Abort();
            TellWhileParked();
            return Never;
        }

        if (!accepted && closeCause is null && now - acceptedAt >= (long)options.Limits.ConnectTimeout.TotalMilliseconds)
            Abort(new MqttCloseCause(MqttCloseKind.Timeout, ReasonCode.KeepAliveTimeout));
        else if (HasLostPeer())
            Abort(new MqttCloseCause(MqttCloseKind.Network, ReasonCode.UnspecifiedError));
        else if (IsSilent(now))
            Close(new MqttCloseCause(MqttCloseKind.Timeout, ReasonCode.KeepAliveTimeout));
        else if (IsStuck(now))
            Abort(new MqttCloseCause(MqttCloseKind.Stuck, ReasonCode.UnspecifiedError));
        TellWhileParked();
        return NextCheck(now);
    }

    private async Task ReadToEndAsync()
    {
        while (true)
        {
            await channel.WaitReadableAsync().ConfigureAwait(false);
            var count = await channel.ReadAsync(received.Prepare(small: !accepted)).ConfigureAwait(false);
            if (count == 0)
                return;
            received.Add(count);
            lastReceivedAt = heartbeat.Now;
            if (!connectReceived && !BeginsWithConnect())
                Abort(new MqttCloseCause(MqttCloseKind.ProtocolError, ReasonCode.ProtocolError));
            if (closeCause is not null)
                return;

            if (!RunsInline)
                await new PoolSwitch();
            if (TryEnter() is { } others && await others.EnterAsync().ConfigureAwait(false))
                await ComeBackAsync().ConfigureAwait(false);
            SetState(MqttConnectionState.Active);
            while (HandleSome(out var handling))
            {
                if (!handling.IsCompletedSuccessfully)
                    await ParkAsync(handling).ConfigureAwait(false);
                else if (RunsInline)
                    await channel.YieldAsync().ConfigureAwait(false);
            }

            if (closeCause is not null)
                return;
            SetState(MqttConnectionState.Idle);
            if (TryLeave() is { } waiting)
                await LeaveAsync(waiting).ConfigureAwait(false);
            received.Shrink();
            CountUnauthenticated();
            if (outbox.PendingBytes > mostPendingBytes)
                Abort(new MqttCloseCause(MqttCloseKind.Stuck, ReasonCode.QuotaExceeded));
        }
    }

    // Begins to handle; returns the injection if there is one, which is entered then.
    private Injection? TryEnter()
    {
        handledBy = LoopAlone;
        if (injection is null)
            return null;
        handledBy = LoopInTurn;
        return injection;
    }

    // Ends it; returns the injection if there is one, which is left then.
    private Injection? TryLeave()
    {
        if (handledBy == LoopAlone)
            handledBy = Nobody;
        return injection;
    }

    // One that was made in the meantime was not entered; what waits there waits for this loop.
    private async ValueTask LeaveAsync(Injection others)
    {
        if (handledBy == Nobody)
            await others.EnterAsync().ConfigureAwait(false);
        handledBy = Nobody;
        var leaving = others.LeaveAsync();
        if (leaving.IsCompletedSuccessfully)
            return;
        await leaving.ConfigureAwait(false);
        await ComeBackAsync().ConfigureAwait(false);
    }

    /// <summary>Handles a packet that was handed in, with the consequences that it has for the connection if the peer sends it. Called by the injection alone.</summary>
    public async ValueTask HandleInjectedAsync(MqttPacket packet)
    {
        if (closeCause is not null)
            throw new MqttConnectionException("The connection is over.");
        try
        {
            ValueTask handling;
            using (Turn.Enter(out var turn))
            {
                turn.MayBlock |= !RunsInline;
                if (packet is ConnectPacket connect)
                    reader.Version = connect.Version;
                Observe(packet);
                handling = handler.OnPacketAsync(Connection, packet);
            }

            await handling.ConfigureAwait(false);
        }
        catch (MqttProtocolException violation)
        {
            AnswerBeforeClosing(new MqttCloseCause(MqttCloseKind.ProtocolError, violation.ReasonCode, violation));
            throw;
        }
        catch (Exception failure)
        {
            options.Logger.HandlerFailed(failure, Connection);
            AnswerBeforeClosing(new MqttCloseCause(MqttCloseKind.HandlerFailed, ReasonCode.ImplementationSpecificError, failure));
            throw;
        }
    }

    // Handles what is whole, within one turn, and says whether there is more to do: a handler that has not completed, whose packet
    // and buffer stay where they are until it has; the rest of what is more than one round's share; or, with user code, which gets
    // a turn for each packet, the next packet.
    private bool HandleSome(out ValueTask handling)
    {
        handling = default;
        var hasMore = false;
        using (Turn.Enter(out var turn))
        {
            turn.MayBlock |= !RunsInline;
            var share = turn.AppendCost + AppendsOfOneRound;
            var others = turn.Count;
            var packets = PacketsOfOneRound;
            var untilLook = 0;
            while (!hasMore && closeCause is null && reader.TryRead(received.Unread, out var packet, out var consumed))
            {
                if (inlineHandler is not null && accepted && --untilLook <= 0)
                    untilLook = inlineHandler.LookAhead(received.Unread.Span);
                received.Consume(consumed);
                Observe(packet);
                handling = handler.OnPacketAsync(Connection, packet);
                hasMore = !handling.IsCompletedSuccessfully || !RunsInline || turn.AppendCost >= share || --packets == 0;
            }

            if (turn.Count - others > FlushesOfOneRound)
                turn.Defer(others);
        }

        return hasMore;
    }

    // The first packet must be CONNECT [MQTT-3.1.0-1]. Whoever begins otherwise gets no answer, and none of his bytes are kept.
    private bool BeginsWithConnect() => received.Unread.Span[0] >> 4 == (int)MqttPacketType.Connect;

    // The first packet is CONNECT; no later one may be.
    private void Observe(MqttPacket packet)
    {
        if (packet is ConnectPacket connect)
        {
            if (connectReceived)
                throw new MqttProtocolException(ReasonCode.ProtocolError, "A second CONNECT [MQTT-3.1.0-2].");
            connectReceived = true;
            reader.MaximumPacketSizeBytes = options.Limits.MaximumPacketBytes;
            terms = new PeerTerms(connect);
            KeepAlive = TimeSpan.FromSeconds(connect.KeepAliveSeconds);
        }

        // DISCONNECT is never answered by DISCONNECT.
        goodbyeReceived |= packet.Type == MqttPacketType.Disconnect;
    }

    // The handler keeps the connection waiting, perhaps for ever: meanwhile the heartbeat alone looks after the peer.
    private async ValueTask ParkAsync(ValueTask handling)
    {
        unreadBytes = 0;
        parked = true;
        if (closeCause is not null)
            heartbeat.Set(this, heartbeat.Now);
        CountUnauthenticated();
        try
        {
            await handling.ConfigureAwait(false);
        }
        finally
        {
            lastReceivedAt = heartbeat.Now;
            parked = false;
        }

        await ComeBackAsync().ConfigureAwait(false);
    }

    // Wherever the handler went, the rest goes on where the connection lives, and user code on the pool.
    private async ValueTask ComeBackAsync()
    {
        if (RunsInline)
            await channel.YieldAsync().ConfigureAwait(false);
        else
            await new PoolSwitch();
    }

    private async Task EndAsync(MqttCloseCause cause)
    {
        AnswerBeforeClosing(cause);
        Uncount();
        received.Release();
        await TellOnceAsync(cause).ConfigureAwait(false);
        if (cause.Kind != MqttCloseKind.Network)
            await LingerAsync().ConfigureAwait(false);
        await telling.ConfigureAwait(false);
        isOver = true;
        heartbeat.Clear(this);
        outbox.Close();
        await channel.DisposeAsync().ConfigureAwait(false);
        if (closedSource is { } source)
            await source.CancelAsync().ConfigureAwait(false);
    }

    // By the loop, or, if that waits for a peer that may send nothing any more, by whoever closes.
    private Task TellOnceAsync(MqttCloseCause cause)
    {
        var told = new TaskCompletionSource();
        if (Interlocked.CompareExchange(ref handlerTold, told.Task, null) is { } other)
            return other;
        return TellAsync();

        async Task TellAsync()
        {
            SetState(MqttConnectionState.Closed);
            await EndInjectionAsync().ConfigureAwait(false);
            if (connectReceived)
                await TellHandlerAsync(cause).ConfigureAwait(false);
            told.SetResult();
        }
    }

    // The loop looks at the cause after it has said that it handles: with the barrier of the whole process, either it sees the cause, or is seen here
    // and tells the handler itself when it is done.
    private async Task TellEarlyAsync(MqttCloseCause cause)
    {
        Interlocked.MemoryBarrierProcessWide();
        if (handledBy != Nobody || handlerTold is not null)
            return;
        await ComeBackAsync().ConfigureAwait(false);
        await TellOnceAsync(cause).ConfigureAwait(false);
    }

    // A handler that is waited for may never be done. On the heartbeat: where the connection lives, the loop alone goes on.
    private void TellWhileParked()
    {
        if (parked && hearsOfEndEarly && accepted && closeCause is { } cause && handlerTold is null)
            telling = TellOnceAsync(cause);
    }

    // The handler hears of the end after the last packet, also of those that were handed in.
    private ValueTask EndInjectionAsync()
    {
        var isOwner = handledBy == LoopInTurn;
        handledBy = NobodyAnyMore;
        return injection is { } others ? others.EndAsync(isOwner) : default;
    }

    // What the read loop found ends the connection here, with the answer that the standard gives for it: CONNACK before the
    // connection is accepted, DISCONNECT afterwards, to 5.0 clients only.
    private void AnswerBeforeClosing(MqttCloseCause cause)
    {
        if (closeCause is not null || cause.Kind == MqttCloseKind.Network)
            return;
        if (accepted)
        {
            Close(cause, Sayable(cause.ReasonCode, MqttPacketType.Disconnect), cause.Exception is MqttProtocolException ? cause.Exception.Message : null);
            return;
        }

        var refusal = RefusalFor(cause);
        if (refusal is null)
            Abort(cause);
        else
            Send(refusal);
    }

    private ConnAckPacket? RefusalFor(MqttCloseCause cause)
    {
        if (cause.ReasonCode == ReasonCode.UnsupportedProtocolVersion)
        {
            // In the form of 3.x, which every client can read.
            reader.Version = MqttProtocolVersion.V311;
            return new ConnAckPacket { ReasonCode = cause.ReasonCode };
        }

        return Version == MqttProtocolVersion.V500 ? new ConnAckPacket { ReasonCode = Sayable(cause.ReasonCode, MqttPacketType.ConnAck) } : null;
    }

    // Whatever was thrown, the peer hears of it: what its last packet has no word for is a protocol error.
    private static ReasonCode Sayable(ReasonCode code, MqttPacketType packet) => code.IsAllowedIn(packet, MqttSender.Server) ? code : ReasonCode.ProtocolError;

    private DisconnectPacket? DisconnectFor(ReasonCode reasonCode, string? reasonString)
    {
        if (!accepted || goodbyeReceived || Version != MqttProtocolVersion.V500)
            return null;
        var disconnect = new DisconnectPacket { ReasonCode = reasonCode };
        if (reasonString is not null)
            disconnect.ReasonString = reasonString;

        // Only what the client takes in a packet of that size [MQTT-3.14.2-3].
        return terms.TryFit(disconnect, Version) ? disconnect : null;
    }

    // The last packet is in the outbox: nothing more goes in, and the peer has a bounded time to take it.
    private void Finish(MqttCloseCause cause)
    {
        if (Interlocked.CompareExchange(ref closeCause, cause, null) is not null)
            return;
        lingerUntil = heartbeat.Now + (long)options.Limits.LingerTimeout.TotalMilliseconds;
        outbox.Complete();
        heartbeat.Set(this, parked ? heartbeat.Now : lingerUntil);
        if (accepted)
            telling = TellEarlyAsync(cause);
    }

    private async ValueTask TellHandlerAsync(MqttCloseCause cause)
    {
        try
        {
            await handler.OnClosedAsync(Connection, cause).ConfigureAwait(false);
        }
        catch (Exception failure)
        {
            options.Logger.HandlerFailedAtEnd(failure, Connection);
        }
    }

    // Unread input would make TCP reset the connection, and the peer lose the last packet: read and discard until it closes.
    private async ValueTask LingerAsync()
    {
        var discarded = BufferPool.Rent(4096);
        try
        {
            while (await channel.ReadAsync(discarded).ConfigureAwait(false) > 0)
            {
            }
        }
        catch (MqttConnectionException)
        {
            // The peer, or the time limit, was faster.
        }
        finally
        {
            BufferPool.Return(discarded);
        }
    }

    private bool IsSilent(long now) =>
        accepted && closeCause is null && KeepAlive > TimeSpan.Zero && !(parked && IsHeard(now)) && now - lastReceivedAt >= SilenceLimit;

    // While the connection is not read, what has come since the last look is a sign of life, and no less exact than that.
    private bool IsHeard(long now)
    {
        var unread = channel.UnreadBytes;
        if (unread == unreadBytes && unread < UnreadBytesThatFill)
            return false;
        unreadBytes = Math.Max(0, unread);
        lastReceivedAt = now;
        return true;
    }

    // A connection that is read finds out by itself. What has come before the end is still to be handled: it may be a DISCONNECT.
    private bool HasLostPeer() =>
        parked && accepted && closeCause is null && received.IsEmpty && channel.UnreadBytes == 0 && channel.IsPeerGone;

    // One and a half times the keep-alive, and the grain of the coarse clock: never too early.
    private long SilenceLimit => ((long)KeepAlive.TotalMilliseconds * 3 / 2) + DeadlineWheel.TickMilliseconds;

    private bool IsStuck(long now)
    {
        if (!outbox.IsBlocked)
        {
            blockedSince = Never;
            return false;
        }

        var taken = channel.WrittenBytes;
        if (blockedSince == Never || taken != blockedAtBytes)
        {
            (blockedSince, blockedAtBytes) = (now, taken);
            return false;
        }

        return now - blockedSince >= (long)options.Limits.SendTimeout.TotalMilliseconds;
    }

    private long NextCheck(long now)
    {
        if (isOver)
            return Never;
        var next = Math.Min(now + LongestCheckMilliseconds, lingerUntil);
        if (!accepted && closeCause is null)
            next = Math.Min(next, acceptedAt + (long)options.Limits.ConnectTimeout.TotalMilliseconds);
        if (accepted && KeepAlive > TimeSpan.Zero)
            next = Math.Min(next, lastReceivedAt + SilenceLimit);
        if (blockedSince != Never)
            next = Math.Min(next, blockedSince + (long)options.Limits.SendTimeout.TotalMilliseconds);
        return Math.Max(next, now + 1);
    }

    // Bytes that nobody has vouched for yet count against a budget of the whole server.
    private void CountUnauthenticated()
    {
        if (accepted)
            return;
        var difference = received.HeldBytes - countedBytes;
        countedBytes = received.HeldBytes;
        if (!server.CountUnauthenticated(difference) && difference > 0)
            Abort(new MqttCloseCause(MqttCloseKind.Local, ReasonCode.QuotaExceeded));
    }

    private void Uncount() => server.CountUnauthenticated(-Interlocked.Exchange(ref countedBytes, 0));

    private void SetState(MqttConnectionState state)
    {
        if (State == state && state != MqttConnectionState.New)
            return;
        State = state;
        try
        {
            options.StateChanged?.Invoke(Connection, state);
        }
        catch (Exception failure)
        {
            options.Logger.StateObserverFailed(failure, Connection);
        }
    }
}
