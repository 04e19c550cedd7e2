using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Protocol.Delivery;
using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Flows;
using Mqtt.Server.Broker.Hooks;
using Mqtt.Server.Broker.InProcess;
using Mqtt.Server.Broker.Retained;
using Mqtt.Server.Broker.Routing;
using Mqtt.Server.Broker.Services;
using Mqtt.Server.Broker.Sessions;
using Mqtt.Server.Broker.SystemTopics;
using Mqtt.Server.Broker.Telemetry;
using Mqtt.Server.Time;

namespace Mqtt.Server;

/// <summary>
/// A broker: the handler that most people want. Several servers may share one; it outlives them.
/// <code>
/// await using var broker = new MqttBroker();
/// await new MqttServer("mqtt://0.0.0.0:1883").ListenAndServeAsync(broker, stop);
/// </code>
/// </summary>
public sealed partial class MqttBroker : IInlineMqttHandler, IAsyncDisposable
{
    private readonly Heartbeat heartbeat;
    private readonly SessionContext context;
    private readonly SessionTable table = new();
    private readonly RetainedMessages retained;
    private readonly ConnectFlow connecting;
    private readonly SharedFlow sharing;
    private readonly PublishFlow publishing;
    private readonly DelayFlow? delays;
    private volatile HookedPublishFlow? hookedPublishing;
    private readonly SubscribeFlow subscribing;
    private readonly WillFlow wills;
    private readonly DisconnectFlow disconnecting;
    private readonly InProcessServer inProcess;
    private readonly EmbeddingFlow embedding;
    private readonly SystemTopicPublisher systemTopics;

    /// <summary>Creates a broker with the default options.</summary>
    public MqttBroker()
        : this(new MqttBrokerOptions())
    {
    }

    /// <summary>Creates a broker, and takes up what its store has kept.</summary>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    public MqttBroker(MqttBrokerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        if (options.Compatibility.RestoreStatistics && options.Store?.Counters is { } counters)
            Statistics.Restore(counters.Load());
        inProcess = new InProcessServer(this, options);
        heartbeat = new Heartbeat(options.TimeProvider, options.Logger);
        var hooks = new HookTable(options, Statistics, heartbeat);
        context = new SessionContext(options, heartbeat, Statistics, hooks);
        retained = new RetainedMessages(options.Store?.Retained);
        var router = new Router<Session>(options.CopyPerSubscription);
        var gates = new ClientGates(options.Scheduler);
        sharing = new SharedFlow(context, router);
        publishing = new PublishFlow(context, router, retained, sharing, table);
        subscribing = new SubscribeFlow(context, router, new RetainedFlow(context, retained), sharing);
        delays = hooks.Delayed is { } delayed ? new DelayFlow(context, publishing, delayed) : null;
        hookedPublishing = HookedPublishFlow.For(context, publishing, delays);
        wills = new WillFlow(context, publishing, delays);
        var ending = new SessionEndFlow(context, table, router, wills, sharing, gates);
        connecting = new ConnectFlow(context, table, gates, ending, subscribing);
        disconnecting = new DisconnectFlow(context, gates, ending, new EndPacer(options.Scheduler, heartbeat));
        if (options.Store is { } store)
            new Recovery(context, table, router, retained, subscribing, sharing, ending).Run(store);
        _ = new RetainedSweep(retained, context);
        embedding = new EmbeddingFlow(context, table, gates, publishing, subscribing, ending, retained);
        Clients = new BrokerClients(table);
        Sessions = new BrokerSessions(table);
        Subscriptions = new BrokerSubscriptions(table, router);
        Retained = new BrokerRetained(retained, context, embedding);
        context.SystemTopics = systemTopics = new SystemTopicPublisher(this, context, table, publishing);
        BrokerMeter.Add(this, options.Name);
        hooks.Broker?.Tell(this, static (observer, broker) => observer.OnStartedAsync(broker));
    }

    /// <summary>The options that hold at present; see <see cref="Reconfigure"/>.</summary>
    public MqttBrokerOptions Options => context.Options;

    /// <summary>What the broker has counted.</summary>
    public BrokerStatistics Statistics { get; } = new();

    /// <summary>How many sessions there are, connected or not.</summary>
    public int SessionCount => table.Count;

    /// <summary>How many topics have a retained message, without those by which the broker tells about itself.</summary>
    public int RetainedCount => Math.Max(0, retained.Count - systemTopics.Count);

    /// <summary>True: whoever waits for a hook that does not answer is untied from its session when its connection ends, and not when the hook does.</summary>
    public bool HearsOfEndEarly => true;

    /// <summary>Has the processor fetch from memory what the next messages will need to be routed; with few subscriptions it does nothing.</summary>
    public int LookAhead(ReadOnlySpan<byte> unread) => publishing.LookAhead(unread);

    /// <inheritdoc/>
    public ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(packet);
        if (connection.State is not Attachment from)
            return OnPacketBeforeAsync(connection, packet);

        from.CountReceived(packet);
        switch (packet.Type)
        {
            case MqttPacketType.Subscribe:
                return subscribing.OnSubscribeAsync(from, (SubscribePacket)packet);
            case MqttPacketType.Unsubscribe:
                return subscribing.OnUnsubscribeAsync(from, (UnsubscribePacket)packet);
            default:
                using (Turn.Enter(out var turn))
                    return OnPacket(from, packet, turn);
        }
    }

    /// <inheritdoc/>
    public async ValueTask OnClosedAsync(MqttConnection connection, MqttCloseCause cause)
    {
        ArgumentNullException.ThrowIfNull(connection);
        if (connection.State is EnhancedAuthentication undecided)
            await undecided.EndAsync().ConfigureAwait(false);

        // It may have been accepted a moment ago.
        if (connection.State is Attachment from)
            await disconnecting.OnClosedAsync(from, cause).ConfigureAwait(false);
    }

    /// <summary>
    /// Lets go of everything; stop the servers first. What is in a store stays there. Waits until every observer has been told what happened, but for hooks that
    /// take longer than <see cref="MqttBrokerOptions.StopTimeout"/>. Harmless if repeated.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        BrokerMeter.Remove(this);
        await inProcess.DisposeAsync().ConfigureAwait(false);
        await heartbeat.DisposeAsync().ConfigureAwait(false);
        await WaitForHooksAsync(wills.DrainAsync()).ConfigureAwait(false);
        systemTopics.Keep();
        delays?.Clear();
        foreach (var session in table.All)
            session.End();
        sharing.Clear();
        retained.Clear();
        context.Hooks.Broker?.Tell(this, static (observer, broker) => observer.OnStoppedAsync(broker));
        await WaitForHooksAsync(context.Hooks.DrainAsync()).ConfigureAwait(false);
    }

    // Nobody can make a hook complete; it must not keep whoever ends the broker.
    private async Task WaitForHooksAsync(Task hooks)
    {
        try
        {
            await hooks.WaitAsync(Options.StopTimeout, Options.TimeProvider).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            Options.Logger.HooksLeftBehind(Options.StopTimeout);
        }
    }

    // Until CONNACK: CONNECT, and where it named an authentication method AUTH and DISCONNECT [MQTT-3.1.2-30].
    private ValueTask OnPacketBeforeAsync(MqttConnection connection, MqttPacket packet)
    {
        switch (packet)
        {
            case ConnectPacket connect:
                return connecting.OnConnectAsync(connection, connect);
            case AuthPacket auth when connection.State is EnhancedAuthentication undecided:
                undecided.OnAuth(auth);
                return default;
            case DisconnectPacket when connection.State is EnhancedAuthentication:
                connection.Close();
                return default;
            default:
                throw Unexpected(packet);
        }
    }

    // A publisher that is too fast waits here, and with it only its own connection.
    private ValueTask OnPacket(Attachment from, MqttPacket packet, Turn turn)
    {
        switch (packet.Type)
        {
            case MqttPacketType.Publish:
                return BrokerTracing.Source.HasListeners() ? OnPublishTracedAsync(from, (PublishPacket)packet, turn) : OnPublish(from, (PublishPacket)packet, turn);
            case MqttPacketType.PubAck:
                Check(from.Session.OnPubAck(from, ((PubAckPacket)packet).PacketId, turn), packet);
                break;
            case MqttPacketType.PubRec:
                var received = (PubRecPacket)packet;
                Check(from.Session.OnPubRec(from, received.PacketId, received.ReasonCode >= ReasonCode.UnspecifiedError, turn), packet);
                break;
            case MqttPacketType.PubRel:
                from.Session.OnPubRel(from, ((PubRelPacket)packet).PacketId, turn);
                break;
            case MqttPacketType.PubComp:
                Check(from.Session.OnPubComp(from, ((PubCompPacket)packet).PacketId, turn), packet);
                break;
            case MqttPacketType.PingReq:
                from.AnswerPing(turn);
                break;
            case MqttPacketType.Auth:
                connecting.OnAuth(from, (AuthPacket)packet);
                break;
            case MqttPacketType.Disconnect:
                DisconnectFlow.OnDisconnect(from, (DisconnectPacket)packet);
                break;
            default:
                throw Unexpected(packet);
        }

        return default;
    }

    private ValueTask OnPublish(Attachment from, PublishPacket packet, Turn turn)
    {
        if (from.IsRestricted)
            from.Limits.Check(packet);
        if (from.Waiting is { IsFull: true })
            return OnPublishLaterAsync(from, packet);
        if (hookedPublishing is { } hooked)
            return hooked.OnPublishAsync(from, packet, turn);
        var slow = publishing.OnPublish(from, packet, turn);
        return slow is null || from.Connection.IsPeerGone ? default : from.Session.WaitForAsync(slow);
    }

    // The turn is used up when this returns, and so is the packet unless hooks wait, as without a trace.
    private async ValueTask OnPublishTracedAsync(Attachment from, PublishPacket packet, Turn turn)
    {
        using var activity = BrokerTracing.StartRoute(from, packet, PublishFlow.TopicOf(from, packet));
        await OnPublish(from, packet, turn).ConfigureAwait(false);
    }

    // A client that cannot know how much the broker takes at once is not read while so many acknowledgements wait for the store.
    private async ValueTask OnPublishLaterAsync(Attachment from, PublishPacket packet)
    {
        await from.Waiting!.Room.ConfigureAwait(false);
        await Publish().ConfigureAwait(false);

        ValueTask Publish()
        {
            using (Turn.Enter(out var turn))
                return from.IsConnected ? OnPublish(from, packet, turn) : default;
        }
    }

    private static void Check(FlightOutcome outcome, MqttPacket packet)
    {
        if (outcome == FlightOutcome.WrongKind)
            throw new MqttProtocolException(ReasonCode.ProtocolError, $"{packet.Type} for a packet identifier that waits for another acknowledgement.");
    }

    private static MqttProtocolException Unexpected(MqttPacket packet) =>
        new(ReasonCode.ProtocolError, $"{packet.Type} is not expected here.");
}
