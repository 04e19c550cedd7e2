using System.Runtime.CompilerServices;
using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>With which codes a packet can refuse (section 2.4); with another one the client would take the broker to be at fault.</summary>
internal static class Refusals
{
    public static void ThrowIfNotConnAck(ReasonCode reasonCode)
    {
        if (reasonCode is not ((>= ReasonCode.UnspecifiedError and <= ReasonCode.Banned) or ReasonCode.BadAuthenticationMethod or ReasonCode.TopicNameInvalid
            or ReasonCode.PacketTooLarge or ReasonCode.QuotaExceeded or (>= ReasonCode.PayloadFormatInvalid and <= ReasonCode.ServerMoved) or ReasonCode.ConnectionRateExceeded))
            Throw(reasonCode);
    }

    public static void ThrowIfNotPubAck(ReasonCode reasonCode)
    {
        if (reasonCode is not (ReasonCode.UnspecifiedError or ReasonCode.ImplementationSpecificError or ReasonCode.NotAuthorized or ReasonCode.TopicNameInvalid
            or ReasonCode.QuotaExceeded or ReasonCode.PayloadFormatInvalid))
            Throw(reasonCode);
    }

    public static void ThrowIfNotSubAck(ReasonCode reasonCode)
    {
        if (reasonCode is not (ReasonCode.UnspecifiedError or ReasonCode.ImplementationSpecificError or ReasonCode.NotAuthorized or ReasonCode.TopicFilterInvalid
            or ReasonCode.QuotaExceeded or ReasonCode.SharedSubscriptionsNotSupported or ReasonCode.SubscriptionIdentifiersNotSupported
            or ReasonCode.WildcardSubscriptionsNotSupported))
            Throw(reasonCode);
    }

    public static void ThrowIfNotUnsubAck(ReasonCode reasonCode)
    {
        if (reasonCode is not (ReasonCode.UnspecifiedError or ReasonCode.ImplementationSpecificError or ReasonCode.NotAuthorized or ReasonCode.TopicFilterInvalid))
            Throw(reasonCode);
    }

    private static void Throw(ReasonCode reasonCode, [CallerArgumentExpression(nameof(reasonCode))] string? name = null) =>
        throw new ArgumentOutOfRangeException(name, reasonCode, "The packet cannot carry this code.");
}
