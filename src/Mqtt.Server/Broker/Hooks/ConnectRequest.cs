using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>A client that asks to connect, and is who it says: authentication is over, nothing has changed yet.</summary>
public sealed class ConnectRequest : HookRequest
{
    internal ConnectRequest(MqttConnection connection, ConnectPacket packet, string clientId, string? userName)
    {
        Connection = connection;
        Packet = packet;
        ClientId = clientId;
        UserName = userName;
    }

    /// <summary>The connection.</summary>
    public MqttConnection Connection { get; }

    /// <summary>What the client sent.</summary>
    public ConnectPacket Packet { get; }

    /// <summary>The client identifier, also where it was assigned.</summary>
    public string ClientId { get; }

    /// <summary>The user; <see langword="null"/> for none.</summary>
    public string? UserName { get; }

    /// <summary>Subscriptions that the client gets with its connection, as if it had asked for them: no hook is asked, no SUBACK is sent. Default: none.</summary>
    public IReadOnlyList<TopicSubscription> Subscriptions => subscriptions ?? [];

    private List<TopicSubscription>? subscriptions;

    internal ReasonCode Refusal { get; private set; }

    internal string? RefusalReason { get; private set; }

    /// <summary>Refuses the connection: CONNACK with this code (3.x: the return code nearest to it), then it is closed.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The code is none that such a refusal can carry.</exception>
    public void Refuse(ReasonCode reasonCode, string? reasonString = null)
    {
        Refusals.ThrowIfNotConnAck(reasonCode);
        (Refusal, RefusalReason) = (reasonCode, reasonString);
        IsDecided = true;
    }

    /// <summary>Adds a subscription that the client gets with its connection.</summary>
    /// <exception cref="ArgumentException">The filter is not well formed.</exception>
    public void Subscribe(TopicSubscription subscription)
    {
        if (!MqttTopic.IsValidFilter(subscription.Filter.Span))
            throw new ArgumentException($"\"{subscription.Filter}\" is not a topic filter.", nameof(subscription));
        (subscriptions ??= []).Add(subscription with { Filter = subscription.Filter.ToOwned() });
    }
}
