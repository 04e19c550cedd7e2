using System.Diagnostics.CodeAnalysis;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server;
using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Hooks;

namespace Mqtt.HotPath.Tests;

/// <summary>What a message costs the garbage collector: nothing. Everything runs on the test's thread, so that its counter sees all of it.</summary>
public sealed class AllocationTests
{
    private const int MessagesPerRound = 100;
    private const int WarmUpRounds = 200;
    private const int Rounds = 1000;

    [Theory]
    [InlineData(QualityOfService.AtMostOnce, true, MqttProtocolVersion.V311)]
    [InlineData(QualityOfService.AtMostOnce, true, MqttProtocolVersion.V500)]
    [InlineData(QualityOfService.AtLeastOnce, true, MqttProtocolVersion.V311)]
    [InlineData(QualityOfService.AtLeastOnce, false, MqttProtocolVersion.V311)]
    [InlineData(QualityOfService.AtLeastOnce, false, MqttProtocolVersion.V500)]
    [InlineData(QualityOfService.ExactlyOnce, false, MqttProtocolVersion.V500)]
    public async Task A_hundred_thousand_messages_allocate_nothing_from_decoding_to_delivery(QualityOfService qos, bool cleanSession, MqttProtocolVersion version)
    {
        await using var broker = new MqttBroker();
        await MeasureAsync(broker, qos, cleanSession, version);
    }

    [Theory]
    [InlineData(QualityOfService.AtMostOnce, MqttProtocolVersion.V311)]
    [InlineData(QualityOfService.AtLeastOnce, MqttProtocolVersion.V500)]
    [InlineData(QualityOfService.ExactlyOnce, MqttProtocolVersion.V500)]
    public async Task Nor_do_they_if_inline_hooks_are_asked_about_each_and_told_of_it(QualityOfService qos, MqttProtocolVersion version)
    {
        var hook = new CountingHook();
        await using var broker = new MqttBroker(new MqttBrokerOptions { Hooks = [hook] });
        await MeasureAsync(broker, qos, cleanSession: false, version);
        hook.Count.Should().Be(3 * (WarmUpRounds + Rounds) * MessagesPerRound);
    }

    private static async Task MeasureAsync(MqttBroker broker, QualityOfService qos, bool cleanSession, MqttProtocolVersion version)
    {
        var pump = new TurnPump();
        var listener = new MemoryListener(pump);
        await using var server = new MqttServer(broker, new MqttServerOptions { Addresses = [], Listeners = [listener], StopTimeout = TimeSpan.Zero });
        await server.StartAsync();

        var publisher = new RawClient(listener.Connect(), pump);
        var subscriber = new RawClient(listener.Connect(), pump);
        publisher.Connect("publisher", cleanSession, version);
        subscriber.Connect("subscriber", cleanSession, version);
        subscriber.Send(Encode(new SubscribePacket { PacketId = 1, Subscriptions = [new("a/+/c", qos)] }, version));
        pump.Run();
        subscriber.Drain();

        var batch = Encode(MessagesPerRound, id => new PublishPacket { Topic = "a/b/c", Payload = new byte[64], QualityOfService = qos, PacketId = qos == 0 ? (ushort)0 : id }, version);
        var releases = Encode(MessagesPerRound, id => new PubRelPacket { PacketId = id }, version);

        long Run(int rounds)
        {
            long delivered = 0;
            for (var round = 0; round < rounds; round++)
            {
                publisher.Send(batch);
                pump.Run();
                if (qos == QualityOfService.ExactlyOnce)
                {
                    publisher.Send(releases);
                    pump.Run();
                }

                publisher.Drain();
                delivered += subscriber.ReceiveAndAcknowledge();
            }

            return delivered;
        }

        Run(WarmUpRounds).Should().Be(WarmUpRounds * MessagesPerRound);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var count = Run(Rounds);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        count.Should().Be(Rounds * MessagesPerRound);
        allocated.Should().Be(0, $"{count} messages went through");
        publisher.Abort();
        subscriber.Abort();
        pump.Run();
    }

    private static byte[] Encode(MqttPacket packet, MqttProtocolVersion version)
    {
        var bytes = new byte[MqttPacketWriter.Measure(packet, version)];
        MqttPacketWriter.Write(bytes, packet, version);
        return bytes;
    }

    private static byte[] Encode(int count, Func<ushort, MqttPacket> packet, MqttProtocolVersion version) =>
        [.. Enumerable.Range(1, count).SelectMany(id => Encode(packet((ushort)id), version))];

    private sealed class CountingHook : IAuthorizationHook, IMessageHook, IMessageObserver, IInlineBrokerHook
    {
        public long Count { get; private set; }

        public ValueTask<bool> MayPublishAsync(BrokerClient client, PublishAccess access)
        {
            Count++;
            return new(true);
        }

        public ValueTask OnPublishAsync(PublishRequest request)
        {
            Count++;
            return default;
        }

        public ValueTask OnPublishedAsync(BrokerClient? client, BrokerMessage message, int receivers)
        {
            Count++;
            return default;
        }
    }

    /// <summary>A client that reads and writes bytes without allocating: it would show in the measurement.</summary>
    private sealed class RawClient(MqttChannel channel, TurnPump pump)
    {
        private readonly byte[] input = new byte[256 * 1024];
        private readonly byte[] output = new byte[64 * 1024];
        private ValueTask? waiting;
        private readonly MqttPacketReader reader = new(MqttProtocolVersion.V500, MqttSender.Server);

        public void Connect(string clientId, bool cleanSession, MqttProtocolVersion version)
        {
            reader.Version = version;
            var connect = new ConnectPacket { Version = version, ClientId = clientId, CleanStart = cleanSession, KeepAliveSeconds = 0 };
            if (!cleanSession && version == MqttProtocolVersion.V500)
                connect.SessionExpiryInterval = 1000;
            Send(Encode(connect, version));
            pump.Run();
            Drain().Should().BePositive("CONNACK came");
        }

        public void Send(ReadOnlyMemory<byte> bytes)
        {
            var write = channel.WriteAsync(bytes);
            if (!write.IsCompletedSuccessfully)
                throw new InvalidOperationException("The batch must fit into the channel.");
        }

        public int Drain()
        {
            var total = 0;
            while (HasInput())
                total += Read(total);
            return total;
        }

        // Counts the messages, acknowledges each, and goes on until the broker has nothing more to send.
        public int ReceiveAndAcknowledge()
        {
            var messages = 0;
            while (HasInput())
            {
                ReadOnlyMemory<byte> rest = input.AsMemory(0, Read(0));
                var answers = 0;
                while (reader.TryRead(rest, out var packet, out var consumed))
                {
                    rest = rest[consumed..];
                    answers += Answer(packet, output.AsSpan(answers), ref messages);
                }

                if (!rest.IsEmpty)
                    throw new InvalidOperationException("A packet was cut off at the end of what was read.");
                if (answers > 0)
                {
                    Send(output.AsMemory(0, answers));
                    pump.Run();
                }
            }

            return messages;
        }

        public void Abort() => channel.Abort();

        // One wait is always under way; once it is over there is something to read.
        [SuppressMessage("Reliability", "CA2012:Use ValueTasks correctly", Justification = "Kept while the wait is under way, and consumed once.")]
        private bool HasInput()
        {
            waiting ??= channel.WaitReadableAsync();
            if (!waiting.Value.IsCompleted)
                return false;
            waiting.Value.GetAwaiter().GetResult();
            waiting = null;
            return true;
        }

        private int Read(int at)
        {
            var read = channel.ReadAsync(input.AsMemory(at));
            return read.IsCompletedSuccessfully ? read.Result : throw new InvalidOperationException("There was something to read.");
        }

        private static int Answer(MqttPacket packet, Span<byte> output, ref int messages)
        {
            byte first;
            ushort id;
            switch (packet)
            {
                case PublishPacket publish:
                    messages++;
                    if (publish.QualityOfService == QualityOfService.AtMostOnce)
                        return 0;
                    first = (byte)(publish.QualityOfService == QualityOfService.AtLeastOnce ? 0x40 : 0x50);
                    id = publish.PacketId;
                    break;
                case PubRelPacket release:
                    first = 0x70;
                    id = release.PacketId;
                    break;
                default:
                    return 0;
            }

            output[0] = first;
            output[1] = 2;
            output[2] = (byte)(id >> 8);
            output[3] = (byte)id;
            return 4;
        }
    }
}
