using System.Collections;

namespace Mqtt.Protocol;

/// <summary>The subscription identifiers of a PUBLISH, in the order of the wire.</summary>
public readonly struct SubscriptionIdentifiers : IEnumerable<uint>
{
    private readonly MqttProperties properties;

    internal SubscriptionIdentifiers(MqttProperties properties) => this.properties = properties;

    /// <inheritdoc/>
    public IEnumerator<uint> GetEnumerator()
    {
        foreach (var property in properties)
        {
            if (property.Id == PropertyId.SubscriptionIdentifier)
                yield return property.Number;
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
