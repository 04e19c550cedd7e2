using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>One filter of an UNSUBSCRIBE that has come. The hooks may change it, as they changed that of the SUBSCRIBE, or refuse it.</summary>
public sealed class UnsubscribeRequest : HookRequest
{
    internal UnsubscribeRequest(BrokerClient client, MqttString filter)
    {
        Client = client;
        Filter = Asked = filter;
    }

    /// <summary>Who unsubscribes.</summary>
    public BrokerClient Client { get; }

    /// <summary>The filter that the client named.</summary>
    public MqttString Asked { get; }

    /// <summary>The filter that is taken out. Default: the client's.</summary>
    public MqttString Filter { get; set; }

    internal ReasonCode? Refusal { get; private set; }

    /// <summary>Leaves the subscription in place, and answers with this code (5.0; 3.x has no word for it).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The code is none that such a refusal can carry.</exception>
    public void Refuse(ReasonCode reasonCode = ReasonCode.NotAuthorized)
    {
        Refusals.ThrowIfNotUnsubAck(reasonCode);
        Refusal = reasonCode;
        IsDecided = true;
    }
}
