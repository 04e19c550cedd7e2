namespace Mqtt.EndToEnd.Tests;

/// <summary>What carries the bytes between client and broker.</summary>
public enum Transport
{
    /// <summary>In memory.</summary>
    Memory,

    /// <summary>TCP over loopback, through the event loops where the platform has them.</summary>
    Tcp,

    /// <summary>TCP over loopback, through the runtime's sockets.</summary>
    TcpWithoutLoops,

    /// <summary>TLS over TCP over loopback, through the event loops where the platform has them.</summary>
    Tls,

    /// <summary>WebSockets over TCP over loopback, through the event loops where the platform has them; the client dials by itself.</summary>
    WebSocket,

    /// <summary>The same over TLS.</summary>
    WebSocketOverTls,
}
