using System.Net;
using Mqtt.Protocol.Channels;

namespace Mqtt.Server;

/// <summary>Something that accepts connections: a socket, memory, or what a user brings along.</summary>
public abstract class MqttListener : IAsyncDisposable
{
    /// <summary>The address, with the port that was really taken; known once the listener has started.</summary>
    public abstract EndPoint EndPoint { get; }

    /// <summary>Begins to listen. Connections wait until they are accepted.</summary>
    /// <exception cref="IOException">The address cannot be had; the message says which and why.</exception>
    public abstract void Start();

    /// <summary>The next connection; <see langword="null"/> once the listener has stopped.</summary>
    public abstract ValueTask<MqttChannel?> AcceptAsync();

    /// <summary>Stops listening. What was accepted goes on.</summary>
    public abstract ValueTask DisposeAsync();
}
