namespace Mqtt.Client;

/// <summary>What a client is doing about its connection.</summary>
public enum MqttClientState
{
    /// <summary>There is no connection and none is wanted: not yet, no longer, or because reconnecting is off.</summary>
    Disconnected,

    /// <summary>It makes its first connection, or the first since it was disconnected.</summary>
    Connecting,

    /// <summary>The server has accepted the connection.</summary>
    Connected,

    /// <summary>The connection was lost, and it tries to make another.</summary>
    Reconnecting,

    /// <summary>It has given up: a reason forbade to try again, or it has tried often enough. <see cref="MqttClient.ConnectAsync"/> begins anew.</summary>
    Failed,

    /// <summary>It was disposed, and will not connect any more.</summary>
    Disposed,
}
