using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>Is told of retained messages.</summary>
public interface IRetainedObserver : IBrokerHook
{
    /// <summary>A message is now its topic's last.</summary>
    ValueTask OnRetainedAsync(BrokerMessage message) => default;

    /// <summary>A topic's message was removed by one without payload.</summary>
    ValueTask OnRetainedRemovedAsync(MqttString topic) => default;

    /// <summary>A retained message is on its way to a client that subscribed.</summary>
    ValueTask OnRetainedDeliveredAsync(string clientId, BrokerMessage message) => default;

    /// <summary>A retained message had expired, and was forgotten; noticed when somebody subscribes to its topic.</summary>
    ValueTask OnRetainedExpiredAsync(BrokerMessage message) => default;
}
