using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>A subscription as the session knows it: the filter with the granted options.</summary>
internal readonly record struct SessionSubscription(TopicSubscription Granted, uint Identifier);
