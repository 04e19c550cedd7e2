using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>What a client wants to publish.</summary>
/// <param name="Topic">The topic name; that of the message itself where it is published with delay. Borrowed.</param>
/// <param name="QualityOfService">The QoS.</param>
/// <param name="Retain">To be kept as the topic's last message.</param>
/// <param name="IsWill">It is the client's will.</param>
public readonly record struct PublishAccess(MqttString Topic, QualityOfService QualityOfService, bool Retain, bool IsWill);
