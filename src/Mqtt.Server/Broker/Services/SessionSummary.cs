namespace Mqtt.Server.Broker.Services;

/// <summary>A session at one moment.</summary>
/// <param name="ClientId">Whose it is.</param>
/// <param name="IsConnected">It has a connection.</param>
/// <param name="Expiry">How long it outlives its connection; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</param>
/// <param name="SubscriptionCount">How many subscriptions it has.</param>
/// <param name="QueuedCount">How many messages wait for it.</param>
/// <param name="InFlightCount">How many messages of QoS 1 and 2 are under way to the client.</param>
/// <param name="HasWill">A will is due, or would be if the connection ended now.</param>
public sealed record SessionSummary(string ClientId, bool IsConnected, TimeSpan Expiry, int SubscriptionCount, int QueuedCount, int InFlightCount, bool HasWill);
