namespace Mqtt.Server.Broker.Sessions;

/// <summary>What became of a PUBLISH that was to leave.</summary>
internal enum WriteOutcome
{
    /// <summary>It is in the outbox.</summary>
    Written,

    /// <summary>Too much waits there, or the outbox is closed.</summary>
    NoRoom,

    /// <summary>The client accepts no packet of that size.</summary>
    TooLarge,
}
