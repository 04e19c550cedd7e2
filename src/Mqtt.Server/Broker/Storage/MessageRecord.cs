using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Storage;

/// <summary>A message as stores keep it. Its memory is borrowed when it is handed to a store, and its own when it is loaded.</summary>
/// <param name="Topic">The topic name, UTF-8.</param>
/// <param name="Properties">The encoded properties that travel with the message: no alias, no expiry, no subscription identifier.</param>
/// <param name="Payload">The application's bytes.</param>
/// <param name="QualityOfService">The QoS as it was published.</param>
/// <param name="Retain">The RETAIN flag as it was published.</param>
/// <param name="ExpiresAt">When it is of no more use, by the wall clock; <see langword="null"/> for never.</param>
public readonly record struct MessageRecord(
    ReadOnlyMemory<byte> Topic,
    ReadOnlyMemory<byte> Properties,
    ReadOnlyMemory<byte> Payload,
    QualityOfService QualityOfService,
    bool Retain,
    DateTimeOffset? ExpiresAt)
{
    /// <summary>A copy that owns its memory.</summary>
    public MessageRecord ToOwned() => this with { Topic = Topic.ToArray(), Properties = Properties.ToArray(), Payload = Payload.ToArray() };
}
