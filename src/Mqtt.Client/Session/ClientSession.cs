using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Mqtt.Protocol.Channels;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Client;

/// <summary>
/// What client and server owe each other, whatever becomes of connections: subscriptions, messages in flight both ways, messages that
/// wait to be sent. It has at most one connection at a time, whose read loop hands it packets; everything else calls it from any thread.
/// <para>
/// <see cref="gate"/> is its one lock, and guards the outbox of the present connection as well. Nothing is awaited, no user code
/// runs and nothing is written to the network under it.
/// </para>
/// </summary>
internal sealed partial class ClientSession : IThreadPoolWorkItem, IAsyncDisposable
{
    private readonly Lock gate = new();
    private readonly ILogger logger;
    private readonly ClientStatus status;

    // What is owed. Under the gate.
    private readonly OutgoingMessages outgoing;
    private readonly PublishLosses losses;
    private readonly PublishJournal? journal;
    private readonly SubscriptionTable subscriptions = new();
    private readonly Receipts receipts = new();

    // What was asked to be unsubscribed and has no answer yet, while there is no connection. Under the gate.
    private readonly List<UnsubscribeFlight> unanswered = [];

    // Which streams make reading wait, and how many calls await a message of the server, for which reading must go on.
    private readonly Backlog backlog;
    private int awaitingCount;

    // Every subscription that was not disposed, since its handler may still run. Under the gate.
    private readonly HashSet<MqttSubscription> members = [];

    // What has ended and counts still: bytes of connections, drops of subscriptions. Under the gate.
    private long sentBefore;
    private long droppedBefore;

    // The present connection and what ends with it. Under the gate.
    private MqttConn? connection;
    private AcknowledgementWatch? watch;
    private IncomingTopicAliases aliases = new(0);

    // Under the gate.
    private bool isTrying;
    private bool hasState;
    private bool isDisposed;
    private bool isDrainScheduled;

    public ClientSession(MqttClientOptions options, ClientStatus status, ILogger logger)
    {
        Options = options;
        this.status = status;
        this.logger = logger;
        losses = new PublishLosses(status.Tell);
        if (options.Queue.Store is { } store)
            journal = new PublishJournal(store, options, gate, logger) { OnLost = (message, error) => outgoing!.OnNotStored(message, error), OnSafe = OnStored };
        outgoing = new OutgoingMessages(options.Queue, losses, journal);
        ClientId = options.ClientId ?? $"mqtt-{RandomNumberGenerator.GetHexString(16, lowercase: true)}";
        Statistics = new MqttClientStatistics(this);
        backlog = new Backlog(ReadOn);
        Unclaimed = new MqttSubscription(this, [], MqttSubscriptionOptions.Default, handler: null);
    }

    public MqttClientStatistics Statistics { get; }

    /// <summary>How many bytes the network has taken.</summary>
    public long SentBytes
    {
        get
        {
            lock (gate)
                return sentBefore + (connection?.WrittenBytes ?? 0);
        }
    }

    /// <summary>How many messages found their stream full.</summary>
    public long DroppedCount
    {
        get
        {
            lock (gate)
                return droppedBefore + Unclaimed.DroppedCount + members.Sum(member => member.DroppedCount);
        }
    }

    public MqttClientOptions Options { get; }

    /// <summary>The client identifier: given, generated, or assigned by the server.</summary>
    public string ClientId { get; private set; }

    /// <summary>Gets what no subscription gets.</summary>
    public MqttSubscription Unclaimed { get; }

    /// <summary>Publishes as the user of the client does, for messages that are answered.</summary>
    public required Func<MqttMessage, CancellationToken, ValueTask<MqttPublishResult>> Publish { get; init; }

    /// <summary>What the server of the present connection said; null if there is none.</summary>
    public MqttConnectResult? Accepted
    {
        get
        {
            lock (gate)
                return connection?.Accepted;
        }
    }

    // --- Connections ---

    /// <summary>Connections are going to be made, until <see cref="GiveUp"/>: who needs one waits for it.</summary>
    public void Begin()
    {
        lock (gate)
            isTrying = true;
    }

    /// <summary>There will be no connection: whoever waits for one is told.</summary>
    public void GiveUp(MqttConnectionException error)
    {
        lock (gate)
            Fail(error);
    }

    /// <summary>A connection was accepted. Called by its read loop, so that no packet after CONNACK is missed.</summary>
    public void Attach(MqttConn conn, MqttConnectResult accepted, Turn turn)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(isDisposed, typeof(MqttClient));
            var resumed = IsResumed(accepted);
            conn.Outbox.Adopt(gate);
            connection = conn;
            Statistics.OnConnected();
            ClientId = accepted.ClientId;
            aliases = new IncomingTopicAliases(Options.Limits.TopicAliasMaximum);
            watch = new AcknowledgementWatch(Options.TimeProvider, Options.Timeouts.Acknowledgement, HasOlderThan, () => OnLateAcknowledgement(conn));
            watch.Start();
            status.Change(MqttClientState.Connected, new MqttConnectedEvent(accepted));
            Resume(accepted, resumed);
            RenewSubscriptions(conn, resumed, turn);
            outgoing.Pump(conn, turn);
        }
    }

    /// <summary>A connection has ended, for itself or by <see cref="Disconnect"/>.</summary>
    public void Detach(MqttConn conn, MqttDisconnectCause cause)
    {
        lock (gate)
        {
            if (conn == connection)
                DetachForLoss(cause.ToException());
        }
    }

    /// <summary>Sends DISCONNECT and lets go of the connection, if there is one; there will be no other.</summary>
    /// <param name="packet">The packet to send.</param>
    /// <param name="reason">What whoever waits is told.</param>
    public void Disconnect(DisconnectPacket packet, Exception reason)
    {
        using (Turn.Enter(out var turn))
        {
            lock (gate)
            {
                if (connection is { } conn)
                {
                    conn.Disconnect(packet, turn);
                    Detach(reason);
                }

                Fail(reason);
            }
        }
    }

    /// <summary>The outbox of a connection has room again.</summary>
    public void OnDrained(MqttConn conn)
    {
        using (Turn.Enter(out var turn))
        {
            lock (gate)
            {
                if (conn == connection)
                    outgoing.Pump(conn, turn);
            }
        }
    }

    /// <summary>The client is gone: fails whoever waits and ends every stream and handler.</summary>
    public async ValueTask DisposeAsync()
    {
        MqttSubscription[] all;
        lock (gate)
        {
            isDisposed = true;
            outgoing.Dispose(new ObjectDisposedException(nameof(MqttClient)));
            all = [.. members, Unclaimed];
        }

        if (journal is not null)
            await journal.DisposeAsync().ConfigureAwait(false);

        foreach (var member in all)
            await member.StopAsync(acknowledgeRest: false).ConfigureAwait(false);
    }

    // --- Packets ---

    /// <summary>Takes a packet of the server. Only the connection's read loop calls this, in its turn.</summary>
    /// <exception cref="MqttProtocolException">The packet breaks the protocol.</exception>
    public void OnPacket(MqttConn conn, MqttPacket packet, Turn turn)
    {
        if (packet is PublishPacket publish)
        {
            OnPublish(conn, publish, turn);
            return;
        }

        lock (gate)
        {
            if (conn != connection)
                return;
            OnAnswer(conn, packet, turn);
            outgoing.Pump(conn, turn);
        }
    }

    private void OnAnswer(MqttConn conn, MqttPacket packet, Turn turn)
    {
        switch (packet)
        {
            case PubAckPacket pubAck:
                outgoing.OnPubAck(pubAck);
                break;
            case PubRecPacket pubRec:
                outgoing.OnPubRec(pubRec, conn, turn);
                break;
            case PubRelPacket pubRel:
                var known = receipts.OnPubRel(pubRel.PacketId);
                conn.SendResponse(MqttPacketType.PubComp, pubRel.PacketId, known ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound, turn);
                break;
            case PubCompPacket pubComp:
                outgoing.OnPubComp(pubComp);
                break;
            case SubAckPacket subAck:
                OnSubAck(subAck);
                break;
            case UnsubAckPacket unsubAck:
                OnUnsubAck(unsubAck);
                break;
        }
    }

    // --- Inside, under the gate ---

    private void RequireConnection(bool orAttempt)
    {
        ObjectDisposedException.ThrowIf(isDisposed, typeof(MqttClient));
        if (connection is null && !(orAttempt && isTrying))
            throw new MqttConnectionException("The client is not connected.");
    }

    // 3.1 does not say whether it has kept the session; it has, unless it was to be clean.
    private bool IsResumed(MqttConnectResult accepted)
    {
        if (Options.ProtocolVersion == MqttProtocolVersion.V310)
            return (hasState || outgoing.HasEarlierFlights) && !Options.CleanStart;
        if (accepted.SessionPresent && !hasState && !outgoing.HasEarlierFlights && Options.RequireKnownSession)
            throw new MqttProtocolException(ReasonCode.ProtocolError, "The server resumes a session of which this client knows nothing.");
        return accepted.SessionPresent;
    }

    private void Resume(MqttConnectResult accepted, bool resumed)
    {
        receipts.Reconnect(resumed, Options.ProtocolVersion == MqttProtocolVersion.V500 ? Options.Limits.ReceiveMaximum : ushort.MaxValue);
        if (resumed)
            outgoing.Resume(accepted.ReceiveMaximum);
        else
            outgoing.StartAnew(accepted.ReceiveMaximum);
        if (!resumed || Options.ProtocolVersion == MqttProtocolVersion.V310)
            subscriptions.ForgetGrants();
        if (resumed && !hasState)
            subscriptions.MayHoldForeign = true;
        hasState = true;
    }

    // What is owed goes on; a subscription is asked for again on the next connection.
    private void Detach(Exception error)
    {
        sentBefore += connection?.WrittenBytes ?? 0;
        connection = null;
        watch?.Dispose();
        var requests = outgoing.Suspend(error).ToArray();
        foreach (var request in requests.OfType<RawFlight>())
            request.OnNoAnswer(error);
        foreach (var request in requests.OfType<UnsubscribeFlight>())
        {
            // One that nobody asked for but the end of a subscription is sent again, but not waited for.
            if (request.Entry.IsLeaving)
                request.OnNoAnswer(error);
            else
                unanswered.Add(request);
        }
    }

    private void DetachForLoss(MqttConnectionException error)
    {
        Detach(error);
        if (!Options.Reconnect.Enabled)
            Fail(error);
    }

    private void Fail(Exception error)
    {
        isTrying = false;
        outgoing.GiveUp(error);
        foreach (var request in unanswered)
            request.OnNoAnswer(error);
        unanswered.Clear();
        foreach (var member in members.Where(member => member.ExpectsAnswer))
            member.OnNoAnswer(error);
    }

    private bool HasOlderThan(long limit)
    {
        lock (gate)
            return outgoing.HasOlderThan(limit);
    }

    private void OnLateAcknowledgement(MqttConn conn) =>
        conn.End(new(
            MqttDisconnectOrigin.Network,
            ReasonCode.UnspecifiedError,
            new MqttConnectionException($"No acknowledgement came within {Options.Timeouts.Acknowledgement}.")));
}
