using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>One client's copy of a message on its way.</summary>
/// <param name="ClientId">Whose copy it is.</param>
/// <param name="QualityOfService">The QoS of the copy.</param>
/// <param name="PacketId">The packet identifier; 0 at QoS 0, and while it has none.</param>
/// <param name="Duplicate">It was sent before.</param>
/// <param name="At">When it happened, by the wall clock, exact to a tenth of a second.</param>
public readonly record struct Delivery(string ClientId, QualityOfService QualityOfService, ushort PacketId, bool Duplicate, DateTimeOffset At);
