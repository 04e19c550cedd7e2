using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Messages;

/// <summary>
/// The shared subscription for which a copy of a message was picked: the copy may move to another of its members. Sessions and stores look
/// at its filter and no further; two shares are one only if they are the same object.
/// </summary>
/// <param name="filter">The whole filter, <c>$share/{ShareName}/{filter}</c>; it owns its bytes.</param>
internal abstract class Share(MqttString filter)
{
    /// <summary>The whole filter.</summary>
    public MqttString Filter => filter;
}
