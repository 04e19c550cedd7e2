using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using BenchmarkDotNet.Attributes;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server;
using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Benchmarks;

/// <summary>
/// What an inline hook adds to a message: one client publishes QoS 0 in memory to nobody, or to itself. A time is that of one message from the
/// bytes to the broker and back; what a hook costs is the difference to the row without.
/// </summary>
[MemoryDiagnoser]
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "The clean-up disposes them.")]
public class HookBenchmarks
{
    private const int MessageCount = 100;

    private readonly TurnPump pump = new();
    private readonly byte[] input = new byte[64 * 1024];
    private byte[] batch = [];
    private MqttBroker broker = null!;
    private MqttServer server = null!;
    private MqttChannel client = null!;
    private ValueTask? readable;

    public enum Hook
    {
        None,
        Authorization,
        Message,
        MessageObserver,
        DeliveryObserver,
        Connection,
        Middleware,
        Packets,
    }

    [ParamsAllValues]
    public Hook Used { get; set; }

    [Params(false, true)]
    public bool IsDelivered { get; set; }

    [GlobalSetup]
    public async Task Prepare()
    {
        IBrokerHook[] hooks = Used switch
        {
            Hook.Authorization => [new Rights()],
            Hook.Message => [new Messages()],
            Hook.MessageObserver => [new Observer()],
            Hook.DeliveryObserver => [new Deliveries()],
            Hook.Connection => [new Connections()],
            _ => [],
        };
        var listener = new MemoryListener(pump);
        broker = new MqttBroker(new MqttBrokerOptions { Hooks = hooks, Scheduler = pump });
        server = new MqttServer(
            Used == Hook.Middleware ? broker.Use(new PassOn()) : broker,
            new MqttServerOptions { Addresses = [], Listeners = [listener], StopTimeout = TimeSpan.Zero, PacketHooks = Used == Hook.Packets ? [new Trace()] : [] });
        await server.StartAsync();
        client = listener.Connect();
        Send(Encode(new ConnectPacket { Version = MqttProtocolVersion.V311, ClientId = "client", KeepAliveSeconds = 0 }));
        if (IsDelivered)
            Send(Encode(new SubscribePacket { PacketId = 1, Subscriptions = [new("plant/#")] }));
        var message = Encode(new PublishPacket { Topic = "plant/hall-7/machine-12/temperature", Payload = new byte[64] });
        batch = [.. Enumerable.Repeat(message, MessageCount).SelectMany(bytes => bytes)];
    }

    [GlobalCleanup]
    public async Task CleanUp()
    {
        client.Abort();
        pump.Run();
        await server.StopAsync();
        await broker.DisposeAsync();
    }

    [Benchmark(OperationsPerInvoke = MessageCount, Description = "publish")]
    public int Publish() => Send(batch);

    // Until all is quiet; what came back is read and thrown away.
    [SuppressMessage("Reliability", "CA2012:Use ValueTasks correctly", Justification = "Kept while the wait is under way, and consumed once.")]
    private int Send(ReadOnlyMemory<byte> bytes)
    {
        if (!client.WriteAsync(bytes).IsCompletedSuccessfully)
            throw new InvalidOperationException("The batch must fit into the channel.");
        pump.Run();
        var received = 0;
        while (true)
        {
            readable ??= client.WaitReadableAsync();
            if (!readable.Value.IsCompleted)
                return received;
            readable.Value.GetAwaiter().GetResult();
            readable = null;
            received += client.ReadAsync(input).Result;
            pump.Run();
        }
    }

    private static byte[] Encode(MqttPacket packet)
    {
        var output = new ArrayBufferWriter<byte>();
        MqttPacketWriter.Write(output, packet, MqttProtocolVersion.V311);
        return output.WrittenSpan.ToArray();
    }

    private sealed class Rights : IAuthorizationHook, IInlineBrokerHook
    {
        public ValueTask<bool> MayPublishAsync(BrokerClient client, PublishAccess access) => new(true);
    }

    private sealed class Messages : IMessageHook, IInlineBrokerHook
    {
        public ValueTask OnPublishAsync(PublishRequest request) => default;
    }

    private sealed class Observer : IMessageObserver, IInlineBrokerHook
    {
        public ValueTask OnPublishedAsync(BrokerClient? client, BrokerMessage message, int receivers) => default;
    }

    private sealed class Deliveries : IDeliveryObserver, IInlineBrokerHook
    {
        public ValueTask OnDeliveredAsync(Delivery delivery, BrokerMessage message) => default;
    }

    private sealed class Connections : IConnectionHook, IConnectionObserver, IInlineBrokerHook
    {
        public ValueTask OnConnectAsync(ConnectRequest request) => default;
    }

    private sealed class PassOn : IInlineMqttMiddleware
    {
        public ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet, IMqttHandler next) => next.OnPacketAsync(connection, packet);
    }

    private sealed class Trace : IMqttPacketHook;
}
