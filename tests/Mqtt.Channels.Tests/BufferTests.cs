using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Testing;

namespace Mqtt.Channels.Tests;

/// <summary>What the one pool of the process does, and that channels and outboxes give back what they take.</summary>
[Collection(Alone.Name)]
public class BufferTests
{
    private readonly BufferLeakCheck leaks = new();

    [Theory]
    [InlineData(0, 64)]
    [InlineData(1, 64)]
    [InlineData(64, 64)]
    [InlineData(65, 96)]
    [InlineData(96, 96)]
    [InlineData(97, 128)]
    [InlineData(129, 192)]
    [InlineData(193, 256)]
    [InlineData(4096, 4096)]
    [InlineData(4097, 6144)]
    [InlineData(6145, 8192)]
    [InlineData(1024 * 1024, 1024 * 1024)]
    [InlineData(16 * 1024 * 1024, 16 * 1024 * 1024)]
    [InlineData(16 * 1024 * 1024 + 1, 16 * 1024 * 1024 + 1)]
    public void A_buffer_has_the_next_of_two_sizes_to_each_doubling_and_above_16_MiB_the_exact_size(int wanted, int length)
    {
        var buffer = BufferPool.Rent(wanted);

        buffer.Should().HaveCount(length);
        BufferPool.Return(buffer);
    }

    [Fact]
    public void What_was_given_back_last_is_given_out_first()
    {
        var (first, second) = (BufferPool.Rent(1000), BufferPool.Rent(1000));
        BufferPool.Return(first);
        BufferPool.Return(second);

        BufferPool.Rent(1000).Should().BeSameAs(second);
        BufferPool.Rent(1000).Should().BeSameAs(first);
        BufferPool.Return(first);
        BufferPool.Return(second);
    }

    [Theory]
    [InlineData(512 * 1024, 32)]
    [InlineData(1024 * 1024, 16)]
    [InlineData(4 * 1024 * 1024, 4)]
    [InlineData(16 * 1024 * 1024, 1)]
    public void No_more_than_16_MiB_of_a_size_are_kept(int sizeBytes, int kept)
    {
        var buffers = Enumerable.Range(0, kept + 3).Select(_ => BufferPool.Rent(sizeBytes)).ToList();
        buffers.ForEach(BufferPool.Return);

        var again = Enumerable.Range(0, kept + 3).Select(_ => BufferPool.Rent(sizeBytes)).ToList();
        again.ForEach(BufferPool.Return);

        again.Intersect(buffers).Should().HaveCount(kept);
    }

    [Fact]
    public void It_counts_what_is_out()
    {
        var buffers = Enumerable.Range(0, 10).Select(i => BufferPool.Rent(i * 200_000)).ToList();
        leaks.UnreturnedCount.Should().Be(10);
        leaks.Invoking(check => check.Verify()).Should().Throw<ScriptFailedException>().WithMessage("10 buffers*");

        buffers.ForEach(BufferPool.Return);

        leaks.Verify();
    }

    [Fact]
    public void Threads_never_share_a_buffer()
    {
        Parallel.For(0, 8, thread =>
        {
            var random = new Random(thread);
            for (var i = 0; i < 5_000; i++)
            {
                var buffer = BufferPool.Rent(random.Next(1, 2000));
                buffer.AsSpan().Fill((byte)thread);
                Thread.Yield();
                if (buffer.AsSpan().ContainsAnyExcept((byte)thread))
                    throw new InvalidOperationException("Somebody else wrote into it.");
                BufferPool.Return(buffer);
            }
        });

        leaks.Verify();
    }

    [Fact]
    public void Renting_allocates_nothing_once_it_is_warm() => MustAllocateNothing(i => BufferPool.Return(BufferPool.Rent(i % 5000)));

    [Fact]
    public void A_turn_of_an_outbox_allocates_nothing_once_it_is_warm()
    {
        var outbox = new Outbox(new SilentChannel());
        var bytes = new byte[300];

        MustAllocateNothing(_ =>
        {
            using (Turn.Enter(out var turn))
            {
                outbox.Append(bytes, turn);
                outbox.Append(bytes, turn);
            }
        });
    }

    [Fact]
    public void A_memory_channel_allocates_nothing_once_it_is_warm()
    {
        var (first, second) = MemoryChannel.CreatePair();
        var (bytes, buffer) = (new byte[500], new byte[1000]);

        MustAllocateNothing(_ =>
        {
            AtOnce.Done(first.WriteAsync(bytes));
            AtOnce.Done(second.WaitReadableAsync());
            AtOnce.Value(second.ReadAsync(buffer));
        });
    }

    [Fact]
    public void An_outbox_in_which_nothing_waits_owns_no_buffer()
    {
        var channel = new RecordingChannel();
        var outbox = new Outbox(channel);
        leaks.UnreturnedCount.Should().Be(0);

        Append(outbox, 1000);
        leaks.Verify();

        channel.Blocks = true;
        Append(outbox, 1000);
        Append(outbox, 1000);
        leaks.UnreturnedCount.Should().Be(2, "one is being sent, one waits");
        channel.Blocks = false;
        channel.Unblock();
        leaks.Verify();
    }

    [Fact]
    public void An_outbox_that_is_closed_gives_back_what_waits_and_after_the_write_what_was_sent()
    {
        var channel = new RecordingChannel { Blocks = true };
        var outbox = new Outbox(channel);
        Append(outbox, 1000);
        Append(outbox, 1000);

        outbox.Close();
        leaks.UnreturnedCount.Should().Be(1, "the channel still has it");
        channel.Unblock();

        leaks.Verify();
    }

    [Fact]
    public void An_outbox_whose_channel_fails_gives_back_everything()
    {
        var channel = new RecordingChannel { Blocks = true };
        var outbox = new Outbox(channel);
        Append(outbox, 1000);
        Append(outbox, 1000);

        channel.Unblock(new MqttConnectionException());

        leaks.Verify();
    }

    [Fact]
    public void An_outbox_that_refuses_a_packet_keeps_no_buffer_for_it()
    {
        var outbox = new Outbox(new RecordingChannel());
        var packet = new PublishPacket { Topic = "a/#" };

        var append = () =>
        {
            using (Turn.Enter(out var turn))
                outbox.Append(packet, MqttProtocolVersion.V500, turn);
        };

        append.Should().Throw<ArgumentException>();
        leaks.Verify();
    }

    [Fact]
    public void A_memory_channel_in_which_nothing_waits_owns_no_buffer()
    {
        var (first, second) = MemoryChannel.CreatePair();
        var buffer = new byte[100];

        AtOnce.Done(first.WriteAsync(new byte[100]));
        leaks.UnreturnedCount.Should().Be(1);
        AtOnce.Value(second.ReadAsync(buffer));

        leaks.Verify();
    }

    [Fact]
    public void An_aborted_memory_channel_gives_back_what_nobody_read()
    {
        var (first, second) = MemoryChannel.CreatePair();
        AtOnce.Done(first.WriteAsync(new byte[100]));
        AtOnce.Done(second.WriteAsync(new byte[100]));
        leaks.UnreturnedCount.Should().Be(2);

        second.Abort();

        leaks.Verify();
    }

    // The least of several rounds: now and then the runtime allocates a few bytes on this thread for itself, to compile or to wait for a lock.
    private static void MustAllocateNothing(Action<int> action)
    {
        var least = long.MaxValue;
        for (var round = 0; round < 5 && least > 0; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 5_000; i++)
                action(i);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        least.Should().Be(0);
    }

    private static void Append(Outbox outbox, int bytes)
    {
        using (Turn.Enter(out var turn))
            outbox.Append(new byte[bytes], turn);
    }

    /// <summary>Takes everything and forgets it.</summary>
    private sealed class SilentChannel : MqttChannel
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes) => default;

        public override void CompleteWriting()
        {
        }

        public override void Abort()
        {
        }

        public override ValueTask WaitReadableAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => throw new NotSupportedException();
    }
}
