using Mqtt.Protocol;

namespace Mqtt.Server.Broker;

/// <summary>What became of a message that the program published.</summary>
/// <param name="ReasonCode">Success; no matching subscribers (0x10); or quota exceeded (0x97), if the process holds more bytes than it may and nobody got it.</param>
/// <param name="ReceiverCount">How many sessions and shared subscriptions have taken it.</param>
public readonly record struct BrokerPublishResult(ReasonCode ReasonCode, int ReceiverCount);
