using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Flows;

/// <summary>What becomes of a SUBSCRIBE: what the client asked for, as hooks have changed it, and the answer to each filter as it comes about.</summary>
internal sealed class SubscribePlan
{
    public SubscribePlan(SubscribePacket packet, ReasonCode[] codes)
    {
        Subscriptions = packet.Subscriptions;
        Codes = codes;
        Identifiers = new uint[codes.Length];
        Identifiers.AsSpan().Fill(packet.SubscriptionIdentifier ?? 0);
    }

    /// <summary>What the client is to get.</summary>
    public IReadOnlyList<TopicSubscription> Subscriptions { get; set; }

    /// <summary>The identifier of each; 0 for none.</summary>
    public uint[] Identifiers { get; }

    /// <summary>The answers; one that refuses before it is granted is left as it is.</summary>
    public ReasonCode[] Codes { get; }
}
