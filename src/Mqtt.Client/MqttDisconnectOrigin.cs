namespace Mqtt.Client;

/// <summary>Who or what ended a connection.</summary>
public enum MqttDisconnectOrigin
{
    /// <summary>This client, by <see cref="MqttClient.DisconnectAsync(ReasonCode, CancellationToken)"/> or because it was disposed.</summary>
    Client,

    /// <summary>The server sent DISCONNECT (5.0).</summary>
    Server,

    /// <summary>The network: the connection broke, was closed without a word, or an answer did not come in time.</summary>
    Network,

    /// <summary>The server broke the protocol, and this client ended the connection.</summary>
    ProtocolError,
}
