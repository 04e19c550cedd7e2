namespace Mqtt.Broker.Tests;

/// <summary>What a broker under test keeps its state in. Every flow must be the same over all of them.</summary>
public enum StoreKind
{
    /// <summary>Nothing outlives the broker.</summary>
    None,

    /// <summary>A store in which everything is safe at once.</summary>
    Memory,

    /// <summary>A store that commits only while nothing else can happen: whatever may leave too early leaves too early.</summary>
    SlowCommit,
}
