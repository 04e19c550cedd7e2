using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>Is told of subscriptions.</summary>
public interface ISubscriptionObserver : IBrokerHook
{
    /// <summary>A SUBSCRIBE was answered; called for each filter.</summary>
    /// <param name="client">Who subscribed.</param>
    /// <param name="subscription">What it has now, or was refused.</param>
    /// <param name="reasonCode">The QoS that was granted, or the refusal.</param>
    ValueTask OnSubscribedAsync(BrokerClient client, TopicSubscription subscription, ReasonCode reasonCode) => default;

    /// <summary>An UNSUBSCRIBE was answered; called for each filter.</summary>
    /// <param name="client">Who unsubscribed.</param>
    /// <param name="filter">The filter that was taken out.</param>
    /// <param name="reasonCode">Success, or why not.</param>
    ValueTask OnUnsubscribedAsync(BrokerClient client, MqttString filter, ReasonCode reasonCode) => default;
}
