using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Broker.Tests;

/// <summary>Hooks made of functions, each on the pool and inline.</summary>
internal class Asked : IMessageHook, ISubscriptionHook, IAuthorizationHook, IConnectionHook, IWillHook
{
    public Func<PublishRequest, ValueTask> Publish { get; init; } = static _ => default;

    public Func<SubscribeRequest, ValueTask> Subscribe { get; init; } = static _ => default;

    public Func<UnsubscribeRequest, ValueTask> Unsubscribe { get; init; } = static _ => default;

    public Func<BrokerClient, PublishAccess, ValueTask<bool>> MayPublish { get; init; } = static (_, _) => new(true);

    public Func<BrokerClient, TopicSubscription, ValueTask<bool>> MaySubscribe { get; init; } = static (_, _) => new(true);

    public Func<ConnectRequest, ValueTask> Connect { get; init; } = static _ => default;

    public Func<WillRequest, ValueTask> Will { get; init; } = static _ => default;

    /// <summary>The same functions, on the connection's own thread if they are to be.</summary>
    public Asked On(bool inline) => inline
        ? new AskedInline
        {
            Publish = Publish,
            Subscribe = Subscribe,
            Unsubscribe = Unsubscribe,
            MayPublish = MayPublish,
            MaySubscribe = MaySubscribe,
            Connect = Connect,
            Will = Will,
        }
        : this;

    public ValueTask OnPublishAsync(PublishRequest request) => Publish(request);

    public ValueTask OnSubscribeAsync(SubscribeRequest request) => Subscribe(request);

    public ValueTask OnUnsubscribeAsync(UnsubscribeRequest request) => Unsubscribe(request);

    public ValueTask<bool> MayPublishAsync(BrokerClient client, PublishAccess access) => MayPublish(client, access);

    public ValueTask<bool> MaySubscribeAsync(BrokerClient client, TopicSubscription subscription) => MaySubscribe(client, subscription);

    public ValueTask OnConnectAsync(ConnectRequest request) => Connect(request);

    public ValueTask OnWillAsync(WillRequest request) => Will(request);
}

/// <inheritdoc/>
internal sealed class AskedInline : Asked, IInlineBrokerHook;
