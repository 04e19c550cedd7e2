using System.Text;
using Mqtt.Protocol;
using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Services;
using Mqtt.Server.Broker.Telemetry;

namespace Mqtt.Server;

// What the program that has the broker may do with it.
public sealed partial class MqttBroker
{
    /// <summary>The clients that are connected.</summary>
    public BrokerClients Clients { get; }

    /// <summary>The sessions, connected or not.</summary>
    public BrokerSessions Sessions { get; }

    /// <summary>The subscriptions, and who would get a message.</summary>
    public BrokerSubscriptions Subscriptions { get; }

    /// <summary>The retained messages.</summary>
    public BrokerRetained Retained { get; }

    /// <summary>Connects a client that lives in this process.</summary>
    /// <param name="clientId">Its identifier; empty to be assigned one. A client of the same name is taken over, as always.</param>
    /// <param name="options">How it connects. Default: with all rights and a session that ends with it.</param>
    /// <param name="cancellationToken">Gives up; there is no client then.</param>
    /// <exception cref="BrokerRefusedException">The broker refused, with the reason.</exception>
    /// <exception cref="MqttConnectionException">There is no room for another connection.</exception>
    /// <exception cref="ObjectDisposedException">The broker has ended.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async ValueTask<InProcessClient> ConnectAsync(string clientId, InProcessClientOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(clientId);
        options ??= new InProcessClientOptions();
        options.Validate();
        var client = new InProcessClient(clientId, options, Options, Statistics, inProcess);
        await client.ConnectAsync(cancellationToken).ConfigureAwait(false);
        return client;
    }

    /// <summary>Publishes a message with a text as its payload, in UTF-8, for the program itself.</summary>
    /// <inheritdoc cref="PublishAsync(PublishPacket, BrokerPublishTargets?, CancellationToken)"/>
    public ValueTask<BrokerPublishResult> PublishAsync(
        MqttString topic, string payload, QualityOfService qualityOfService = QualityOfService.AtMostOnce, bool retain = false, CancellationToken cancellationToken = default) =>
        PublishAsync(topic, Encoding.UTF8.GetBytes(payload), qualityOfService, retain, cancellationToken);

    /// <summary>Publishes a message for the program itself.</summary>
    /// <inheritdoc cref="PublishAsync(PublishPacket, BrokerPublishTargets?, CancellationToken)"/>
    public ValueTask<BrokerPublishResult> PublishAsync(
        MqttString topic, ReadOnlyMemory<byte> payload, QualityOfService qualityOfService = QualityOfService.AtMostOnce, bool retain = false, CancellationToken cancellationToken = default) =>
        PublishAsync(new PublishPacket { Topic = topic, Payload = payload, QualityOfService = qualityOfService, Retain = retain }, targets: null, cancellationToken);

    /// <summary>
    /// Publishes a message for the program itself, with all properties that it may have; its packet identifier, DUP flag and topic alias mean nothing here. No
    /// hook is asked, and <c>$SYS</c> may be written. The message is with everybody who gets it when this returns; the task completes when every durable session
    /// and the store of retained messages hold it.
    /// </summary>
    /// <param name="message">The message; copied before this returns.</param>
    /// <param name="targets">Only these clients get it. Default: everybody who subscribes.</param>
    /// <param name="cancellationToken">Ends the wait; the message is published all the same.</param>
    /// <exception cref="ArgumentException">The topic is no topic name.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public ValueTask<BrokerPublishResult> PublishAsync(PublishPacket message, BrokerPublishTargets? targets = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        return BrokerTracing.IsWanted ? PublishTracedAsync(message, targets, cancellationToken) : embedding.PublishAsync(message, targets, cancellationToken);
    }

    /// <summary>
    /// Subscribes for a client, connected or with a session that waits for it: nobody is asked, the client gets no SUBACK, but the retained messages. Completes when the
    /// subscriptions are safe in the store.
    /// </summary>
    /// <param name="clientId">The client.</param>
    /// <param name="subscriptions">What it is to get.</param>
    /// <param name="identifier">The subscription identifier that comes with the messages; 0 for none. Default: none.</param>
    /// <param name="cancellationToken">Ends the wait; the subscriptions stay.</param>
    /// <returns>The granted QoS of each, or why it was refused; <see langword="null"/> if the client has no session.</returns>
    /// <exception cref="ArgumentException">A filter is not well formed.</exception>
    public ValueTask<IReadOnlyList<ReasonCode>?> SubscribeAsync(
        string clientId, IReadOnlyList<TopicSubscription> subscriptions, uint identifier = 0, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(clientId);
        ArgumentNullException.ThrowIfNull(subscriptions);
        return Until(() => embedding.SubscribeAsync(clientId, subscriptions, identifier), cancellationToken);
    }

    /// <summary>Unsubscribes for a client, connected or not; it is not told. Completes when that is safe in the store.</summary>
    /// <param name="clientId">The client.</param>
    /// <param name="filters">The whole filters, as they were subscribed to.</param>
    /// <param name="cancellationToken">Ends the wait; the subscriptions are taken out all the same.</param>
    /// <returns>Success for each, or that no subscription existed; <see langword="null"/> if the client has no session.</returns>
    public ValueTask<IReadOnlyList<ReasonCode>?> UnsubscribeAsync(string clientId, IReadOnlyList<MqttString> filters, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(clientId);
        ArgumentNullException.ThrowIfNull(filters);
        return Until(() => embedding.UnsubscribeAsync(clientId, filters), cancellationToken);
    }

    /// <summary>Ends a client's connection, and if wanted its session, also one without a connection. Completes when that is safe in the store.</summary>
    /// <param name="clientId">The client.</param>
    /// <param name="how">With which reason, with or without session and will. Default: see there.</param>
    /// <param name="cancellationToken">Ends the wait; the client is disconnected all the same.</param>
    /// <returns>False if there is nothing to end.</returns>
    public ValueTask<bool> DisconnectAsync(string clientId, BrokerDisconnect? how = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(clientId);
        return Until(() => embedding.DisconnectAsync(clientId, how ?? new BrokerDisconnect()), cancellationToken);
    }

    private async ValueTask<BrokerPublishResult> PublishTracedAsync(PublishPacket message, BrokerPublishTargets? targets, CancellationToken cancellationToken)
    {
        using var activity = BrokerTracing.StartPublish(message);
        return await embedding.PublishAsync(BrokerTracing.WithContext(message), targets, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Has a packet of a connected client handled as if the client had sent it; see <see cref="MqttConnection.InjectAsync"/>.</summary>
    /// <param name="clientId">The client.</param>
    /// <param name="packet">The packet; copied before this returns.</param>
    /// <param name="cancellationToken">Ends the wait; the packet is handled all the same.</param>
    /// <returns>False if the client is not connected.</returns>
    /// <exception cref="ArgumentException">The packet cannot be written.</exception>
    /// <exception cref="MqttProtocolException">The packet breaks the protocol, which has ended the client's connection.</exception>
    /// <exception cref="MqttConnectionException">The connection ended before it was the packet's turn.</exception>
    public async ValueTask<bool> InjectAsync(string clientId, MqttPacket packet, CancellationToken cancellationToken = default)
    {
        if (Clients.Find(clientId) is not { } client)
            return false;
        await client.Connection.InjectAsync(packet, cancellationToken).ConfigureAwait(false);
        return true;
    }

    // What has begun is done to its end, whoever still waits for it.
    private static ValueTask<T> Until<T>(Func<ValueTask<T>> action, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var doing = action();
        return doing.IsCompleted || !cancellationToken.CanBeCanceled ? doing : new(doing.AsTask().WaitAsync(cancellationToken));
    }
}
