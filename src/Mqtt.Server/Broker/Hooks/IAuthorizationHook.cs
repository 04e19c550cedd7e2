using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>
/// May this client publish there, may it subscribe to that? Asked before every other hook of a message or subscription, with what the client
/// itself named. If there are several, all of them must allow it. One that throws denies.
/// </summary>
public interface IAuthorizationHook : IBrokerHook
{
    /// <summary>
    /// Whether the client may publish this. A will is asked about when it is to be published, and, where that is to keep its client out
    /// (<see cref="MqttBrokerOptions.RefusesForbiddenWills"/>), when its client connects as well. Default: yes.
    /// </summary>
    ValueTask<bool> MayPublishAsync(BrokerClient client, PublishAccess access) => new(true);

    /// <summary>Whether the client may have this subscription. Default: yes.</summary>
    ValueTask<bool> MaySubscribeAsync(BrokerClient client, TopicSubscription subscription) => new(true);
}
