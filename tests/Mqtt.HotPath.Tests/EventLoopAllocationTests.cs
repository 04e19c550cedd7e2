using System.Net;
using System.Net.Sockets;
using Mqtt.Protocol;
using Mqtt.Server;

namespace Mqtt.HotPath.Tests;

/// <summary>
/// What a million messages over event loops and real sockets cost the garbage collector: nothing. The clients are one thread that does not
/// allocate either, so that all that the process allocates meanwhile would be the broker's, or the test runner's little. A round in which
/// more is under way at once than ever before makes the pools grow: the least of a few rounds counts, in which nothing may be left.
/// </summary>
[Collection(Alone.Name)]
public sealed class EventLoopAllocationTests
{
    private const int Messages = 1_000_000;
    private const int MessagesOfWarmUp = 200_000;
    private const int Rounds = 4;
    private const long AllowedBytes = 64 * 1024; // less than a tenth of a byte for each message

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    [Theory]
    [InlineData(QualityOfService.AtMostOnce, 1, 500)]
    [InlineData(QualityOfService.AtLeastOnce, 1, 500)]
    [InlineData(QualityOfService.AtMostOnce, 50, 100)]
    [InlineData(QualityOfService.AtLeastOnce, 50, 100)]
    public async Task A_million_messages_allocate_nothing(QualityOfService qualityOfService, int pairCount, int batch)
    {
        await using var broker = new MqttBroker();
        await using var server = new MqttServer(broker, new MqttServerOptions { Addresses = ["mqtt://127.0.0.1:0"], EventLoops = 2, StopTimeout = TimeSpan.Zero });
        await server.StartAsync();
        var pairs = Enumerable.Range(0, pairCount).Select(i => new Pair(server.Endpoints[0], i, qualityOfService, batch)).ToArray();

        var (bytes, collections) = await Task.Factory.StartNew(() => Measure(pairs, batch), TaskCreationOptions.LongRunning).WaitAsync(Patience);

        bytes.Should().BeLessThan(AllowedBytes);
        collections.Should().Be(0);
        foreach (var pair in pairs)
            pair.Dispose();
    }

    private static (long Bytes, int Collections) Measure(Pair[] pairs, int batch)
    {
        Exchange(pairs, MessagesOfWarmUp / batch / pairs.Length);
        var least = (Bytes: long.MaxValue, Collections: 0);
        for (var round = 0; round < Rounds && least.Bytes >= AllowedBytes; round++)
        {
            var collections = GC.CollectionCount(0);
            var bytes = GC.GetTotalAllocatedBytes(precise: true);
            Exchange(pairs, Messages / batch / pairs.Length);
            bytes = GC.GetTotalAllocatedBytes(precise: true) - bytes;
            if (bytes < least.Bytes)
                least = (bytes, GC.CollectionCount(0) - collections);
        }

        return least;
    }

    private static void Exchange(Pair[] pairs, int rounds)
    {
        for (var round = 0; round < rounds; round++)
        {
            foreach (var pair in pairs)
                pair.Publish();
            foreach (var pair in pairs)
                pair.Receive();
        }
    }

    /// <summary>A publisher and the one who gets its messages.</summary>
    private sealed class Pair : IDisposable
    {
        private readonly RawClient publisher;
        private readonly RawClient subscriber;
        private readonly byte[] messages;
        private readonly int count;
        private readonly bool isAcknowledged;

        public Pair(EndPoint server, int number, QualityOfService qualityOfService, int count)
        {
            this.count = count;
            isAcknowledged = qualityOfService != QualityOfService.AtMostOnce;
            publisher = new RawClient(server, $"publisher-{number}");
            subscriber = new RawClient(server, $"subscriber-{number}");
            subscriber.Send(Encode(new SubscribePacket { PacketId = 1, Subscriptions = [new($"a/{number}/c", qualityOfService)] }));
            subscriber.Receive(MqttPacketType.SubAck, 1);
            messages = [.. Enumerable.Range(1, count).SelectMany(id => Encode(new PublishPacket
            {
                Topic = $"a/{number}/c",
                Payload = new byte[64],
                QualityOfService = qualityOfService,
                PacketId = isAcknowledged ? (ushort)id : (ushort)0,
            }))];
        }

        public void Publish() => publisher.Send(messages);

        public void Receive()
        {
            subscriber.Receive(MqttPacketType.Publish, count);
            if (!isAcknowledged)
                return;

            // The broker has taken the acknowledgements before it gets more messages: so many are under way, and no more.
            subscriber.Ping();
            publisher.Receive(MqttPacketType.PubAck, count);
        }

        public void Dispose()
        {
            publisher.Dispose();
            subscriber.Dispose();
        }
    }

    private static byte[] Encode(MqttPacket packet)
    {
        var bytes = new byte[MqttPacketWriter.Measure(packet, MqttProtocolVersion.V500)];
        MqttPacketWriter.Write(bytes, packet, MqttProtocolVersion.V500);
        return bytes;
    }

    /// <summary>A client over a blocking socket that allocates nothing once it is connected.</summary>
    private sealed class RawClient : IDisposable
    {
        private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 60_000 };
        private readonly MqttPacketReader reader = new(MqttProtocolVersion.V500, MqttSender.Server);
        private readonly byte[] input = new byte[64 * 1024];
        private readonly byte[] output = new byte[16 * 1024];
        private int start;
        private int end;

        public RawClient(EndPoint server, string clientId)
        {
            socket.Connect(server);
            Send(Encode(new ConnectPacket { ClientId = clientId, KeepAliveSeconds = 0 }));
            Receive(MqttPacketType.ConnAck, 1);
        }

        public void Send(ReadOnlySpan<byte> bytes)
        {
            while (!bytes.IsEmpty)
                bytes = bytes[socket.Send(bytes)..];
        }

        /// <summary>Takes so many packets of one type, and no others; messages are acknowledged when all are there.</summary>
        public void Receive(MqttPacketType type, int count)
        {
            var answers = 0;
            while (count > 0)
            {
                while (count > 0 && reader.TryRead(input.AsMemory(start, end - start), out var packet, out var consumed))
                {
                    if (packet.Type != type)
                        throw new InvalidOperationException($"{packet.Type} came instead of {type}.");
                    start += consumed;
                    count--;
                    if (packet is PublishPacket { QualityOfService: QualityOfService.AtLeastOnce } message)
                        answers += Acknowledge(message.PacketId, output.AsSpan(answers));
                }

                if (count > 0)
                    ReceiveMore();
            }

            Send(output.AsSpan(0, answers));
        }

        public void Ping()
        {
            Send([0xC0, 0]);
            Receive(MqttPacketType.PingResp, 1);
        }

        public void Dispose() => socket.Dispose();

        private void ReceiveMore()
        {
            input.AsSpan(start, end - start).CopyTo(input);
            (start, end) = (0, end - start);
            var received = socket.Receive(input.AsSpan(end));
            end += received > 0 ? received : throw new InvalidOperationException("The broker has ended the connection.");
        }

        private static int Acknowledge(ushort packetId, Span<byte> output)
        {
            output[0] = 0x40;
            output[1] = 2;
            output[2] = (byte)(packetId >> 8);
            output[3] = (byte)packetId;
            return 4;
        }
    }
}
