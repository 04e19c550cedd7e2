namespace Mqtt.Server.Broker.Sessions;

/// <summary>What a session said to a message of a shared subscription.</summary>
internal enum ShareOutcome
{
    /// <summary>It has taken ownership.</summary>
    Taken,

    /// <summary>It is not in the state that was asked for.</summary>
    Refused,

    /// <summary>Its client accepts no packet of that size.</summary>
    TooLarge,
}
