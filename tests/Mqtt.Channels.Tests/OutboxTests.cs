using System.Buffers.Binary;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;

namespace Mqtt.Channels.Tests;

public sealed class OutboxTests : IAsyncDisposable
{
    private readonly RecordingChannel channel = new();
    private readonly Outbox outbox;
    private readonly List<MqttConnectionException> failures = [];
    private int drained;

    public OutboxTests() => outbox = new Outbox(channel, limitBytes: 100) { Drained = () => drained++, Failed = failures.Add };

    public ValueTask DisposeAsync() => channel.DisposeAsync();

    [Fact]
    public void Packets_are_encoded_in_the_version_of_the_connection()
    {
        var packet = new PubAckPacket { PacketId = 7, ReasonCode = ReasonCode.NoMatchingSubscribers };
        using (Turn.Enter(out var turn))
        {
            outbox.Append(packet, MqttProtocolVersion.V500, turn).Should().BeTrue();
            outbox.Append(packet, MqttProtocolVersion.V311, turn).Should().BeTrue();
        }

        channel.Written.Should().Equal(0x40, 3, 0, 7, 0x10, 0x40, 2, 0, 7);
    }

    [Fact]
    public void What_is_appended_while_a_write_is_blocked_leaves_in_one_write_after_it()
    {
        channel.Blocks = true;
        Append(1);
        outbox.IsBlocked.Should().BeTrue();
        Append(2);
        Append(3);
        channel.Writes.Should().HaveCount(1);

        channel.Unblock();

        channel.Writes[1].Should().Equal(2, 3);
        channel.WroteTwiceAtOnce.Should().BeFalse();
        channel.Unblock();
        outbox.IsBlocked.Should().BeFalse();
    }

    [Fact]
    public void Who_was_refused_room_is_told_once_when_everything_is_written_out()
    {
        channel.Blocks = true;
        Append(1);
        Append(2);
        outbox.HasRoom(100).Should().BeFalse();
        channel.Unblock();
        drained.Should().Be(0, "the second write is blocked as well");
        channel.Unblock();
        drained.Should().Be(1);

        Append(3);
        channel.Unblock();
        drained.Should().Be(1, "nobody was refused since");
    }

    [Fact]
    public void Who_was_refused_room_within_a_turn_is_told_at_its_end()
    {
        using (Turn.Enter(out var turn))
        {
            outbox.Append([1], turn);
            outbox.HasRoom(100).Should().BeFalse();
            drained.Should().Be(0);
        }

        drained.Should().Be(1);
    }

    [Fact]
    public void Who_is_told_that_there_is_room_may_append()
    {
        outbox.Drained = () => Append(2);
        using (Turn.Enter(out var turn))
        {
            outbox.Append([1], turn);
            outbox.HasRoom(100).Should().BeFalse();
        }

        channel.Written.Should().Equal(1, 2);
    }

    [Fact]
    public void There_is_room_up_to_the_limit_and_for_anything_if_nothing_waits()
    {
        channel.Blocks = true;
        outbox.HasRoom(1000).Should().BeTrue("nothing waits");
        Append(new byte[1000]);
        outbox.HasRoom(1000).Should().BeTrue("what is being sent does not count");

        Append(new byte[60]);

        outbox.HasRoom(40).Should().BeTrue();
        outbox.HasRoom(41).Should().BeFalse();
        outbox.LimitBytes.Should().Be(100);
        Append(new byte[50]).Should().BeTrue("the limit is for the owner to keep");
        channel.Unblock();
        channel.Writes[1].Should().HaveCount(110);
        outbox.HasRoom(1000).Should().BeTrue();
    }

    [Fact]
    public void Completing_an_empty_outbox_shuts_the_sending_side_down_at_once()
    {
        outbox.Complete();

        channel.IsCompleted.Should().BeTrue();
        outbox.IsClosed.Should().BeTrue();
        Append(1).Should().BeFalse();
        channel.Writes.Should().BeEmpty();
    }

    [Fact]
    public void Completing_sends_what_waits_before_it_shuts_the_sending_side_down()
    {
        channel.Blocks = true;
        Append(1);
        Append(2);
        outbox.Complete();
        Append(3).Should().BeFalse("nothing more is taken");
        channel.IsCompleted.Should().BeFalse();

        channel.Unblock();
        channel.IsCompleted.Should().BeFalse();
        channel.Unblock();

        channel.Written.Should().Equal(1, 2);
        channel.IsCompleted.Should().BeTrue();
    }

    [Fact]
    public void Completing_within_a_turn_waits_for_its_end()
    {
        using (Turn.Enter(out var turn))
        {
            outbox.Append([1], turn);
            outbox.Complete();
            channel.IsCompleted.Should().BeFalse();
        }

        channel.Written.Should().Equal(1);
        channel.IsCompleted.Should().BeTrue();
    }

    [Fact]
    public void Completing_or_closing_twice_does_no_harm()
    {
        outbox.Complete();
        outbox.Complete();
        outbox.Close();
        outbox.Close();

        channel.IsCompleted.Should().BeTrue();
    }

    [Fact]
    public void Closing_throws_away_what_waits_and_takes_nothing_more()
    {
        channel.Blocks = true;
        Append(1);
        Append(2);
        outbox.Close();
        Append(3).Should().BeFalse();

        channel.Unblock();

        channel.Written.Should().Equal(1);
        (channel.IsAborted, channel.IsCompleted).Should().Be((false, false), "the channel is somebody else's to abort");
    }

    [Fact]
    public void Closing_within_a_turn_sends_nothing_at_its_end()
    {
        using (Turn.Enter(out var turn))
        {
            outbox.Append([1], turn);
            outbox.Close();
        }

        channel.Writes.Should().BeEmpty();
    }

    [Fact]
    public void Closing_while_it_completes_ends_it_without_the_rest()
    {
        channel.Blocks = true;
        Append(1);
        Append(2);
        outbox.Complete();
        outbox.Close();

        channel.Unblock();

        channel.Written.Should().Equal(1);
        channel.IsCompleted.Should().BeFalse();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_channel_that_fails_closes_the_outbox_and_is_told_once(bool later)
    {
        var failure = new MqttConnectionException("gone");
        channel.Blocks = later;
        if (!later)
            channel.OnWrite = _ => throw failure;
        Append(1);
        if (later)
        {
            Append(2);
            outbox.HasRoom(100).Should().BeFalse();
            channel.Unblock(failure);
        }

        failures.Should().Equal(failure);
        (outbox.IsClosed, outbox.IsBlocked, channel.IsAborted, channel.IsCompleted).Should().Be((true, false, true, false));
        Append(3).Should().BeFalse();
        drained.Should().Be(0, "nothing was written out");
        outbox.Complete();
        channel.Writes.Should().HaveCount(1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_channel_that_fails_with_something_else_is_a_failed_channel_too(bool later)
    {
        var failure = new NotSupportedException("oops");
        channel.Blocks = later;
        if (!later)
            channel.OnWrite = _ => throw failure;
        Append(1);
        if (later)
            channel.Unblock(failure);

        failures.Should().ContainSingle().Which.InnerException.Should().Be(failure);
        channel.IsAborted.Should().BeTrue();
    }

    [Fact]
    public void A_failure_of_the_second_write_of_a_flush_is_told_and_nothing_is_drained()
    {
        channel.Blocks = true;
        Append(1);
        Append(2);
        outbox.HasRoom(100).Should().BeFalse();
        channel.OnWrite = _ => throw new MqttConnectionException();
        channel.Unblock();

        failures.Should().HaveCount(1);
        drained.Should().Be(0);
    }

    [Fact]
    public void A_session_that_puts_its_lock_in_delivers_under_it()
    {
        var session = new Lock();
        outbox.Adopt(session);
        (outbox.Gate == session).Should().BeTrue();

        using (Turn.Enter(out var turn))
        {
            lock (session)
            {
                outbox.AppendLocked([1], turn).Should().BeTrue();
                "ab"u8.CopyTo(outbox.Reserve(2));
                outbox.Commit(2, turn);
            }
        }

        channel.Writes.Should().ContainSingle().Which.Should().Equal(1, (byte)'a', (byte)'b');
    }

    [Fact]
    public void No_write_happens_under_the_lock()
    {
        var held = false;
        channel.OnWrite = _ => held |= outbox.Gate.IsHeldByCurrentThread;
        channel.Blocks = true;

        Append(1);
        Append(2);
        channel.Unblock();
        channel.Unblock();

        held.Should().BeFalse();
        channel.Writes.Should().HaveCount(2);
    }

    [Theory]
    [InlineData(8, false)]
    [InlineData(4096, false)]
    [InlineData(4096, true)]
    public async Task Many_threads_append_and_each_keeps_its_order_and_nothing_is_lost(int sizeBytes, bool lockChanges)
    {
        const int Threads = 6;
        const int Each = 2_000;
        var slow = new SlowChannel();
        var shared = new Outbox(slow);
        var total = slow.WhenWritten(Threads * Each * sizeBytes);

        var appending = Enumerable.Range(0, Threads).Select(thread => Task.Run(() => AppendMany(shared, thread, Each, sizeBytes, lockChanges)));
        await Task.WhenAll(appending.ToArray());
        await total.WaitAsync(TimeSpan.FromSeconds(60));

        slow.WroteTwiceAtOnce.Should().BeFalse();
        var next = new int[Threads];
        for (var rest = slow.Written.AsSpan(); !rest.IsEmpty; rest = rest[sizeBytes..])
        {
            var thread = rest[4];
            BinaryPrimitives.ReadInt32LittleEndian(rest).Should().Be(next[thread]++);
            rest[4..sizeBytes].ContainsAnyExcept(thread).Should().BeFalse("nobody else writes into a packet");
        }

        next.Should().OnlyContain(count => count == Each);
    }

    [Fact]
    public async Task Closing_amid_many_appends_leaves_whole_packets_only()
    {
        var slow = new SlowChannel();
        var shared = new Outbox(slow);
        var some = slow.WhenWritten(8_000);
        var appending = Enumerable.Range(0, 4).Select(thread => Task.Run(() => AppendMany(shared, thread, 20_000, sizeBytes: 8, lockChanges: false))).ToArray();
        await some.WaitAsync(TimeSpan.FromSeconds(60));

        shared.Complete();
        await Task.WhenAll(appending);
        await slow.Completed.WaitAsync(TimeSpan.FromSeconds(60));

        (slow.Written.Length % 8).Should().Be(0);
        slow.WroteTwiceAtOnce.Should().BeFalse();
    }

    [Fact]
    public void A_packet_larger_than_any_buffer_leaves_whole()
    {
        var large = new byte[3 * 1024 * 1024];
        new Random(1).NextBytes(large);

        using (Turn.Enter(out var turn))
        {
            outbox.Append([1, 2, 3], turn);
            outbox.Append(large, turn);
        }

        channel.Written.AsSpan(3).SequenceEqual(large).Should().BeTrue();
    }

    // Each packet: a count, then the thread's number again and again.
    private static void AppendMany(Outbox outbox, int thread, int count, int sizeBytes, bool lockChanges)
    {
        var bytes = new byte[sizeBytes];
        bytes.AsSpan().Fill((byte)thread);
        for (var i = 0; i < count;)
        {
            using (Turn.Enter(out var turn))
            {
                for (var inTurn = 0; inTurn < 1 + thread && i < count; inTurn++, i++)
                {
                    BinaryPrimitives.WriteInt32LittleEndian(bytes, i);
                    outbox.Append(bytes, turn);
                    if (lockChanges)
                        outbox.Adopt(new Lock());
                }
            }
        }
    }

    private bool Append(params byte[] bytes) => Append(outbox, bytes);

    private static bool Append(Outbox outbox, params byte[] bytes)
    {
        using (Turn.Enter(out var turn))
            return outbox.Append(bytes, turn);
    }

    /// <summary>Takes every third write at once; the others are over later, on the thread pool.</summary>
    private sealed class SlowChannel : MqttChannel
    {
        private readonly MemoryStream written = new();
        private readonly TaskCompletionSource enough = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource completed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int wanted;
        private int writing;
        private int count;

        public bool WroteTwiceAtOnce { get; private set; }

        public byte[] Written => written.ToArray();

        public Task Completed => completed.Task;

        public Task WhenWritten(int bytes)
        {
            wanted = bytes;
            return enough.Task;
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
        {
            if (Interlocked.Increment(ref writing) > 1)
                WroteTwiceAtOnce = true;
            return ++count % 3 == 0 ? Finish(bytes) : Later(bytes);
        }

        public override void CompleteWriting() => completed.SetResult();

        public override void Abort() => throw new NotSupportedException();

        public override ValueTask WaitReadableAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        private async ValueTask Later(ReadOnlyMemory<byte> bytes)
        {
            await Task.Yield();
            await Finish(bytes);
        }

        private ValueTask Finish(ReadOnlyMemory<byte> bytes)
        {
            written.Write(bytes.Span);
            if (written.Length >= wanted)
                enough.TrySetResult();
            Interlocked.Decrement(ref writing);
            return default;
        }
    }
}
