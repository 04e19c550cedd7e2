using System.Buffers;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mqtt.Client;

/// <summary>
/// An MQTT client for 3.1, 3.1.1 and 5.0. One client has one session; it connects, publishes and subscribes, and may be used from any thread, also by the
/// handlers of its own messages. Connecting again resumes the session where the server has kept it.
/// </summary>
/// <remarks>
/// What several publishers send at the same time leaves in few writes by itself. One publisher that has many messages at hand can open a
/// <see cref="Mqtt.Protocol.Channels.Turn"/> around a bunch of QoS 0 publishes, which then leave in one write.
/// </remarks>
public sealed partial class MqttClient : IAsyncDisposable
{
    private const int StackBytes = 256;

    [ThreadStatic]
    private static PublishPacket? scratch;

    private readonly ClientStatus status;
    private readonly ClientSession session;
    private readonly MqttTransport transport;
    private readonly ResponseDesk responses;

    // Null without interceptors, so that nobody pays for what is not there.
    private readonly Func<MqttMessage, CancellationToken, ValueTask<MqttPublishResult>>? intercepted;
    private int isDisposed;

    /// <summary>Creates a client of the server at <c>mqtt://host:port</c>, with all other options at their defaults. It does not connect yet.</summary>
    /// <exception cref="ArgumentException">The address cannot be used.</exception>
    public MqttClient(string server)
        : this(new MqttClientOptions { Server = new Uri(server) })
    {
    }

    /// <summary>Creates a client. It does not connect yet.</summary>
    /// <exception cref="ArgumentException">An option has a value that cannot be; the message names it.</exception>
    public MqttClient(MqttClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Options = options.Validate();
        var logger = options.LoggerFactory?.CreateLogger("Mqtt.Client") ?? NullLogger.Instance;
        status = new ClientStatus(logger, what => Happened?.Invoke(this, what));
        session = new ClientSession(options, status, logger) { Publish = PublishAsync };
        responses = new ResponseDesk(this, session);
        transport = new MqttTransport(session, status);
        ClientMeter.Add(this);
        if (options.Interceptors.Count > 0)
            intercepted = Intercepted(policy: null);
    }

    /// <summary>
    /// Tells everything that happens to the connection and to what depends on it, in order: <see cref="MqttConnectedEvent"/>, <see cref="MqttDisconnectedEvent"/>,
    /// <see cref="MqttConnectFailedEvent"/>, <see cref="MqttGaveUpEvent"/>, <see cref="MqttSubscriptionRefusedEvent"/> and <see cref="MqttPublishLostEvent"/>. Raised at the thread pool for one event after
    /// the other; a handler may call the client, and one that blocks holds up nothing but later events, of which the latest 1,024 wait. What it throws is
    /// logged. All events are logged as well.
    /// </summary>
    public event EventHandler<MqttClientEvent>? Happened;

    /// <summary>The options.</summary>
    public MqttClientOptions Options { get; }

    /// <summary>The client identifier: the one of the options, a generated one, or the one that the server assigned.</summary>
    public string ClientId => session.ClientId;

    /// <summary>What the client has counted; the meter <c>Mqtt.Client</c> measures the same.</summary>
    public MqttClientStatistics Statistics => session.Statistics;

    /// <summary>What the client is doing about its connection.</summary>
    public MqttClientState State => status.State;

    /// <summary>True from CONNACK to the end of the connection.</summary>
    public bool IsConnected => Connection is not null;

    /// <summary>What the server said about the present connection; null if there is none.</summary>
    public MqttConnectResult? Connection => session.Accepted;

    /// <summary>
    /// The messages that match no subscription of this client, such as those that a resumed session had queued for an earlier run of the
    /// program. They are acknowledged as they come. Those that find the stream full are dropped and counted.
    /// </summary>
    public MqttSubscription Unclaimed => session.Unclaimed;

    /// <summary>
    /// Connects to the server, and sends SUBSCRIBE for what is registered, unless the server still has it. Messages of a resumed session find
    /// the subscriptions that were registered before. From then on the client connects again by itself when the connection is lost, as
    /// <see cref="MqttClientOptions.Reconnect"/> says, until it is disconnected. While it does so, this waits for the connection that is being made.
    /// </summary>
    /// <exception cref="MqttRefusedException">The server refused, with the reason.</exception>
    /// <exception cref="MqttConnectionException">The server cannot be reached, or does not answer in time.</exception>
    /// <exception cref="MqttProtocolException">The server broke the protocol.</exception>
    /// <exception cref="MqttStoreException">The store of the queue cannot be opened; there was no attempt to connect.</exception>
    /// <exception cref="InvalidOperationException">The client is connected already.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled. A first connection that nobody else waits for is not made then; a client that reconnects goes on.</exception>
    public ValueTask<MqttConnectResult> ConnectAsync(CancellationToken cancellationToken = default) => transport.ConnectAsync(cancellationToken);

    /// <summary>
    /// Disconnects: sends DISCONNECT after what waits to be sent, and waits until the connection is closed. An attempt to connect, or the wait for
    /// one, ends at once. Harmless without a connection. Subscriptions stay registered for the next one.
    /// </summary>
    /// <param name="reasonCode">Why (5.0). With <see cref="ReasonCode.DisconnectWithWillMessage"/> the server publishes the will. Default: normal disconnection.</param>
    /// <param name="cancellationToken">Ends the wait; the connection is closed all the same.</param>
    public ValueTask DisconnectAsync(ReasonCode reasonCode = ReasonCode.NormalDisconnection, CancellationToken cancellationToken = default) =>
        DisconnectAsync(new DisconnectPacket { ReasonCode = reasonCode }, cancellationToken);

    /// <summary>Disconnects with a DISCONNECT that may carry a reason string, user properties or another session expiry (5.0).</summary>
    /// <param name="packet">The packet to send.</param>
    /// <param name="cancellationToken">Ends the wait; the connection is closed all the same.</param>
    public ValueTask DisconnectAsync(DisconnectPacket packet, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(packet);
        return transport.DisconnectAsync(packet, cancellationToken);
    }

    /// <summary>Publishes a message with a text as its payload, in UTF-8.</summary>
    /// <inheritdoc cref="PublishAsync(MqttMessage, CancellationToken)"/>
    public ValueTask<MqttPublishResult> PublishAsync(
        MqttString topic,
        string payload,
        QualityOfService qualityOfService = QualityOfService.AtMostOnce,
        bool retain = false,
        CancellationToken cancellationToken = default)
    {
        if (intercepted is not null)
            return PublishAsync(topic, Encoding.UTF8.GetBytes(payload ?? "").AsMemory(), qualityOfService, retain, cancellationToken);

        // The payload is copied before this returns.
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Max(StackBytes, Encoding.UTF8.GetMaxByteCount(payload?.Length ?? 0)));
        try
        {
            var length = Encoding.UTF8.GetBytes(payload, buffer);
            return PublishAsync(topic, buffer.AsMemory(0, length), qualityOfService, retain, cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Publishes a message.</summary>
    /// <inheritdoc cref="PublishAsync(MqttMessage, CancellationToken)"/>
    public ValueTask<MqttPublishResult> PublishAsync(
        MqttString topic,
        ReadOnlyMemory<byte> payload,
        QualityOfService qualityOfService = QualityOfService.AtMostOnce,
        bool retain = false,
        CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<MqttPublishResult>(cancellationToken);
        if (intercepted is not null)
            return intercepted(new MqttMessage(topic, payload) { QualityOfService = qualityOfService, Retain = retain }, cancellationToken);
        var packet = Borrow();
        packet.Topic = topic;
        packet.Payload = payload;
        packet.QualityOfService = qualityOfService;
        packet.Retain = retain;
        return PublishAsync(packet, policy: null, cancellationToken);
    }

    /// <summary>
    /// Publishes a message. At QoS 0 it completes once the message is handed over to the connection, which is at once unless too much waits for the
    /// network; at QoS 1 and 2 with the server's acknowledgement, however long the server's Receive Maximum makes it wait. The result carries the reason
    /// code. The payload may be used again once it has completed.
    /// <para>
    /// While the client connects or reconnects, QoS 1 and 2 wait in the queue that <see cref="MqttClientOptions.Queue"/> bounds, and QoS 0 fails; both may be changed
    /// there, and for a single message. A message in flight is sent again if the next connection resumes the session; if the server has lost it, QoS 1 is published
    /// anew, and QoS 2 fails, since nobody can know the outcome.
    /// </para>
    /// <para>
    /// Message expiry counts down while the message waits (5.0): what is sent says how much is left. If nothing is, the message is dropped and counted, and its result is
    /// <see cref="ReasonCode.ImplementationSpecificError"/>.
    /// </para>
    /// </summary>
    /// <exception cref="MqttConnectionException">
    /// There is no connection, and the message is not to wait for one or none is being made; or the client stopped making one. What was never sent is forgotten then,
    /// unless the queue has a store; what was in flight may be delivered.
    /// </exception>
    /// <exception cref="MqttStoreException">The store of the queue cannot take the message in; it was not sent.</exception>
    /// <exception cref="MqttRefusedException">The message goes beyond what the server announced: QoS, RETAIN, packet size. It was not sent.</exception>
    /// <exception cref="ArgumentException">The message cannot be sent in any way: the topic name is not well formed, or a property has no place here.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled. A message that was in flight then stays so, and may be delivered.</exception>
    public ValueTask<MqttPublishResult> PublishAsync(MqttMessage message, CancellationToken cancellationToken = default) => PublishAsync(message, null, cancellationToken);

    /// <summary>Publishes a message, with a policy of its own in place of that of <see cref="MqttClientOptions.Queue"/>.</summary>
    /// <param name="message">The message.</param>
    /// <param name="policy">What becomes of it while it cannot be sent.</param>
    /// <param name="cancellationToken">Ends the wait; a message that was not sent yet never is.</param>
    /// <inheritdoc cref="PublishAsync(MqttMessage, CancellationToken)"/>
    public ValueTask<MqttPublishResult> PublishAsync(MqttMessage message, MqttQueuePolicy policy, CancellationToken cancellationToken = default) =>
        PublishAsync(message, (MqttQueuePolicy?)policy, cancellationToken);

    /// <summary>
    /// Registers a stream for the messages of a filter, at any time. With a connection SUBSCRIBE goes out at once, else right after the
    /// next CONNACK, so that no queued message of a resumed session is missed. It does not wait for the answer: a refusal ends the stream with
    /// <see cref="MqttRefusedException"/>.
    /// </summary>
    /// <param name="filter">The topic filter; it may hold wildcards and begin with <c>$share/name/</c>.</param>
    /// <param name="qualityOfService">The highest QoS at which messages are to come. Default: QoS 0.</param>
    /// <param name="options">What else to ask for. Default: see there.</param>
    /// <exception cref="ArgumentException">The filter is not well formed.</exception>
    public MqttSubscription Subscribe(MqttString filter, QualityOfService qualityOfService = QualityOfService.AtMostOnce, MqttSubscriptionOptions? options = null) =>
        Register(Single(filter, qualityOfService, options), options, handler: null, needsConnection: false);

    /// <summary>Registers a handler for the messages of a filter.</summary>
    /// <param name="filter">The topic filter; it may hold wildcards and begin with <c>$share/name/</c>.</param>
    /// <param name="handler">
    /// Called at the thread pool for one message after the other; the message is borrowed until its task completes, and acknowledged then. It may call
    /// the client. The token is cancelled when the subscription is disposed.
    /// </param>
    /// <param name="qualityOfService">The highest QoS at which messages are to come. Default: QoS 0.</param>
    /// <param name="options">What else to ask for. Default: see there.</param>
    /// <inheritdoc cref="Subscribe(MqttString, QualityOfService, MqttSubscriptionOptions)"/>
    public MqttSubscription Subscribe(
        MqttString filter,
        Func<MqttMessage, CancellationToken, ValueTask> handler,
        QualityOfService qualityOfService = QualityOfService.AtMostOnce,
        MqttSubscriptionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return Register(Single(filter, qualityOfService, options), options, handler, needsConnection: false);
    }

    /// <summary>Registers one stream, or one handler, for the messages of several filters, in the order in which they come.</summary>
    /// <param name="filters">The filters with their options; at least one.</param>
    /// <param name="handler">As for a single filter. Default: none, and the subscription is a stream.</param>
    /// <param name="options">The bounds of the stream and how it ends; what is asked for stands in <paramref name="filters"/>. Default: see there.</param>
    /// <exception cref="ArgumentException">A filter is not well formed, or there is none.</exception>
    public MqttSubscription Subscribe(
        IEnumerable<TopicSubscription> filters,
        Func<MqttMessage, CancellationToken, ValueTask>? handler = null,
        MqttSubscriptionOptions? options = null) => Register([.. filters], options, handler, needsConnection: false);

    /// <summary>Subscribes with a stream, and waits for the server's answer.</summary>
    /// <exception cref="MqttRefusedException">The server refused.</exception>
    /// <exception cref="MqttConnectionException">There is no connection and none is being made, or the client stopped making one.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled, and the subscription is withdrawn.</exception>
    /// <inheritdoc cref="Subscribe(MqttString, QualityOfService, MqttSubscriptionOptions)"/>
    public ValueTask<MqttSubscription> SubscribeAsync(
        MqttString filter,
        QualityOfService qualityOfService = QualityOfService.AtMostOnce,
        MqttSubscriptionOptions? options = null,
        CancellationToken cancellationToken = default) =>
        AnsweredAsync(Register(Single(filter, qualityOfService, options), options, handler: null, needsConnection: true), cancellationToken);

    /// <summary>Subscribes with a handler, and waits for the server's answer.</summary>
    /// <exception cref="MqttRefusedException">The server refused.</exception>
    /// <exception cref="MqttConnectionException">There is no connection and none is being made, or the client stopped making one.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled, and the subscription is withdrawn.</exception>
    /// <inheritdoc cref="Subscribe(MqttString, Func{MqttMessage, CancellationToken, ValueTask}, QualityOfService, MqttSubscriptionOptions)"/>
    public ValueTask<MqttSubscription> SubscribeAsync(
        MqttString filter,
        Func<MqttMessage, CancellationToken, ValueTask> handler,
        QualityOfService qualityOfService = QualityOfService.AtMostOnce,
        MqttSubscriptionOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return AnsweredAsync(Register(Single(filter, qualityOfService, options), options, handler, needsConnection: true), cancellationToken);
    }

    /// <summary>Subscribes to several filters, and waits for the server's answers; <see cref="MqttSubscription.ReasonCodes"/> tells them one by one.</summary>
    /// <param name="filters">The filters with their options; at least one.</param>
    /// <param name="handler">As for a single filter. Default: none, and the subscription is a stream.</param>
    /// <param name="options">The bounds of the stream and how it ends. Default: see there.</param>
    /// <param name="cancellationToken">Withdraws the subscription.</param>
    /// <exception cref="ArgumentException">A filter is not well formed, or there is none.</exception>
    /// <exception cref="MqttRefusedException">The server refused every filter.</exception>
    /// <exception cref="MqttConnectionException">There is no connection and none is being made, or the client stopped making one.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled, and the subscription is withdrawn.</exception>
    public ValueTask<MqttSubscription> SubscribeAsync(
        IEnumerable<TopicSubscription> filters,
        Func<MqttMessage, CancellationToken, ValueTask>? handler = null,
        MqttSubscriptionOptions? options = null,
        CancellationToken cancellationToken = default) =>
        AnsweredAsync(Register([.. filters], options, handler, needsConnection: true), cancellationToken);

    /// <summary>
    /// Ends every subscription to a filter, here and at the server, also one that an earlier run of the program left there. What waits in
    /// the streams can still be read; then they end.
    /// </summary>
    /// <returns>Success, or <see cref="ReasonCode.NoSubscriptionExisted"/>; in 3.x always success.</returns>
    /// <exception cref="MqttRefusedException">The server refused.</exception>
    /// <exception cref="MqttConnectionException">There is no connection and none is being made, or the client stopped making one.</exception>
    /// <exception cref="ArgumentException">The filter is not well formed.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public ValueTask<ReasonCode> UnsubscribeAsync(MqttString filter, CancellationToken cancellationToken = default)
    {
        RequireFilter(filter, noLocal: false);
        return session.UnsubscribeAsync(filter, cancellationToken);
    }

    /// <summary>
    /// Disconnects, ends every stream and handler, and fails whoever waits. A session under a generated identifier, which nobody can resume, ends
    /// with it (5.0). What streams have not handed out stays unacknowledged.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref isDisposed, 1) != 0)
            return;
        ClientMeter.Remove(this);
        await transport.DisposeAsync().ConfigureAwait(false);
        await session.DisposeAsync().ConfigureAwait(false);
        await status.DisposeAsync().ConfigureAwait(false);
        responses.Dispose();
    }

    private static PublishPacket Borrow()
    {
        var packet = scratch ?? new PublishPacket();
        scratch = null;
        return packet;
    }

    private static PublishPacket Borrow(MqttMessage message)
    {
        var packet = Borrow();
        packet.Topic = message.Topic;
        packet.Payload = message.Payload;
        packet.QualityOfService = message.QualityOfService;
        packet.Retain = message.Retain;
        packet.Properties = WithoutHops(message.Properties);
        return packet;
    }

    private static void GiveBack(PublishPacket packet)
    {
        (packet.Topic, packet.Payload, packet.Properties, packet.PacketId) = (default, default, default, 0);
        scratch = packet;
    }

    private ValueTask<MqttPublishResult> PublishAsync(MqttMessage message, MqttQueuePolicy? policy, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<MqttPublishResult>(cancellationToken);
        if (intercepted is null)
            return PublishDirectlyAsync(message, policy, cancellationToken);
        var publish = policy is null ? intercepted : Intercepted(policy);
        return publish(message, cancellationToken);
    }

    private Func<MqttMessage, CancellationToken, ValueTask<MqttPublishResult>> Intercepted(MqttQueuePolicy? policy) =>
        InterceptorChain.AroundPublish(Options.Interceptors, (message, cancellationToken) => PublishDirectlyAsync(message, policy, cancellationToken));

    private ValueTask<MqttPublishResult> PublishDirectlyAsync(MqttMessage message, MqttQueuePolicy? policy, CancellationToken cancellationToken) =>
        PublishAsync(Borrow(message), policy, cancellationToken);

    private ValueTask<MqttPublishResult> PublishAsync(PublishPacket packet, MqttQueuePolicy? policy, CancellationToken cancellationToken)
    {
        try
        {
            return ClientTracing.IsWanted ? PublishTracedAsync(packet, policy, cancellationToken) : session.PublishAsync(packet, policy, cancellationToken);
        }
        catch (Exception refused) when (refused is MqttConnectionException or MqttRefusedException or MqttStoreException)
        {
            return ValueTask.FromException<MqttPublishResult>(refused);
        }
        finally
        {
            GiveBack(packet);
        }
    }

    // The packet is done with when this returns, as without a trace.
    private async ValueTask<MqttPublishResult> PublishTracedAsync(PublishPacket packet, MqttQueuePolicy? policy, CancellationToken cancellationToken)
    {
        using var activity = ClientTracing.StartPublish(packet, Options, ClientId);
        try
        {
            var result = await session.PublishAsync(packet, policy, cancellationToken).ConfigureAwait(false);
            ClientTracing.SetResult(activity, result);
            return result;
        }
        catch (Exception error)
        {
            ClientTracing.SetError(activity, error);
            throw;
        }
    }

    // A message that was received may be published as it is: what belongs to the way it came does not go along.
    private static MqttProperties WithoutHops(MqttProperties properties)
    {
        if (properties.GetNumber(PropertyId.TopicAlias) is not null)
            properties = properties.With(PropertyId.TopicAlias, (uint?)null);
        if (properties.GetNumber(PropertyId.SubscriptionIdentifier) is not null)
            properties = properties.With(PropertyId.SubscriptionIdentifier, (uint?)null);
        return properties;
    }

    private static TopicSubscription[] Single(MqttString filter, QualityOfService qualityOfService, MqttSubscriptionOptions? options)
    {
        options ??= MqttSubscriptionOptions.Default;
        return [new(filter, qualityOfService) { NoLocal = options.NoLocal, RetainAsPublished = options.RetainAsPublished, RetainHandling = options.RetainHandling }];
    }

    private static void RequireFilter(MqttString filter, bool noLocal)
    {
        var isShared = MqttTopic.IsShared(filter.Span);
        if (!MqttTopic.IsValidFilter(filter.Span, allowDisallowedCodePoints: true) || (isShared && !MqttTopic.TryParseShared(filter.Span, out _, out _)))
            throw new ArgumentException($"'{filter}' is no topic filter.", nameof(filter));
        if (isShared && noLocal)
            throw new ArgumentException("A shared subscription cannot be No Local.", nameof(filter)); // [MQTT-3.8.3-4]
    }

    private MqttSubscription Register(
        TopicSubscription[] filters,
        MqttSubscriptionOptions? options,
        Func<MqttMessage, CancellationToken, ValueTask>? handler,
        bool needsConnection)
    {
        if (filters.Length == 0)
            throw new ArgumentException("A subscription has at least one filter.", nameof(filters));
        foreach (ref var wanted in filters.AsSpan())
        {
            RequireFilter(wanted.Filter, wanted.NoLocal);
            wanted = wanted with { Filter = wanted.Filter.ToOwned() };
        }

        if (handler is not null)
            handler = ClientTracing.Around(handler, filters, session);
        options = (options ?? MqttSubscriptionOptions.Default).Validate(handler is not null);
        var subscription = new MqttSubscription(session, filters, options, handler);
        session.Add(subscription, needsConnection);
        subscription.Start();
        return subscription;
    }

    private static async ValueTask<MqttSubscription> AnsweredAsync(MqttSubscription subscription, CancellationToken cancellationToken)
    {
        try
        {
            if (await subscription.Answered.WaitAsync(cancellationToken).ConfigureAwait(false) is { } error)
                throw new MqttConnectionException(error.Message, error);
            if (subscription.ReasonCodes.All(code => code >= ReasonCode.UnspecifiedError))
                throw subscription.RefusalOf(subscription.ReasonCodes[0]!.Value);
            return subscription;
        }
        catch
        {
            await subscription.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
