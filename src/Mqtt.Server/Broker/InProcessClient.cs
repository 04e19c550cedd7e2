using System.IO.Pipelines;
using System.Text;
using Microsoft.Extensions.Logging;
using Mqtt.Protocol;
using Mqtt.Server.Broker.InProcess;
using Mqtt.Server.Broker.Telemetry;

namespace Mqtt.Server.Broker;

/// <summary>
/// A client of a broker within the broker's own process, without a socket: made by
/// <see cref="MqttBroker.ConnectAsync(string, InProcessClientOptions?, CancellationToken)"/>. To the broker it is a client as any other, with a session,
/// windows, a queue and the rules of takeover; it speaks 5.0. It lives as long as its connection: to connect again, make another. Any thread.
/// </summary>
/// <remarks>Handlers run on the thread pool, each subscription's in order, and may use the client.</remarks>
public sealed class InProcessClient : IAsyncDisposable
{
    private readonly InProcessClientOptions options;
    private readonly PipeScheduler scheduler;
    private readonly BrokerStatistics statistics;
    private readonly MqttPacketReader reader = new(MqttProtocolVersion.V500, MqttSender.Server);
    private readonly Requests requests;
    private readonly Receipts receipts;
    private readonly Routes routes = new();
    private readonly InProcessSubscription? unclaimed;
    private readonly MqttConnection connection;

    // CONNACK, and what it said.
    private readonly TaskCompletionSource<ReasonCode> accepted = new();
    private SemaphoreSlim window = new(0);
    private bool hasIdentifiers = true;

    // How it ended.
    private readonly TaskCompletionSource<ReasonCode> closed = new();
    private ReasonCode goodbye = ReasonCode.UnspecifiedError;

    internal InProcessClient(string clientId, InProcessClientOptions options, MqttBrokerOptions broker, BrokerStatistics statistics, InProcessServer server)
    {
        this.options = options;
        this.statistics = statistics;
        scheduler = broker.Scheduler;
        Logger = broker.Logger;
        ClientId = clientId;
        requests = new Requests(scheduler);
        receipts = new Receipts(packet => connection!.Inject(packet));
        if (options.Unclaimed is { } handler)
            (unclaimed = new InProcessSubscription(this, default, new Inbox(options.QueueCount, scheduler), handler)).Start();
        connection = server.Serve(new InProcessChannel(scheduler, OnBytes, OnEnded, OnGone));
        connection.State = new InProcessLogin(options.BypassesRights);
    }

    /// <summary>The client identifier: the one it was made with, or the one that the broker assigned.</summary>
    public string ClientId { get; private set; }

    /// <summary>True if the client goes on with a session that was there.</summary>
    public bool SessionPresent { get; private set; }

    /// <summary>True until the client is disconnected, by itself or by the broker.</summary>
    public bool IsConnected { get; private set; }

    /// <summary>Completes when the connection is over, with the reason: the code of the broker's DISCONNECT, or success if the client said goodbye itself.</summary>
    public Task<ReasonCode> Closed => closed.Task;

    internal ILogger Logger { get; }

    /// <summary>Publishes a message with a text as its payload, in UTF-8.</summary>
    /// <inheritdoc cref="PublishAsync(PublishPacket, CancellationToken)"/>
    public ValueTask<ReasonCode> PublishAsync(
        MqttString topic, string payload, QualityOfService qualityOfService = QualityOfService.AtMostOnce, bool retain = false, CancellationToken cancellationToken = default) =>
        PublishAsync(topic, Encoding.UTF8.GetBytes(payload), qualityOfService, retain, cancellationToken);

    /// <summary>Publishes a message.</summary>
    /// <inheritdoc cref="PublishAsync(PublishPacket, CancellationToken)"/>
    public ValueTask<ReasonCode> PublishAsync(
        MqttString topic, ReadOnlyMemory<byte> payload, QualityOfService qualityOfService = QualityOfService.AtMostOnce, bool retain = false, CancellationToken cancellationToken = default) =>
        PublishAsync(new PublishPacket { Topic = topic, Payload = payload, QualityOfService = qualityOfService, Retain = retain }, cancellationToken);

    /// <summary>
    /// Publishes a message with all properties that it may have; its packet identifier is chosen here. Completes with the broker's answer: at QoS 1 and 2 once the
    /// message is in every session that it matched, and safe in those that outlive the broker; at QoS 0, with success, once the broker has taken it. The message is
    /// copied before this returns.
    /// </summary>
    /// <exception cref="ArgumentException">The message cannot be sent in any way: the topic name is not well formed, or a property has no place here.</exception>
    /// <exception cref="MqttConnectionException">The client is not connected any more.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled; the message may be published all the same.</exception>
    public ValueTask<ReasonCode> PublishAsync(PublishPacket message, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        message = BrokerTracing.WithContext(message);
        return message.QualityOfService == QualityOfService.AtMostOnce ? PublishAtMostOnceAsync(message, cancellationToken) : PublishAcknowledgedAsync(message, cancellationToken);
    }

    /// <summary>Subscribes with a stream, and waits for the broker's answer.</summary>
    /// <param name="filter">The topic filter.</param>
    /// <param name="qualityOfService">The highest QoS at which messages are to come. Default: QoS 0.</param>
    /// <param name="cancellationToken">Ends the wait; the subscription is withdrawn.</param>
    /// <inheritdoc cref="SubscribeAsync(TopicSubscription, Func{PublishPacket, CancellationToken, ValueTask}?, CancellationToken)"/>
    public ValueTask<InProcessSubscription> SubscribeAsync(
        MqttString filter, QualityOfService qualityOfService = QualityOfService.AtMostOnce, CancellationToken cancellationToken = default) =>
        SubscribeAsync(new TopicSubscription(filter, qualityOfService), handler: null, cancellationToken);

    /// <summary>Subscribes with a handler, and waits for the broker's answer.</summary>
    /// <param name="filter">The topic filter.</param>
    /// <param name="handler">Gets one message after the other, on the thread pool. What it throws is logged.</param>
    /// <param name="qualityOfService">The highest QoS at which messages are to come. Default: QoS 0.</param>
    /// <param name="cancellationToken">Ends the wait; the subscription is withdrawn.</param>
    /// <inheritdoc cref="SubscribeAsync(TopicSubscription, Func{PublishPacket, CancellationToken, ValueTask}?, CancellationToken)"/>
    public ValueTask<InProcessSubscription> SubscribeAsync(
        MqttString filter,
        Func<PublishPacket, CancellationToken, ValueTask> handler,
        QualityOfService qualityOfService = QualityOfService.AtMostOnce,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return SubscribeAsync(new TopicSubscription(filter, qualityOfService), handler, cancellationToken);
    }

    /// <summary>Subscribes with all options, and waits for the broker's answer.</summary>
    /// <param name="subscription">The filter and what is asked for.</param>
    /// <param name="handler">Gets one message after the other, on the thread pool. What it throws is logged. Default: none, and the subscription is a stream.</param>
    /// <param name="cancellationToken">Ends the wait; the subscription is withdrawn.</param>
    /// <exception cref="ArgumentException">The filter is not well formed.</exception>
    /// <exception cref="BrokerRefusedException">The broker refused, with the reason.</exception>
    /// <exception cref="MqttConnectionException">The client is not connected any more.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled, and the subscription is withdrawn.</exception>
    public async ValueTask<InProcessSubscription> SubscribeAsync(
        TopicSubscription subscription, Func<PublishPacket, CancellationToken, ValueTask>? handler = null, CancellationToken cancellationToken = default)
    {
        var filter = subscription.Filter.ToOwned();
        var made = new InProcessSubscription(this, filter, new Inbox(options.QueueCount, scheduler), handler);
        var identifier = routes.Add(made);
        made.Start();
        try
        {
            var answer = requests.Begin(out var packetId);
            var packet = new SubscribePacket { PacketId = packetId, Subscriptions = [subscription with { Filter = filter }] };
            if (hasIdentifiers)
                packet.SubscriptionIdentifier = identifier;
            Send(packet);
            made.ReasonCode = (await answer.WaitAsync(cancellationToken).ConfigureAwait(false))[0];
        }
        catch
        {
            await made.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        if (made.ReasonCode < ReasonCode.UnspecifiedError)
            return made;
        routes.Remove(made);
        await made.StopAsync().ConfigureAwait(false);
        throw new BrokerRefusedException($"The broker refused the subscription to {filter}", made.ReasonCode);
    }

    /// <summary>Unsubscribes from a filter, also from one that an earlier run of the program left in the session, and ends its subscriptions.</summary>
    /// <exception cref="ArgumentException">The filter is not well formed.</exception>
    /// <exception cref="MqttConnectionException">The client is not connected any more.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public async ValueTask<ReasonCode> UnsubscribeAsync(MqttString filter, CancellationToken cancellationToken = default)
    {
        var answer = requests.Begin(out var packetId);
        Send(new UnsubscribePacket { PacketId = packetId, Filters = [filter] });
        var codes = await answer.WaitAsync(cancellationToken).ConfigureAwait(false);
        foreach (var subscription in routes.RemoveAll(filter))
            await subscription.StopAsync().ConfigureAwait(false);
        return codes[0];
    }

    /// <summary>Says goodbye, and completes when the broker has done with the connection. Harmless if repeated.</summary>
    /// <param name="reasonCode">With <see cref="ReasonCode.DisconnectWithWillMessage"/> the broker publishes the will. Default: normal disconnection.</param>
    public async ValueTask DisconnectAsync(ReasonCode reasonCode = ReasonCode.NormalDisconnection)
    {
        if (IsConnected)
            goodbye = ReasonCode.Success;
        connection.Inject(new DisconnectPacket { ReasonCode = reasonCode });
        await closed.Task.ConfigureAwait(false);
    }

    /// <summary>Says goodbye, and waits for the handlers, whose tokens are cancelled; but not for one that calls this.</summary>
    public async ValueTask DisposeAsync()
    {
        await DisconnectAsync().ConfigureAwait(false);
        foreach (var subscription in routes.All)
            await subscription.StopAsync().ConfigureAwait(false);
        if (unclaimed is not null)
            await unclaimed.StopAsync().ConfigureAwait(false);
    }

    /// <summary>Sends CONNECT, and waits for CONNACK.</summary>
    internal async ValueTask ConnectAsync(CancellationToken cancellationToken)
    {
        connection.Inject(ConnectPacket());
        ReasonCode answer;
        try
        {
            answer = await accepted.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            connection.Abort();
            throw;
        }

        if (answer != ReasonCode.Success)
            throw new BrokerRefusedException($"The broker refused the in-process client {ClientId}", answer);

        // It answers as long as the program runs, and sends no pings.
        connection.KeepAlive = TimeSpan.Zero;
    }

    /// <summary>Takes a subscription out, and unsubscribes if it was the last with its filter.</summary>
    internal async ValueTask RemoveAsync(InProcessSubscription subscription)
    {
        if (!routes.Remove(subscription) || !IsConnected)
            return;
        try
        {
            var answer = requests.Begin(out var packetId);
            Send(new UnsubscribePacket { PacketId = packetId, Filters = [subscription.Filter] });
            await answer.ConfigureAwait(false);
        }
        catch (MqttConnectionException)
        {
            // The connection was faster, and the subscription goes with it or stays in the session.
        }
    }

    private ConnectPacket ConnectPacket()
    {
        var packet = new ConnectPacket
        {
            Version = MqttProtocolVersion.V500,
            ClientId = ClientId,
            CleanStart = options.CleanStart,
            KeepAliveSeconds = 0,
            ReceiveMaximum = options.ReceiveMaximum,
            Will = options.Will,
        };
        if (options.SessionExpirySeconds > 0)
            packet.SessionExpiryInterval = options.SessionExpirySeconds;
        if (options.UserName is { } userName)
            packet.UserName = userName;
        if (options.Password is { } password)
            packet.Password = password;
        return packet;
    }

    private async ValueTask<ReasonCode> PublishAtMostOnceAsync(PublishPacket message, CancellationToken cancellationToken)
    {
        // Waits where the broker lets a publisher wait, for the sake of a slow subscriber.
        await connection.InjectAsync(message, cancellationToken).ConfigureAwait(false);
        return ReasonCode.Success;
    }

    private async ValueTask<ReasonCode> PublishAcknowledgedAsync(PublishPacket message, CancellationToken cancellationToken)
    {
        await window.WaitAsync(cancellationToken).ConfigureAwait(false);
        var answer = requests.Begin(out var packetId);
        try
        {
            Send(new PublishPacket
            {
                Topic = message.Topic,
                Payload = message.Payload,
                QualityOfService = message.QualityOfService,
                Retain = message.Retain,
                Properties = message.Properties,
                PacketId = packetId,
            });
        }
        catch
        {
            requests.Complete(packetId, ReasonCode.UnspecifiedError);
            window.Release();
            throw;
        }

        return (await answer.WaitAsync(cancellationToken).ConfigureAwait(false))[0];
    }

    private void Send(MqttPacket packet)
    {
        if (!connection.Inject(packet))
            throw new MqttConnectionException();
    }

    // What the broker writes, on the writer's thread: read, hand on, and do nothing that could keep it. One write at a time.
    private void OnBytes(ReadOnlyMemory<byte> bytes)
    {
        ReadOnlyMemory<byte> rest = bytes.ToArray();
        while (reader.TryRead(rest, out var packet, out var consumed))
        {
            rest = rest[consumed..];
            OnPacket(packet);
        }
    }

    private void OnPacket(MqttPacket packet)
    {
        switch (packet)
        {
            case PublishPacket message:
                reader.Detach();
                OnMessage(message);
                break;
            case PubAckPacket acknowledged:
                OnPublished(acknowledged.PacketId, acknowledged.ReasonCode);
                break;
            case PubRecPacket { ReasonCode: >= ReasonCode.UnspecifiedError } refused:
                OnPublished(refused.PacketId, refused.ReasonCode);
                break;
            case PubRecPacket received:
                requests.Prepare(received.PacketId, received.ReasonCode);
                connection.Inject(new PubRelPacket { PacketId = received.PacketId });
                break;
            case PubCompPacket completed:
                OnPublished(completed.PacketId);
                break;
            case PubRelPacket release:
                connection.Inject(new PubCompPacket { PacketId = release.PacketId });
                break;
            case SubAckPacket answer:
                requests.Complete(answer.PacketId, [.. answer.ReasonCodes]);
                break;
            case UnsubAckPacket answer:
                requests.Complete(answer.PacketId, [.. answer.ReasonCodes]);
                break;
            case ConnAckPacket answer:
                OnAnswered(answer);
                break;
            case DisconnectPacket last:
                goodbye = last.ReasonCode;
                break;
        }
    }

    private void OnAnswered(ConnAckPacket answer)
    {
        var code = answer.ReasonCode;
        if (code == ReasonCode.Success)
        {
            SessionPresent = answer.SessionPresent;
            ClientId = answer.AssignedClientIdentifier?.ToString() ?? ClientId;
            hasIdentifiers = answer.SubscriptionIdentifierAvailable ?? true;
            window = new SemaphoreSlim(answer.ReceiveMaximum ?? ushort.MaxValue);
            IsConnected = true;
        }

        goodbye = code == ReasonCode.Success ? ReasonCode.UnspecifiedError : code;
        scheduler.Schedule(_ => accepted.TrySetResult(code), null);
    }

    private void OnPublished(ushort packetId, params IReadOnlyList<ReasonCode> codes)
    {
        requests.Complete(packetId, codes);
        window.Release();
    }

    private void OnMessage(PublishPacket message)
    {
        var receivers = routes.Find(message);
        if (receivers.Count == 0 && unclaimed is not null)
            receivers.Add(unclaimed);
        var receipt = message.QualityOfService == QualityOfService.AtMostOnce ? null : receipts.Add(message, Math.Max(1, receivers.Count));
        if (receivers.Count == 0)
            receipt?.OnDone();
        foreach (var receiver in receivers)
        {
            if (receiver.TryAdd(message, receipt))
                continue;
            if (receipt is null)
                statistics.OnDropped(DropCause.OutboxFull);
            else
                receipt.OnDone();
        }
    }

    private void OnEnded()
    {
        IsConnected = false;
        requests.EndAll();

        // Who waits for his turn to publish learns now that it will not come.
        window.Release(ushort.MaxValue);
        foreach (var subscription in routes.All)
            subscription.Complete();
        unclaimed?.Complete();
    }

    private void OnGone() => scheduler.Schedule(
        _ =>
        {
            accepted.TrySetResult(goodbye);
            closed.TrySetResult(goodbye);
        },
        null);
}
