namespace Mqtt.Server.Broker.Storage;

/// <summary>What is kept of a session itself.</summary>
/// <param name="ClientId">Whose session it is.</param>
/// <param name="ExpirySeconds">How long it outlives its connection; 0xFFFFFFFF for ever.</param>
/// <param name="DisconnectedAt">When its connection ended; <see langword="null"/> while it is connected, or if the broker ended first.</param>
/// <param name="Will">The will that is still due; <see langword="null"/> for none. Its expiry, which has not begun, stays among its properties.</param>
/// <param name="WillDelaySeconds">How long after the connection the will is due.</param>
/// <param name="UserName">The user to whom the session belongs; <see langword="null"/> for one without a name.</param>
public sealed record SessionRecord(string ClientId, uint ExpirySeconds, DateTimeOffset? DisconnectedAt, MessageRecord? Will, uint WillDelaySeconds, string? UserName = null);
