namespace Mqtt.Protocol.Delivery;

/// <summary>Which topics have the aliases when there are more topics than aliases.</summary>
public enum TopicAliasPolicy
{
    /// <summary>The first that were used a second time keep theirs as long as the connection lasts.</summary>
    KeepFirst,

    /// <summary>A topic that is used a second time gets the alias that was given first. For topics that change in the course of a connection.</summary>
    ReplaceOldest,
}
