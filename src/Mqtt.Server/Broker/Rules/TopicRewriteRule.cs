namespace Mqtt.Server.Broker.Rules;

/// <summary>One rule of a <see cref="TopicRewrite"/>.</summary>
/// <param name="From">Which topics: <c>old/{id}/x</c>, where a name stands for one level, and <c>{rest...}</c> at the end for all that are left, one at least; a <see cref="Mqtt.Protocol.MqttTopicTemplate"/>.</param>
/// <param name="To">What becomes of them, with the same names: <c>new/x/{id}</c>.</param>
public sealed record TopicRewriteRule(string From, string To)
{
    /// <summary>Whether the rule is for what clients publish. Default: true.</summary>
    public bool ForPublish { get; init; } = true;

    /// <summary>Whether the rule is for what clients subscribe to, and unsubscribe from. Default: true.</summary>
    public bool ForSubscribe { get; init; } = true;
}
