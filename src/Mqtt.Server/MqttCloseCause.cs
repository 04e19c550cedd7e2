using Mqtt.Protocol;

namespace Mqtt.Server;

/// <summary>Who ended a connection, and why.</summary>
public enum MqttCloseKind
{
    /// <summary>The peer closed it or the network broke.</summary>
    Network,

    /// <summary>The peer broke the protocol.</summary>
    ProtocolError,

    /// <summary>This side closed it: <see cref="MqttConnection.Close"/>, or a handler that refused CONNECT.</summary>
    Local,

    /// <summary>The peer was silent for longer than it may be: no CONNECT in time, or 1.5 times the keep-alive without a packet.</summary>
    Timeout,

    /// <summary>The peer took no bytes for longer than the server waits.</summary>
    Stuck,

    /// <summary>The handler threw.</summary>
    HandlerFailed,

    /// <summary>The server stops.</summary>
    ServerStopping,
}

/// <summary>How a connection ended.</summary>
/// <param name="Kind">Who ended it.</param>
/// <param name="ReasonCode">The code that was sent, or would have been.</param>
/// <param name="Exception">The error behind it, if there was one.</param>
public sealed record MqttCloseCause(MqttCloseKind Kind, ReasonCode ReasonCode, Exception? Exception = null);
