using Mqtt.Protocol;
using Mqtt.Server.Broker.Messages;

namespace Mqtt.Server.Broker.Flows;

/// <summary>Turns wills into messages.</summary>
internal static class WillParts
{
    /// <summary>A copy of a will that owns its memory.</summary>
    public static WillMessage ToOwned(this WillMessage will) => new()
    {
        Topic = will.Topic.ToOwned(),
        Payload = will.Payload.ToArray(),
        QualityOfService = will.QualityOfService,
        Retain = will.Retain,
        Properties = will.Properties.ToOwned(),
    };

    /// <summary>The message as it is published now: the delay is over, the expiry begins.</summary>
    public static MessageParts ToMessage(this WillMessage will, long now) => new()
    {
        Topic = will.Topic.Bytes,
        Properties = will.Properties.With(PropertyId.WillDelayInterval, (uint?)null).With(PropertyId.MessageExpiryInterval, (uint?)null).Encoded,
        Payload = will.Payload,
        QualityOfService = will.QualityOfService,
        Retain = will.Retain,
        ExpiresAt = will.MessageExpiryInterval is { } seconds ? now + (seconds * 1000L) : MessageParts.NeverExpires,
    };
}
