using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Services;

/// <summary>A subscription at one moment.</summary>
/// <param name="ClientId">Whose it is.</param>
/// <param name="Subscription">The filter, and what was granted.</param>
/// <param name="Identifier">The subscription identifier; 0 for none.</param>
public sealed record SubscriptionSummary(string ClientId, TopicSubscription Subscription, uint Identifier)
{
    /// <summary>True if messages of this topic come through it; for a shared subscription: may come.</summary>
    public bool Matches(MqttString topic) =>
        MqttTopic.Matches(MqttTopic.TryParseShared(Subscription.Filter.Span, out _, out var inner) ? inner : Subscription.Filter.Span, topic.Span);
}
