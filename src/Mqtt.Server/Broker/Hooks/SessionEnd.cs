namespace Mqtt.Server.Broker.Hooks;

/// <summary>Why a session ended.</summary>
public enum SessionEnd
{
    /// <summary>It ended with its connection.</summary>
    Disconnected,

    /// <summary>Its time after the connection was over.</summary>
    Expired,

    /// <summary>The client began anew: a connection with Clean Start, or one that took over a session that ends with its connection.</summary>
    Replaced,

    /// <summary>The program ended it.</summary>
    Removed,
}
