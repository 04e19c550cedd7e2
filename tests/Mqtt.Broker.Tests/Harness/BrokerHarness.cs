using Mqtt.Protocol.Channels;
using Mqtt.Server.Broker.Storage;

namespace Mqtt.Broker.Tests;

/// <summary>
/// A broker behind a server, its clients, its time and its store, all driven by the one thread that calls: nothing happens but within
/// <see cref="Run"/> and <see cref="Advance"/>, and afterwards all is quiet. That "nothing came" is then a fact, and needs no sleep.
/// </summary>
internal sealed class BrokerHarness : IDisposable
{
    private readonly Func<MqttBrokerOptions, MqttBrokerOptions> broker;
    private readonly Func<MqttServerOptions, MqttServerOptions> server;
    private readonly Func<IMqttHandler, IMqttHandler> middleware;
    private readonly int connectionBytes;
    private readonly List<MqttChannel> channels = [];
    private MemoryListener listener = null!;

    public BrokerHarness(
        IBrokerStore? store,
        Func<MqttBrokerOptions, MqttBrokerOptions>? broker = null,
        Func<MqttServerOptions, MqttServerOptions>? server = null,
        Func<IMqttHandler, IMqttHandler>? middleware = null,
        int connectionBytes = 4 * 1024 * 1024)
    {
        this.connectionBytes = connectionBytes;
        this.broker = broker ?? (static options => options);
        this.server = server ?? (static options => options);
        this.middleware = middleware ?? (static handler => handler);
        Begin(store);
    }

    public VirtualTime Time { get; } = new();

    public TurnPump Pump { get; } = new();

    public ErrorLog Log { get; } = new();

    public IBrokerStore? Store { get; private set; }

    public MqttBroker Broker { get; private set; } = null!;

    public MqttServer Server { get; private set; } = null!;

    /// <summary>Everything up to here is committed whenever nothing else can happen. Off, the test commits. Default: on.</summary>
    public bool CommitsWhenIdle { get; set; } = true;

    /// <summary>A new connection on which nothing was sent yet.</summary>
    public TestClient Open(MqttProtocolVersion version = MqttProtocolVersion.V500) => Attach(listener, version);

    /// <inheritdoc cref="Open"/>
    public TestClient Attach(MemoryListener to, MqttProtocolVersion version = MqttProtocolVersion.V500)
    {
        var channel = Dial(to);
        Run();
        return new TestClient(this, channel, version);
    }

    /// <summary>The bare channel of a new connection; nothing runs yet.</summary>
    public MqttChannel Dial() => Dial(listener);

    /// <summary>Lets everything happen that can, without time going on.</summary>
    public void Run()
    {
        do
            Pump.Run();
        while (CommitsWhenIdle && Store is ManualCommitStore store && Quietly(store.Commit));
    }

    /// <summary>Moves the time, and lets everything happen on the way.</summary>
    public void Advance(TimeSpan by)
    {
        Run();
        var until = Time.Elapsed + by;
        while (Time.NextDue is { } next && Time.Elapsed + next <= until)
        {
            Time.AdvanceToNext();
            Run();
        }

        Time.Advance(until - Time.Elapsed);
        Run();
    }

    /// <summary>The broker is gone from one moment to the next; a new one begins over what was committed.</summary>
    public void Crash()
    {
        foreach (var channel in channels)
            Quietly(channel.Abort);
        channels.Clear();
        var survives = Quietly(((ManualCommitStore)Store!).Crash);
        Stop();
        Begin(survives);
    }

    /// <summary>The broker stops in good order, and begins anew.</summary>
    public void Restart()
    {
        Stop();
        Begin();
    }

    /// <summary>A new broker over what the store has, after <see cref="Stop"/>.</summary>
    public void Begin() => Begin(Store is ManualCommitStore store ? store.Crash() : Store);

    /// <summary>Stops server and broker in good order; what clients do not close is cut after its time.</summary>
    public void Stop()
    {
        Finish(() => Server.StopAsync());
        Finish(() => Broker.DisposeAsync().AsTask());
        Run();
    }

    /// <inheritdoc/>
    public void Dispose() => Stop();

    /// <summary>Runs an asynchronous operation to its end, and the time if it takes some.</summary>
    public void Finish(Func<Task> operation) => Finish(Quietly(operation));

    /// <inheritdoc cref="Finish(Func{Task})"/>
    public void Finish(Task task)
    {
        for (var i = 0; !task.IsCompleted && i < 1000; i++)
            Advance(TimeSpan.FromMilliseconds(100));
        task.IsCompleted.Should().BeTrue("all is quiet, and 100 s have gone by");
        task.GetAwaiter().GetResult();
    }

    /// <inheritdoc cref="Finish(Func{Task})"/>
    public T Finish<T>(Func<ValueTask<T>> operation)
    {
        var task = Quietly(() => operation().AsTask());
        Finish(task);
        return task.Result;
    }

    /// <summary>Takes the test framework's context away, which would send what goes on elsewhere.</summary>
    public static T Quietly<T>(Func<T> action)
    {
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            return action();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    private static void Quietly(Action action) => Quietly<object?>(() =>
    {
        action();
        return null;
    });

    private MqttChannel Dial(MemoryListener to)
    {
        var channel = Quietly(to.Connect);
        channels.Add(channel);
        return channel;
    }

    private void Begin(IBrokerStore? store)
    {
        Store = store;
        listener = new MemoryListener(Pump, connectionBytes);
        Broker = new MqttBroker(broker(new MqttBrokerOptions { TakeoversPerMinute = 0, Store = store, TimeProvider = Time, Scheduler = Pump, Logger = Log }));
        Server = new MqttServer(
            middleware(Broker),
            server(new MqttServerOptions { Addresses = [], Listeners = [listener], TimeProvider = Time, Logger = Log }));
        Finish(() => Server.StartAsync());
        Run();
    }
}
