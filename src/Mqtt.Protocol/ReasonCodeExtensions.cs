namespace Mqtt.Protocol;

/// <summary>What can be asked of a reason code.</summary>
public static class ReasonCodeExtensions
{
    /// <summary>True if <paramref name="sender"/> may put the code into a packet of this type (5.0, section 2.4).</summary>
    public static bool IsAllowedIn(this ReasonCode code, MqttPacketType packet, MqttSender sender) => ReasonCodeTable.Allows(packet, code, sender);
}
