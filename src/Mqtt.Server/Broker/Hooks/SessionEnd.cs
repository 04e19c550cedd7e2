namespace Mqtt.Server.Broker.Hooks;

/// <summary>Why a session ended.</summary>
public enum SessionEnd
{
    /// <summary>It ended with its connection.</summary>
    Disconnected,

    /// <summary>Its time after the connection was over.</summary>
    Expired,

    /// <summary>Another connection of the client took over, and began anew.</summary>
    TakenOver,

    /// <summary>The client came back, and began anew.</summary>
    CleanStart,

    /// <summary>The program ended it.</summary>
    Removed,
}
