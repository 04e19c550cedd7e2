namespace Mqtt.Client;

/// <summary>
/// What a delivered message is acknowledged by; the default stands for QoS 0, which needs none. It names the
/// connection, since an acknowledgement must not leave on another one, and the session for which a QoS 2 identifier has its meaning.
/// </summary>
/// <param name="QualityOfService">QoS 1 or 2; QoS 0 needs no acknowledgement.</param>
/// <param name="PacketId">The packet identifier.</param>
/// <param name="Session">Which life of the session it belongs to.</param>
/// <param name="Connection">Which connection of the client it came on.</param>
/// <param name="Sequence">Its place in the order of arrival on that connection.</param>
internal readonly record struct Receipt(QualityOfService QualityOfService, ushort PacketId, int Session, int Connection, long Sequence)
{
    public bool IsNeeded => QualityOfService != QualityOfService.AtMostOnce;
}
