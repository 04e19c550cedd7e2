using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>A subscription as the session knows it: what was granted. The session has it by its filter; there are millions, so it is eight bytes.</summary>
internal readonly record struct SessionSubscription(
    QualityOfService QualityOfService, bool NoLocal, bool RetainAsPublished, RetainHandling RetainHandling, uint Identifier)
{
    public SessionSubscription(in TopicSubscription granted, uint identifier)
        : this(granted.QualityOfService, granted.NoLocal, granted.RetainAsPublished, granted.RetainHandling, identifier)
    {
    }

    /// <summary>It and its filter.</summary>
    public TopicSubscription With(MqttString filter) =>
        new(filter, QualityOfService) { NoLocal = NoLocal, RetainAsPublished = RetainAsPublished, RetainHandling = RetainHandling };
}
