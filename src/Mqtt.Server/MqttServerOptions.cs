using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mqtt.Server;

/// <summary>How a <see cref="MqttServer"/> listens and what it allows. Immutable; checked once when the server is made.</summary>
public sealed record MqttServerOptions
{
    /// <summary>
    /// The addresses to listen on, as <c>mqtt://host:port</c> (1883), or <c>mqtts://host:port</c> for TLS (8883); for WebSockets <c>ws://host:port/path</c> (80), or with TLS
    /// <c>wss://</c> (443), where the path is <c>/mqtt</c> unless another is given. <c>localhost</c> means loopback over IPv4 and IPv6. Default: <c>mqtt://localhost:1883</c>, as mosquitto.
    /// </summary>
    public IReadOnlyList<string> Addresses { get; init; } = ["mqtt://localhost:1883"];

    /// <summary>The certificate for <c>mqtts://</c> and <c>wss://</c> addresses. Default: none; such an address is an error then.</summary>
    public MqttServerTls? Tls { get; init; }

    /// <summary>Whom <c>ws://</c> and <c>wss://</c> addresses let in. Default: see there.</summary>
    public MqttServerWebSocket WebSocket { get; init; } = new();

    /// <summary>Listeners beside <see cref="Addresses"/>: in memory, or of your own. For these alone set <see cref="Addresses"/> to <c>[]</c>. Default: none.</summary>
    public IReadOnlyList<MqttListener> Listeners { get; init; } = [];

    /// <summary>
    /// How many event loops carry the TCP connections: threads of the server's own, so that it neither waits for the thread pool of the
    /// program nor disturbs it. 0 takes the runtime's sockets, as every platform but Linux does anyway. Default: one for each processor, four at most.
    /// </summary>
    public int EventLoops { get; init; } = Math.Min(Environment.ProcessorCount, 4);

    /// <summary>What one connection may take. Default: see there.</summary>
    public MqttConnectionLimits Limits { get; init; } = new();

    /// <summary>How many connections may be open at once; more are closed as they come. Default: no limit.</summary>
    public int? MaximumConnections { get; init; }

    /// <summary>How many bytes all connections together may hold before their CONNECT is accepted; a connection that would exceed it is closed. Default: 64 MiB.</summary>
    public long UnauthenticatedBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>How many bytes all connections, queues and retained messages of the process may hold before new connections are closed as they come. Default: a quarter of the memory.</summary>
    public long MemoryBytes { get; init; } = QuarterOfMemory;

    /// <summary>
    /// After its DISCONNECT the server does not end its side of a 5.0 connection, but leaves that to the client, for
    /// <see cref="MqttConnectionLimits.LingerTimeout"/> at most. For clients that lose the reason when the connection ends behind it; the standard wants the
    /// sender of DISCONNECT to close (section 3.14.4). Default: false.
    /// </summary>
    public bool PassiveDisconnect { get; init; }

    /// <summary>How long <see cref="MqttServer.StopAsync"/> waits for connections to end before it cuts them. Default: 5 s.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Asked in this order about each connection before a byte of it is read, TLS included: the client's address and that of the server. False closes it
    /// at once; so does what throws, which is logged. For black lists and rates; runs where connections are accepted, and must not block. Default: all are taken.
    /// </summary>
    public IReadOnlyList<Func<EndPoint?, EndPoint?, bool>> AcceptFilters { get; init; } = [];

    /// <summary>Makes what <see cref="MqttConnection.Context"/> holds, before the connection's first packet; must not block. Default: nothing.</summary>
    public Func<MqttConnection, object?>? ConnectionContext { get; init; }

    /// <summary>See every packet that is read and written, in this order. Default: none, and then nobody looks.</summary>
    public IReadOnlyList<IMqttPacketHook> PacketHooks { get; init; } = [];

    /// <summary>Told of each change of a connection's state, on the connection's thread; it must not block. Default: nobody.</summary>
    public Action<MqttConnection, MqttConnectionState>? StateChanged { get; init; }

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Where errors are logged. Default: nowhere.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    internal static long QuarterOfMemory { get; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4;

    internal void Validate()
    {
        ArgumentNullException.ThrowIfNull(Addresses);
        ArgumentNullException.ThrowIfNull(WebSocket);
        ArgumentNullException.ThrowIfNull(Listeners);
        ArgumentNullException.ThrowIfNull(AcceptFilters);
        ArgumentNullException.ThrowIfNull(PacketHooks);
        ArgumentNullException.ThrowIfNull(TimeProvider);
        ArgumentNullException.ThrowIfNull(Logger);
        ArgumentOutOfRangeException.ThrowIfNegative(EventLoops);
        if (MaximumConnections is { } connections)
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(connections, nameof(MaximumConnections));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(UnauthenticatedBytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MemoryBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(StopTimeout, TimeSpan.Zero);
        WebSocket.Validate();
        Limits.Validate();
    }

    /// <summary>What a server has taken when it was made, or when it started, stays.</summary>
    internal void ThrowIfOtherwiseFixed(MqttServerOptions before)
    {
        Check(ReferenceEquals(Addresses, before.Addresses), nameof(Addresses));
        Check(ReferenceEquals(Listeners, before.Listeners), nameof(Listeners));
        Check(ReferenceEquals(Tls, before.Tls), nameof(Tls));
        Check(ReferenceEquals(WebSocket, before.WebSocket), nameof(WebSocket));
        Check(EventLoops == before.EventLoops, nameof(EventLoops));
        Check(ReferenceEquals(TimeProvider, before.TimeProvider), nameof(TimeProvider));
        Check(ReferenceEquals(Logger, before.Logger), nameof(Logger));

        static void Check(bool isSame, string name)
        {
            if (!isSame)
                throw new ArgumentException($"{name} cannot change on a running server.", name);
        }
    }
}
