namespace Mqtt.Protocol.Delivery;

/// <summary>
/// The topic aliases that the other side sets on this connection (section 3.3.2.3.4). They end with the connection
/// [MQTT-3.3.2-7]. One reader uses it; nobody else.
/// </summary>
/// <param name="maximum">The Topic Alias Maximum that this side gave; 0 allows none.</param>
public sealed class IncomingTopicAliases(int maximum)
{
    private MqttString[] topics = [];

    /// <summary>The topic of a PUBLISH that carries an alias: sets the alias if there is a topic, looks it up if there is none.</summary>
    /// <exception cref="MqttProtocolException">0x94 if the alias is 0 or above the maximum, 0x82 if it is not set.</exception>
    public MqttString Resolve(ushort alias, MqttString topic)
    {
        if (alias == 0 || alias > maximum)
            throw new MqttProtocolException(ReasonCode.TopicAliasInvalid, $"Topic alias {alias} is outside 1 to {maximum}.");
        if (topic.IsEmpty)
        {
            return alias < topics.Length && !topics[alias].IsEmpty
                ? topics[alias]
                : throw new MqttProtocolException(ReasonCode.ProtocolError, $"Topic alias {alias} is not set.");
        }

        if (alias >= topics.Length)
            Array.Resize(ref topics, maximum + 1);
        if (topics[alias] != topic)
            topics[alias] = topic.ToOwned();
        return topics[alias];
    }
}
