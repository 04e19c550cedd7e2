using System.Text;
using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Broker.Tests;

/// <summary>Is told everything, and writes it down in order.</summary>
internal class Recorder : IConnectionObserver, ISubscriptionObserver, IMessageObserver, IDeliveryObserver, IWillObserver, ISessionObserver, IRetainedObserver, IBrokerObserver
{
    private readonly List<string> entries = [];

    /// <summary>Only what begins so is written down. Default: everything.</summary>
    public string[] Only { get; init; } = [""];

    /// <summary>What was written down since the last look.</summary>
    public IReadOnlyList<string> Take()
    {
        string[] taken = [.. entries];
        entries.Clear();
        return taken;
    }

    public ValueTask OnStartedAsync(MqttBroker broker) => Add("started");

    public ValueTask OnStoppedAsync(MqttBroker broker) => Add("stopped");

    public ValueTask OnConnectedAsync(BrokerClient client, bool resumed) => Add($"connected {client}{(resumed ? " again" : "")}");

    public ValueTask OnDisconnectedAsync(BrokerClient client, MqttCloseCause cause, bool sessionEnded) =>
        Add($"disconnected {client} {cause.Kind} {cause.ReasonCode}{(sessionEnded ? " with session" : "")}");

    public ValueTask OnSubscribedAsync(BrokerClient client, TopicSubscription subscription, ReasonCode reasonCode) =>
        Add($"subscribed {client} {subscription.Filter} {(int)reasonCode:X2}");

    public ValueTask OnUnsubscribedAsync(BrokerClient client, MqttString filter, ReasonCode reasonCode) => Add($"unsubscribed {client} {filter} {(int)reasonCode:X2}");

    public ValueTask OnPublishedAsync(BrokerClient? client, BrokerMessage message, int receivers) =>
        Add($"published {client?.ClientId ?? "-"} {Show(message)} to {receivers}");

    public ValueTask OnPublishRefusedAsync(BrokerClient client, MqttString topic, ReasonCode reasonCode) => Add($"refused {client} {topic} {(int)reasonCode:X2}");

    public ValueTask OnDeliveredAsync(Delivery delivery, BrokerMessage message) =>
        Add($"delivered {Show(delivery)} {Show(message)}{(delivery.Duplicate ? " again" : "")}");

    public ValueTask OnAcknowledgedAsync(Delivery delivery, BrokerMessage message, bool refused) =>
        Add($"acknowledged {Show(delivery)} {Show(message)}{(refused ? " refused" : "")}");

    public ValueTask OnCompletedAsync(Delivery delivery) => Add($"completed {Show(delivery)}");

    public ValueTask OnDroppedAsync(Delivery delivery, BrokerMessage message, DropCause cause) => Add($"dropped {Show(delivery)} {Show(message)} {cause}");

    public ValueTask OnPacketIdsExhaustedAsync(string clientId) => Add($"exhausted {clientId}");

    public ValueTask OnWillPublishedAsync(string clientId, BrokerMessage message, int receivers) => Add($"will {clientId} {Show(message)} to {receivers}");

    public ValueTask OnSessionCreatedAsync(string clientId) => Add($"created {clientId}");

    public ValueTask OnSessionResumedAsync(string clientId) => Add($"resumed {clientId}");

    public ValueTask OnSessionEndedAsync(string clientId, SessionEnd cause) => Add($"ended {clientId} {cause}");

    public ValueTask OnRetainedAsync(BrokerMessage message) => Add($"retained {Show(message)}");

    public ValueTask OnRetainedRemovedAsync(MqttString topic) => Add($"retained removed {topic}");

    public ValueTask OnRetainedDeliveredAsync(string clientId, BrokerMessage message) => Add($"retained delivered {clientId} {Show(message)}");

    public ValueTask OnRetainedExpiredAsync(BrokerMessage message) => Add($"retained expired {Show(message)}");

    private static string Show(Delivery delivery) => $"{delivery.ClientId} {(int)delivery.QualityOfService}#{delivery.PacketId}";

    private static string Show(BrokerMessage message) => $"{message.Topic}: {Encoding.UTF8.GetString(message.Payload.Span)}";

    private ValueTask Add(string entry)
    {
        if (Only.Any(entry.StartsWith))
            entries.Add(entry);
        return default;
    }
}

/// <summary>The same on the connection's own thread.</summary>
internal sealed class InlineRecorder : Recorder, IInlineBrokerHook;
