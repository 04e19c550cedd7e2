using Mqtt.Protocol;
using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Broker.Storage;

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
    public static MessageParts ToMessage(this WillMessage will, long now, long latest)
    {
        var stated = will.MessageExpiryInterval is { } seconds ? now + (seconds * 1000L) : MessageParts.NeverExpires;
        return new()
        {
            Topic = will.Topic.Bytes,
            Properties = will.Properties.With(PropertyId.WillDelayInterval, (uint?)null).With(PropertyId.MessageExpiryInterval, (uint?)null).Encoded,
            Payload = will.Payload,
            QualityOfService = will.QualityOfService,
            Retain = will.Retain,
            ExpiresAt = Math.Min(stated, latest),
            StatedExpiry = stated,
        };
    }

    /// <summary>The will as stores keep it: its expiry stays a property, since it begins only when the will is published.</summary>
    public static MessageRecord ToRecord(this WillMessage will) => new(
        will.Topic.Bytes, will.Properties.With(PropertyId.WillDelayInterval, (uint?)null).Encoded, will.Payload, will.QualityOfService, will.Retain, ExpiresAt: null);

    /// <summary>A will as it was stored.</summary>
    public static WillMessage FromRecord(in MessageRecord record, uint delaySeconds)
    {
        var will = new WillMessage
        {
            Topic = MqttString.FromUtf8(record.Topic),
            Payload = record.Payload,
            QualityOfService = record.QualityOfService,
            Retain = record.Retain,
            Properties = MqttProperties.FromEncoded(record.Properties),
        };
        if (delaySeconds > 0)
            will.DelayInterval = delaySeconds;
        return will;
    }
}
