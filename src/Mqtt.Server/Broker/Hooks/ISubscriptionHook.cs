namespace Mqtt.Server.Broker.Hooks;

/// <summary>Has a say in subscriptions.</summary>
public interface ISubscriptionHook : IBrokerHook
{
    /// <summary>A client wants to subscribe; called for each filter. If the hook throws, this filter is refused (0x83). Default: as the client wants.</summary>
    ValueTask OnSubscribeAsync(SubscribeRequest request) => default;

    /// <summary>A client wants to unsubscribe; called for each filter. If the hook throws, the subscription stays (0x83). Default: as the client wants.</summary>
    ValueTask OnUnsubscribeAsync(UnsubscribeRequest request) => default;
}
