namespace Mqtt.Client.Tests;

/// <summary>What QoS 0 costs the garbage collector. Runs alone, since the process has one count of all bytes.</summary>
[Collection(nameof(AllocationTests))]
[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
public class AllocationTests
{
    private const int Batches = 200;
    private const int MessagesOfBatch = 500;

    [Theory]
    [InlineData(MqttProtocolVersion.V311, 0)]
    [InlineData(MqttProtocolVersion.V500, 0)]
    [InlineData(MqttProtocolVersion.V500, 16)]
    public async Task Publishing_at_QoS_0_allocates_nothing(MqttProtocolVersion version, byte topicAliasMaximum)
    {
        var channel = new PreparedChannel(version, batch: [], topicAliasMaximum);
        await using var client = new MqttClient(new MqttClientOptions { ProtocolVersion = version, ConnectChannel = _ => new(channel) });
        await client.ConnectAsync().Soon();
        MqttString topic = "plant/7/temperature";
        var payload = new byte[64];
        long Measure()
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < MessagesOfBatch * Batches; i++)
            {
                var publishing = client.PublishAsync(topic, payload);
                if (!publishing.IsCompletedSuccessfully)
                    throw new InvalidOperationException("The channel takes everything at once.");
                _ = publishing.Result;
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Measure();
        Measure().Should().Be(0);
        channel.WrittenBytes.Should().BeGreaterThan(2L * MessagesOfBatch * Batches * payload.Length);
        if (topicAliasMaximum > 0)
            channel.WrittenBytes.Should().BeLessThan(2L * MessagesOfBatch * Batches * (payload.Length + 16), "the topic is left out");
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task Handling_messages_of_QoS_0_allocates_nothing_for_each(MqttProtocolVersion version)
    {
        var channel = new PreparedChannel(version, Encode(version));
        await using var client = new MqttClient(new MqttClientOptions { ProtocolVersion = version, ConnectChannel = _ => new(channel) });
        var handled = 0;
        var sum = 0;
        using var batchIsHandled = new SemaphoreSlim(0);
        client.Subscribe("plant/+/temperature", (message, _) =>
        {
            sum += message.Topic.Length + message.Payload.Length;
            if (++handled % MessagesOfBatch == 0)
                batchIsHandled.Release();
            return default;
        });
        await client.ConnectAsync().Soon();
        async Task<long> MeasureAsync()
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            for (var i = 0; i < Batches; i++)
            {
                channel.Deliver();
                (await batchIsHandled.WaitAsync(TimeSpan.FromSeconds(10))).Should().BeTrue();
            }

            return GC.GetTotalAllocatedBytes(precise: true) - before;
        }

        await MeasureAsync();
        var least = Math.Min(await MeasureAsync(), await MeasureAsync());
        handled.Should().Be(3 * Batches * MessagesOfBatch);
        ((double)least / (Batches * MessagesOfBatch)).Should().BeLessThan(8, "what a batch of {0} costs is the test's own", MessagesOfBatch);
    }

    private static byte[] Encode(MqttProtocolVersion version)
    {
        var packet = new PublishPacket { Topic = "plant/7/temperature", Payload = new byte[64] };
        if (version == MqttProtocolVersion.V500)
            packet.AddSubscriptionIdentifier(1);
        var bytes = new byte[MqttPacketWriter.Measure(packet, version)];
        MqttPacketWriter.Write(bytes, packet, version);
        return [.. Enumerable.Repeat(bytes, MessagesOfBatch).SelectMany(one => one)];
    }

    /// <summary>A channel that takes everything, and gives CONNACK and then as many batches as it is told to, without allocating.</summary>
    private sealed class PreparedChannel(MqttProtocolVersion version, byte[] batch, byte topicAliasMaximum = 0) : MqttChannel
    {
        private readonly SemaphoreSlim deliveries = new(0);
        private readonly CancellationTokenSource aborted = new();
        private byte[] current = version == MqttProtocolVersion.V500 ? [0x20, 6, 0, 0, 3, 0x22, 0, topicAliasMaximum] : [0x20, 2, 0, 0];
        private int taken;
        private long written;

        public override long WrittenBytes => written;

        public void Deliver() => deliveries.Release();

        public override async ValueTask WaitReadableAsync(CancellationToken cancellationToken = default)
        {
            if (taken < current.Length)
                return;
            try
            {
                await deliveries.WaitAsync(aborted.Token);
            }
            catch (OperationCanceledException)
            {
                throw new MqttConnectionException();
            }

            (current, taken) = (batch, 0);
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (taken == current.Length)
                await WaitReadableAsync(cancellationToken);
            var count = Math.Min(buffer.Length, current.Length - taken);
            current.AsSpan(taken, count).CopyTo(buffer.Span);
            taken += count;
            return count;
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
        {
            written += bytes.Length;
            return default;
        }

        public override void CompleteWriting() => aborted.Cancel();

        public override void Abort() => aborted.Cancel();
    }
}
