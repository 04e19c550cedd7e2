using System.Net;

namespace Mqtt.Server.Tests;

/// <summary>A server in memory that nothing drives but the test: all that can happen happens within <see cref="Run"/> and <see cref="Advance"/>.</summary>
internal sealed class DrivenServer : IDisposable
{
    private readonly BufferLeakCheck buffers = new();
    private readonly CountingListener listener;

    public DrivenServer(IInlineMqttHandler handler, Func<MqttServerOptions, MqttServerOptions>? with = null, int connectionBytes = 64 * 1024)
    {
        listener = new CountingListener(new MemoryListener(Pump, connectionBytes));
        var options = new MqttServerOptions { Addresses = [], Listeners = [listener], TimeProvider = Time, Logger = Log };
        Server = new MqttServer(handler, with?.Invoke(options) ?? options);
        Finish(Quietly(() => Server.StartAsync()));
    }

    public TurnPump Pump { get; } = new();

    public VirtualTime Time { get; } = new();

    public ErrorLog Log { get; } = new();

    public MqttServer Server { get; }

    /// <summary>How many writes the server has made.</summary>
    public int WriteCount => listener.WriteCount;

    /// <summary>How many buffers are out that were not before the server was made.</summary>
    public long BufferCount => buffers.UnreturnedCount;

    public MqttChannel DialChannel() => Quietly(listener.Connect);

    public ScriptedPeer Dial(MqttProtocolVersion version = MqttProtocolVersion.V500)
    {
        var peer = new ScriptedPeer(DialChannel(), version: version, pump: Pump);
        Run();
        return peer;
    }

    public ScriptedPeer Connect(string clientId = "client", MqttProtocolVersion version = MqttProtocolVersion.V500, ushort keepAlive = 0)
    {
        var peer = Dial(version);
        peer.Connect(new ConnectPacket { Version = version, ClientId = clientId, KeepAliveSeconds = keepAlive }).ReasonCode.Should().Be(ReasonCode.Success);
        return peer;
    }

    public void Run() => Pump.Run();

    public void Advance(double seconds)
    {
        var until = Time.Elapsed + TimeSpan.FromSeconds(seconds);
        Run();
        while (Time.NextDue is { } next && Time.Elapsed + next <= until)
        {
            Time.AdvanceToNext();
            Run();
        }

        Time.Advance(until - Time.Elapsed);
        Run();
    }

    public void Finish(Task task)
    {
        for (var i = 0; !task.IsCompleted && i < 1000; i++)
            Advance(0.1);
        task.IsCompleted.Should().BeTrue("all is quiet, and 100 s have gone by");
        task.GetAwaiter().GetResult();
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

    public void Dispose()
    {
        Finish(Quietly(() => Server.StopAsync()));
        Log.Errors.Should().BeEmpty();
        buffers.Verify();
    }

    // Counts what the server writes.
    private sealed class CountingListener(MemoryListener inner) : MqttListener
    {
        public int WriteCount { get; set; }

        public override EndPoint EndPoint => inner.EndPoint;

        public MqttChannel Connect() => inner.Connect();

        public override void Start() => inner.Start();

        public override async ValueTask<MqttChannel?> AcceptAsync() =>
            await inner.AcceptAsync().ConfigureAwait(false) is { } channel ? new CountingChannel(channel, this) : null;

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    private sealed class CountingChannel(MqttChannel inner, CountingListener counter) : MqttChannel
    {
        public override EndPoint? LocalEndPoint => inner.LocalEndPoint;

        public override EndPoint? RemoteEndPoint => inner.RemoteEndPoint;

        public override long WrittenBytes => inner.WrittenBytes;

        public override bool IsPeerGone => inner.IsPeerGone;

        public override int UnreadBytes => inner.UnreadBytes;

        public override ValueTask WaitReadableAsync(CancellationToken cancellationToken = default) => inner.WaitReadableAsync(cancellationToken);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
        {
            counter.WriteCount++;
            return inner.WriteAsync(bytes);
        }

        public override ValueTask YieldAsync() => inner.YieldAsync();

        public override void CompleteWriting() => inner.CompleteWriting();

        public override void Abort() => inner.Abort();

        public override async ValueTask DisposeAsync()
        {
            await inner.DisposeAsync().ConfigureAwait(false);
            await base.DisposeAsync().ConfigureAwait(false);
        }
    }
}
