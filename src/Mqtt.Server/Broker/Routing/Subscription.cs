using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Routing;

/// <summary>One filter of one subscriber. Immutable; a SUBSCRIBE for the same filter replaces it.</summary>
/// <typeparam name="T">The subscriber.</typeparam>
/// <param name="Subscriber">Who subscribes.</param>
/// <param name="Filter">The topic filter; it owns its bytes.</param>
/// <param name="QualityOfService">The granted QoS.</param>
/// <param name="NoLocal">Not what the subscriber publishes itself.</param>
/// <param name="RetainAsPublished">Keep the RETAIN flag.</param>
/// <param name="Identifier">The subscription identifier; 0 for none.</param>
internal sealed record Subscription<T>(T Subscriber, MqttString Filter, QualityOfService QualityOfService, bool NoLocal, bool RetainAsPublished, uint Identifier)
    where T : class;
