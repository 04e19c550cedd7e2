namespace Mqtt.Server;

/// <summary>The life of a server's connection.</summary>
public enum MqttConnectionState
{
    /// <summary>Accepted; no packet has come yet.</summary>
    New,

    /// <summary>A packet is being handled.</summary>
    Active,

    /// <summary>Waiting for packets.</summary>
    Idle,

    /// <summary>Over.</summary>
    Closed,
}
