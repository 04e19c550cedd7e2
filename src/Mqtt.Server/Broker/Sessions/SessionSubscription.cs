using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>A subscription as the session knows it: the filter with the granted options.</summary>
internal sealed record SessionSubscription(TopicSubscription Granted, uint Identifier);
