namespace Mqtt.Tool.Bench;

/// <summary>Who publishes to whom.</summary>
internal enum BenchShape
{
    /// <summary>Clients connect, and that is all.</summary>
    Connect,

    /// <summary>Clients publish, and nobody subscribes.</summary>
    Publish,

    /// <summary>Clients subscribe, and nobody publishes.</summary>
    Subscribe,

    /// <summary>Each publisher has a subscriber of its own.</summary>
    Pairs,

    /// <summary>Many publish, one subscribes to all.</summary>
    FanIn,

    /// <summary>One publishes, many subscribe.</summary>
    FanOut,

    /// <summary>Everybody publishes to everybody.</summary>
    Mesh,

    /// <summary>Each client receives what it publishes itself.</summary>
    Echo,
}
