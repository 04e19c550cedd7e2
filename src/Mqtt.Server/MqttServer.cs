using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server.Connections;
using Mqtt.Server.EventLoops;
using Mqtt.Server.Listeners;
using Mqtt.Server.Time;

namespace Mqtt.Server;

/// <summary>
/// Listens, accepts, cuts bytes into packets, keeps limits and times, and hands the packets to a handler: what HttpListener is to
/// HTTP. It knows no topic and no session.
/// <code>
/// await using var server = new MqttServer("mqtt://127.0.0.1:1883");
/// await server.ListenAndServeAsync(handler, stop);
/// </code>
/// </summary>
public sealed class MqttServer : IAsyncDisposable
{
    private static long lastConnectionId;

    private volatile MqttServerOptions options;
    private readonly ConcurrentDictionary<long, ConnectionLoop> connections = new();
    private readonly List<MqttListener> listeners = [];
    private readonly List<Task> accepting = [];
    private readonly Lock gate = new();
    private Heartbeat? heartbeat;
    private readonly SslServerAuthenticationOptions? tls;
    private EventLoopGroup? loops;
    private volatile IMqttHandler? handler;
    private IMqttHandler? handlerWithoutHooks;
    private Task? stopping;
    private long unauthenticatedBytes;

    /// <summary>Creates a server for these addresses, with the default limits.</summary>
    /// <param name="addresses">As <see cref="MqttServerOptions.Addresses"/>.</param>
    public MqttServer(params string[] addresses)
        : this(new MqttServerOptions { Addresses = addresses })
    {
    }

    /// <summary>Creates a server for these addresses that is started with <see cref="StartAsync()"/>.</summary>
    public MqttServer(IMqttHandler handler, params string[] addresses)
        : this(addresses) => this.handler = handler;

    /// <summary>Creates a server.</summary>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    public MqttServer(MqttServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        if (options.Addresses.Count == 0 && options.Listeners.Count == 0)
            throw new ArgumentException("There is no address to listen on.", nameof(options));
        if (options.Addresses.Select(ListenAddress.Parse).ToList().Exists(ListenAddress.IsTls))
            tls = (options.Tls ?? throw new ArgumentException("An mqtts:// or wss:// address needs a certificate.", nameof(options))).Load();
        this.options = options;
    }

    /// <summary>Creates a server that is started with <see cref="StartAsync()"/>.</summary>
    public MqttServer(IMqttHandler handler, MqttServerOptions options)
        : this(options) => this.handler = handler;

    /// <summary>The addresses that were taken, with their real ports; empty before the start.</summary>
    public IReadOnlyList<EndPoint> Endpoints
    {
        get
        {
            lock (gate)
                return [.. listeners.Select(listener => listener.EndPoint)];
        }
    }

    /// <summary>The connections that are open at present.</summary>
    public IEnumerable<MqttConnection> Connections => connections.Values.Select(loop => loop.Connection);

    /// <summary>Serves until <paramref name="cancellationToken"/> is cancelled, which is the normal end and throws nothing.</summary>
    /// <exception cref="IOException">An address cannot be had.</exception>
    public async Task ListenAndServeAsync(IMqttHandler handler, CancellationToken cancellationToken = default)
    {
        await StartAsync(handler).ConfigureAwait(false);
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (cancellationToken.UnsafeRegister(static state => ((TaskCompletionSource)state!).TrySetResult(), cancelled).ConfigureAwait(false))
            await Task.WhenAny(cancelled.Task, Task.WhenAll(accepting)).ConfigureAwait(false);
        await StopAsync(CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Starts with the handler of the constructor, and returns once all addresses are taken.</summary>
    /// <exception cref="IOException">An address cannot be had; then none is kept.</exception>
    /// <exception cref="InvalidOperationException">There is no handler, or the server was started before.</exception>
    public Task StartAsync() => StartAsync(handler ?? throw new InvalidOperationException("The server was made without a handler."));

    /// <summary>Starts, and returns once all addresses are taken.</summary>
    /// <exception cref="IOException">An address cannot be had; then none is kept.</exception>
    /// <exception cref="InvalidOperationException">The server was started before.</exception>
    public async Task StartAsync(IMqttHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        lock (gate)
        {
            if (heartbeat is not null || stopping is not null)
                throw new InvalidOperationException("A server is started once.");
            heartbeat = new Heartbeat(options.TimeProvider, options.Logger);
            handlerWithoutHooks = handler;
            this.handler = Hooked(handler, options);
        }

        var started = new List<MqttListener>();
        try
        {
            if (options.EventLoops > 0 && options.Addresses.Count > 0 && EventLoopGroup.IsSupported)
                loops = new EventLoopGroup(options.EventLoops, options.Logger);
            foreach (var listener in options.Listeners)
            {
                listener.Start();
                started.Add(listener);
            }

            foreach (var address in options.Addresses)
                started.AddRange(ListenAddress.Start(address, loops, tls, options.WebSocket, options.Logger));
        }
        catch
        {
            foreach (var listener in started)
                await listener.DisposeAsync().ConfigureAwait(false);
            await heartbeat.DisposeAsync().ConfigureAwait(false);
            loops?.Dispose();
            throw;
        }

        lock (gate)
        {
            listeners.AddRange(started);
            accepting.AddRange(started.Select(AcceptAllAsync));
        }
    }

    /// <summary>The options that hold at present; see <see cref="Reconfigure"/>.</summary>
    public MqttServerOptions Options => options;

    /// <summary>
    /// Changes the options of the running server, all together or, if one is wrong, none:
    /// <code>server.Reconfigure(options => options with { MaximumConnections = 1000 });</code>
    /// They hold for connections that begin when this has returned; those that are there keep what they began with. Bounds for all connections together hold at
    /// once: who is there stays, nobody else comes in. Any thread.
    /// </summary>
    /// <param name="change">Makes the new options of the present ones. Called again if somebody else was faster.</param>
    /// <exception cref="ArgumentException">
    /// An option is out of its range; or it is one that cannot change: <see cref="MqttServerOptions.Addresses"/>, <see cref="MqttServerOptions.Listeners"/>,
    /// <see cref="MqttServerOptions.Tls"/>, <see cref="MqttServerOptions.WebSocket"/>, <see cref="MqttServerOptions.EventLoops"/>, <see cref="MqttServerOptions.TimeProvider"/>,
    /// <see cref="MqttServerOptions.Logger"/>. The message names it, and everything stays as it was.
    /// </exception>
    public void Reconfigure(Func<MqttServerOptions, MqttServerOptions> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        while (true)
        {
            var before = options;
            var after = change(before) ?? throw new ArgumentException("There are no options.", nameof(change));
            after.Validate();
            after.ThrowIfOtherwiseFixed(before);
            lock (gate)
            {
                if (!ReferenceEquals(options, before))
                    continue;
                options = after;
                if (handlerWithoutHooks is not null)
                    handler = Hooked(handlerWithoutHooks, after);
                return;
            }
        }
    }

    /// <summary>
    /// Makes a connection of a channel that came about elsewhere: another protocol's upgrade, a pipe, memory, a test. It is served like one that was accepted,
    /// with the same limits, and the server owns the channel from here on. The server must be started.
    /// </summary>
    /// <exception cref="InvalidOperationException">The server is not started.</exception>
    /// <exception cref="MqttConnectionException">The server stops, or has no room for another connection; the channel is closed.</exception>
    public MqttConnection Serve(MqttChannel channel)
    {
        ArgumentNullException.ThrowIfNull(channel);
        if (heartbeat is null)
            throw new InvalidOperationException("The server is not started.");
        var loop = stopping is null ? Begin(channel) : null;
        if (loop is null)
        {
            channel.Abort();
            throw new MqttConnectionException("The server takes no further connection.");
        }

        // Who stops the server meanwhile may have looked just before.
        if (stopping is not null)
            loop.Close(new MqttCloseCause(MqttCloseKind.ServerStopping, ReasonCode.ServerShuttingDown));
        return loop.Connection;
    }

    /// <summary>The same for a stream.</summary>
    /// <inheritdoc cref="Serve(MqttChannel)"/>
    public MqttConnection Serve(Stream stream) => Serve(new StreamChannel(stream));

    /// <summary>
    /// Stops in good order: accepts no more, tells every client (0x8B, server shutting down), gives them time to take what waits,
    /// then cuts what is left. A handler that still does not complete is left behind after the same time again, and that is logged.
    /// Harmless if repeated.
    /// </summary>
    /// <param name="cancellationToken">Cuts at once what is still open when it is cancelled.</param>
    public Task StopAsync(CancellationToken cancellationToken = default)
    {
        lock (gate)
            return stopping ??= StopOnceAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    internal bool CountUnauthenticated(int difference) =>
        Interlocked.Add(ref unauthenticatedBytes, difference) <= options.UnauthenticatedBytes;

    private async Task StopOnceAsync(CancellationToken cancellationToken)
    {
        foreach (var listener in listeners)
            await listener.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(accepting).ConfigureAwait(false);

        foreach (var loop in connections.Values)
            loop.Close(new MqttCloseCause(MqttCloseKind.ServerStopping, ReasonCode.ServerShuttingDown));
        var all = Task.WhenAll(connections.Values.Select(loop => loop.Completion));
        try
        {
            await all.WaitAsync(options.StopTimeout, options.TimeProvider, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception tooSlow) when (tooSlow is TimeoutException or OperationCanceledException)
        {
            foreach (var loop in connections.Values)
                loop.Abort(new MqttCloseCause(MqttCloseKind.ServerStopping, ReasonCode.ServerShuttingDown));
            await WaitForHandlersAsync(all).ConfigureAwait(false);
        }

        // The last connection ended on a loop: nobody who waits for the stop may go on there.
        if (loops is not null)
            await new PoolSwitch();
        if (heartbeat is not null)
            await heartbeat.DisposeAsync().ConfigureAwait(false);
        loops?.Dispose();
    }

    // All connections are cut; only a handler that does not complete can still keep one. It must not keep the server.
    private async Task WaitForHandlersAsync(Task all)
    {
        try
        {
            await all.WaitAsync(options.StopTimeout, options.TimeProvider).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            options.Logger.HandlersLeftBehind(connections.Count);
        }
    }

    private async Task AcceptAllAsync(MqttListener listener)
    {
        while (true)
        {
            try
            {
                if (await listener.AcceptAsync().ConfigureAwait(false) is not { } channel)
                    return;
                Begin(channel);
            }
            catch (Exception failure)
            {
                // Out of descriptors or memory, mostly: those that are connected go on, new ones wait a little.
                options.Logger.AcceptFailed(failure, listener.EndPoint);
                await Task.Delay(DeadlineWheel.TickMilliseconds, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    private static IMqttHandler Hooked(IMqttHandler handler, MqttServerOptions options) =>
        options.PacketHooks.Count == 0 ? handler : handler.Use(new PacketHookMiddleware(options.PacketHooks, options.Logger));

    private ConnectionLoop? Begin(MqttChannel channel)
    {
        // One view of what may change meanwhile.
        MqttServerOptions options;
        IMqttHandler handler;
        lock (gate)
            (options, handler) = (this.options, this.handler!);
        if (!IsAccepted(channel) || IsFull || BufferPool.RentedBytes > options.MemoryBytes)
        {
            channel.Abort();
            return null;
        }

        var hooked = options.PacketHooks.Count == 0 ? null : new PacketHookChannel(channel, options.PacketHooks, options.Logger);
        var id = Interlocked.Increment(ref lastConnectionId);
        var loop = new ConnectionLoop(this, options, hooked ?? channel, handler, heartbeat!, id);
        hooked?.Connection = loop.Connection;
        SetContext(loop.Connection);
        connections[id] = loop;
        loop.Start();
        return loop;
    }

    // To count them takes every lock of the table.
    private bool IsFull => options.MaximumConnections is { } maximum && connections.Count >= maximum;

    private bool IsAccepted(MqttChannel channel)
    {
        foreach (var filter in options.AcceptFilters)
        {
            try
            {
                if (!filter(channel.RemoteEndPoint, channel.LocalEndPoint))
                    return false;
            }
            catch (Exception failure)
            {
                options.Logger.AcceptFilterFailed(failure);
                return false;
            }
        }

        return true;
    }

    private void SetContext(MqttConnection connection)
    {
        try
        {
            if (options.ConnectionContext?.Invoke(connection) is { } context)
                connection.Context = context;
        }
        catch (Exception failure)
        {
            options.Logger.ContextFailed(failure, connection);
        }
    }

    /// <summary>A connection is over, and its task about to complete.</summary>
    internal void Forget(ConnectionLoop loop) => connections.TryRemove(loop.Connection.Id, out _);
}
