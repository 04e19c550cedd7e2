namespace Mqtt.Server.Tests;

/// <summary>What carries the connections. Nothing above can tell them apart, so that every contract is tested over each.</summary>
public enum Transport
{
    /// <summary>In memory, on the thread pool.</summary>
    Memory,

    /// <summary>TCP over the sockets of the runtime.</summary>
    Sockets,

    /// <summary>TCP over one event loop of the server's own (Linux; elsewhere the same as <see cref="Sockets"/>).</summary>
    EventLoop,
}
