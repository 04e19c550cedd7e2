using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>A will that is about to be published. The hooks may change it or drop it.</summary>
public sealed class WillRequest : HookRequest
{
    internal WillRequest(string clientId, WillMessage will)
    {
        ClientId = clientId;
        Will = will;
    }

    /// <summary>Whose will it is.</summary>
    public string ClientId { get; }

    /// <summary>The will; the hooks may change its members.</summary>
    public WillMessage Will { get; }

    /// <summary>Drops the will: nobody gets it.</summary>
    public void Drop() => IsDecided = true;
}
