using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Messages;

/// <summary>What the subscriptions that a message matched say about the copy for one subscriber.</summary>
/// <param name="MaximumQoS">The highest QoS that was granted.</param>
/// <param name="RetainAsPublished">Keep the RETAIN flag.</param>
/// <param name="Identifiers">The subscription identifiers; <see langword="null"/> for none.</param>
internal readonly record struct DeliveryTerms(QualityOfService MaximumQoS, bool RetainAsPublished, uint[]? Identifiers)
{
    /// <summary>The QoS of the copy: the lower of both.</summary>
    public QualityOfService QualityOf(QualityOfService published) => published < MaximumQoS ? published : MaximumQoS;

    /// <summary>What both say together: the highest QoS, RETAIN if either keeps it, all identifiers, repeats too.</summary>
    public DeliveryTerms With(in DeliveryTerms other) => new(
        MaximumQoS > other.MaximumQoS ? MaximumQoS : other.MaximumQoS,
        RetainAsPublished || other.RetainAsPublished,
        Identifiers is null ? other.Identifiers : other.Identifiers is null ? Identifiers : [.. Identifiers, .. other.Identifiers]);
}
