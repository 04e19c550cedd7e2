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

    /// <summary>All subscriptions that are kept.</summary>
    IEnumerable<(string ClientId, TopicSubscription Subscription, uint Identifier)> Load();
}
