namespace Mqtt.Server.Broker;

/// <summary>The chosen clients for a message that the program publishes.</summary>
/// <param name="ClientIds">Their identifiers. One without a session is passed over.</param>
public sealed record BrokerPublishTargets(IReadOnlySet<string> ClientIds)
{
    /// <summary>Chooses these clients.</summary>
    public BrokerPublishTargets(params IEnumerable<string> clientIds)
        : this((IReadOnlySet<string>)clientIds.ToHashSet(StringComparer.Ordinal))
    {
    }

    /// <summary>They get the message whether they subscribe to its topic or not, at the QoS with which it is published. Default: false, only those that subscribe.</summary>
    public bool WithoutSubscription { get; init; }
}
