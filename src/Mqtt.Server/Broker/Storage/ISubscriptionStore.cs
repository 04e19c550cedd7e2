using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Storage;

/// <summary>Keeps subscriptions of sessions. See <see cref="IBrokerStore"/> for what a position is.</summary>
public interface ISubscriptionStore
{
    /// <summary>Adds a subscription, or replaces the one with the same filter. The filter may be borrowed.</summary>
    /// <param name="clientId">Whose it is.</param>
    /// <param name="subscription">The filter and the granted options.</param>
    /// <param name="identifier">The subscription identifier; 0 for none.</param>
    long Save(string clientId, TopicSubscription subscription, uint identifier);

    /// <summary>Deletes a subscription. Nothing happens if there is none.</summary>
    long Delete(string clientId, MqttString filter);

    /// <summary>
    /// Keeps how far the retained messages of a new subscription have been delivered, which happens in the order of the bytes of their topics.
    /// Saving the subscription anew alters nothing about that, deleting it ends it. Nothing happens if there is no such subscription.
    /// </summary>
    /// <param name="clientId">Whose it is.</param>
    /// <param name="filter">The subscription's filter.</param>
    /// <param name="after">The last topic that was delivered; empty if none was; <see langword="null"/> if nothing is pending any more.</param>
    long SaveRetained(string clientId, MqttString filter, MqttString? after);

    /// <summary>All subscriptions whose retained messages have not all been delivered, and the last topic that was.</summary>
    IEnumerable<(string ClientId, MqttString Filter, MqttString After)> LoadRetained();

    /// <summary>All subscriptions that are kept.</summary>
    IEnumerable<(string ClientId, TopicSubscription Subscription, uint Identifier)> Load();
}
