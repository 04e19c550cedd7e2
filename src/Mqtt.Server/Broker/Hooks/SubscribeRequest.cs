using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>One filter of a SUBSCRIBE that has come and is allowed. The hooks may change it, grant less, or refuse it.</summary>
public sealed class SubscribeRequest : HookRequest
{
    private TopicSubscription subscription;

    internal SubscribeRequest(BrokerClient client, TopicSubscription subscription, uint identifier)
    {
        Client = client;
        this.subscription = Asked = subscription;
        Identifier = identifier;
    }

    /// <summary>Who subscribes.</summary>
    public BrokerClient Client { get; }

    /// <summary>What the client asked for.</summary>
    public TopicSubscription Asked { get; }

    /// <summary>What it is going to get: filter, QoS and options. Default: what it asked for.</summary>
    /// <exception cref="ArgumentException">The filter is not well formed.</exception>
    public TopicSubscription Subscription
    {
        get => subscription;
        set
        {
            if (!MqttTopic.IsValidFilter(value.Filter.Span))
                throw new ArgumentException($"\"{value.Filter}\" is not a topic filter.", nameof(value));
            subscription = value;
        }
    }

    /// <summary>The subscription identifier; 0 for none. Default: the client's.</summary>
    public uint Identifier { get; set; }

    internal ReasonCode? Refusal { get; private set; }

    /// <summary>Grants this QoS at most.</summary>
    public void Grant(QualityOfService qualityOfService)
    {
        if (qualityOfService < subscription.QualityOfService)
            subscription = subscription with { QualityOfService = qualityOfService };
    }

    /// <summary>Refuses this filter alone, with this code (3.x: 0x80).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The code is none that such a refusal can carry.</exception>
    public void Refuse(ReasonCode reasonCode = ReasonCode.NotAuthorized)
    {
        Refusals.ThrowIfNotSubAck(reasonCode);
        Refusal = reasonCode;
        IsDecided = true;
    }
}
