using Mqtt.Protocol.Channels;

namespace Mqtt.Server.Broker.InProcess;

/// <summary>
/// Serves the connections of a broker's in-process clients: a server as any other, that listens nowhere. Made with the first of them.
/// </summary>
internal sealed class InProcessServer(MqttBroker broker, MqttBrokerOptions options) : IAsyncDisposable
{
    // A handler of the program may take as long as it likes; what waits for it is bounded.
    private static readonly TimeSpan NoLimit = TimeSpan.FromDays(10_000);

    private readonly Lock gate = new();
    private MqttServer? server;
    private bool isDisposed;

    /// <summary>Makes a connection of a channel.</summary>
    public MqttConnection Serve(MqttChannel channel)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(isDisposed, broker);
            server ??= Start();
        }

        return server.Serve(channel);
    }

    public ValueTask DisposeAsync()
    {
        lock (gate)
            isDisposed = true;
        return server?.DisposeAsync() ?? default;
    }

    private MqttServer Start()
    {
        var made = new MqttServer(new MqttServerOptions
        {
            Addresses = [],
            Listeners = [new MemoryListener(options.Scheduler)],
            Limits = new MqttConnectionLimits { SendTimeout = NoLimit },
            StopTimeout = options.StopTimeout,
            TimeProvider = options.TimeProvider,
            Logger = options.Logger,
        });

        // Completes at once: a listener in memory has nothing to wait for.
        made.StartAsync(broker).GetAwaiter().GetResult();
        return made;
    }
}
