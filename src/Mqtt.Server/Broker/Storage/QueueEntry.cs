using Mqtt.Protocol;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Server.Broker.Storage;

/// <summary>What one session's copy of a message has of its own.</summary>
/// <param name="QualityOfService">The QoS of the copy.</param>
/// <param name="Retain">Its RETAIN flag.</param>
/// <param name="Identifiers">Its subscription identifiers; <see langword="null"/> for none.</param>
/// <param name="SharedFilter">The whole filter of the shared subscription that it belongs to; empty if it is the session's own. It may be borrowed.</param>
/// <param name="RetainedFilter">
/// The filter of the new subscription whose retained message it is: adding the entry also moves that subscription's pending delivery behind the
/// message's topic, see <see cref="ISubscriptionStore.SaveRetained"/>. Empty for every other message. It may be borrowed.
/// </param>
public readonly record struct QueueEntry(
    QualityOfService QualityOfService, bool Retain, IReadOnlyList<uint>? Identifiers, MqttString SharedFilter = default, MqttString RetainedFilter = default);

/// <summary>An entry of a queue as it is loaded.</summary>
/// <param name="ClientId">Whose it is.</param>
/// <param name="Sequence">Its number.</param>
/// <param name="Entry">What the copy has of its own.</param>
/// <param name="Message">The message.</param>
/// <param name="PacketId">The packet identifier; 0 if it was never sent.</param>
/// <param name="State">How far the delivery has come; <see cref="FlightState.None"/> if it was never sent.</param>
public sealed record StoredEntry(string ClientId, long Sequence, QueueEntry Entry, MessageRecord Message, ushort PacketId, FlightState State);
