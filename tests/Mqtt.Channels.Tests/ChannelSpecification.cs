using System.Security.Cryptography;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;

namespace Mqtt.Channels.Tests;

/// <summary>
/// What every <see cref="MqttChannel"/> promises. A kind of channel inherits it, makes its pairs, and says how they are driven. The
/// bodies wait for nothing but the channel, so that a pump can drive them too.
/// </summary>
public abstract class ChannelSpecification
{
    /// <summary>More than any channel holds between two ends.</summary>
    private const int MoreThanFits = 16 * 1024 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    protected abstract ValueTask<ChannelPair> CreateAsync();

    /// <summary>Runs a test's body to its end.</summary>
    protected virtual Task DriveAsync(Func<Task> body) => Task.Run(body).WaitAsync(Patience);

    [Fact]
    [Spec(V5, "4.2.0-1")]
    public Task What_one_end_writes_the_other_reads_in_both_directions() => WithPair(async pair =>
    {
        await pair.First.WriteAsync(Bytes(100, seed: 1));
        await pair.Second.WriteAsync(Bytes(200, seed: 2));

        (await ReadExactly(pair.Second, 100)).Should().Equal(Bytes(100, seed: 1));
        (await ReadExactly(pair.First, 200)).Should().Equal(Bytes(200, seed: 2));
    });

    [Fact]
    public Task A_read_waits_for_the_first_byte() => WithPair(async pair =>
    {
        var buffer = new byte[16];
        var reading = pair.Second.ReadAsync(buffer).AsTask();
        reading.IsCompleted.Should().BeFalse();

        await pair.First.WriteAsync(Bytes(1, seed: 3));

        (await reading).Should().Be(1);
        buffer[0].Should().Be(Bytes(1, seed: 3)[0]);
    });

    [Fact]
    public Task A_read_takes_no_more_than_its_buffer_holds_and_the_rest_stays() => WithPair(async pair =>
    {
        await pair.First.WriteAsync(Bytes(1000, seed: 4));

        var read = new List<byte>();
        var buffer = new byte[7];
        while (read.Count < 1000)
        {
            var count = await pair.Second.ReadAsync(buffer);
            count.Should().BeInRange(1, buffer.Length);
            read.AddRange(buffer[..count]);
        }

        read.Should().Equal(Bytes(1000, seed: 4));
    });

    [Fact]
    public Task Waiting_for_bytes_takes_none_of_them_and_can_be_repeated() => WithPair(async pair =>
    {
        var waiting = pair.Second.WaitReadableAsync().AsTask();
        await pair.First.WriteAsync(Bytes(50, seed: 5));
        await waiting;
        await pair.Second.WaitReadableAsync();

        (await ReadExactly(pair.Second, 50)).Should().Equal(Bytes(50, seed: 5));
    });

    [Fact]
    public Task Writes_of_no_bytes_leave_no_trace() => WithPair(async pair =>
    {
        await pair.First.WriteAsync(ReadOnlyMemory<byte>.Empty);
        await pair.First.WriteAsync([]);
        await pair.First.WriteAsync(Pieces([], []));
        await pair.First.WriteAsync(Bytes(3, seed: 6));

        (await ReadExactly(pair.Second, 3)).Should().Equal(Bytes(3, seed: 6));
    });

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(40_000)]
    public Task Pieces_arrive_in_their_order(int sizeBytes) => WithPair(async pair =>
    {
        var pieces = Pieces(Bytes(sizeBytes, 1), [], Bytes(2 * sizeBytes, 2), Bytes(1, 3));

        var writing = pair.First.WriteAsync(pieces).AsTask();
        var read = await ReadExactly(pair.Second, 3 * sizeBytes + 1);
        await writing;

        read.Should().Equal([.. Bytes(sizeBytes, 1), .. Bytes(2 * sizeBytes, 2), .. Bytes(1, 3)]);
    });

    [Fact]
    public Task After_the_last_write_the_other_end_reads_the_rest_and_then_the_end_again_and_again() => WithPair(async pair =>
    {
        await pair.First.WriteAsync(Bytes(300, seed: 7));
        pair.First.CompleteWriting();

        (await ReadExactly(pair.Second, 300)).Should().Equal(Bytes(300, seed: 7));
        await pair.Second.WaitReadableAsync();
        (await pair.Second.ReadAsync(new byte[10])).Should().Be(0);
        (await pair.Second.ReadAsync(new byte[10])).Should().Be(0);
    });

    [Fact]
    public Task The_end_of_one_direction_wakes_a_waiting_reader() => WithPair(async pair =>
    {
        var waiting = pair.Second.WaitReadableAsync().AsTask();
        pair.First.CompleteWriting();
        await waiting;

        (await pair.Second.ReadAsync(new byte[10])).Should().Be(0);
    });

    [Fact]
    public Task The_end_of_one_direction_leaves_the_other_open() => WithPair(async pair =>
    {
        pair.First.CompleteWriting();
        (await pair.Second.ReadAsync(new byte[10])).Should().Be(0);

        await pair.Second.WriteAsync(Bytes(500, seed: 8));
        pair.Second.CompleteWriting();

        (await ReadExactly(pair.First, 500)).Should().Equal(Bytes(500, seed: 8));
        (await pair.First.ReadAsync(new byte[10])).Should().Be(0);
    });

    [Fact]
    public Task Nothing_can_be_written_after_the_last_write() => WithPair(async pair =>
    {
        pair.First.CompleteWriting();

        await MustBreak(async () => await pair.First.WriteAsync(Bytes(10)));
    });

    [Fact]
    public Task A_writer_waits_for_a_reader_that_does_not_read() => WithPair(async pair =>
    {
        var bytes = Bytes(MoreThanFits, seed: 9);
        var writing = pair.First.WriteAsync(bytes).AsTask();
        (await ReadExactly(pair.Second, 100)).Should().Equal(bytes[..100]);
        writing.IsCompleted.Should().BeFalse("nobody has read what does not fit");

        var rest = await ReadExactly(pair.Second, bytes.Length - 100);
        await writing;
        rest.AsSpan().SequenceEqual(bytes.AsSpan(100)).Should().BeTrue();
    });

    [Fact]
    public Task Bytes_that_the_network_has_taken_are_counted_in_the_midst_of_a_write() => WithPair(async pair =>
    {
        await pair.First.WriteAsync(Bytes(1));
        await ReadExactly(pair.Second, 1);
        var before = pair.First.WrittenBytes;
        if (before == 0)
            return; // This kind of channel does not know.

        var writing = pair.First.WriteAsync(Bytes(MoreThanFits)).AsTask();
        await ReadExactly(pair.Second, MoreThanFits / 2);
        for (var i = 0; pair.First.WrittenBytes < before + (MoreThanFits / 2); i++)
        {
            i.Should().BeLessThan(1_000_000, "half of it has arrived");
            await pair.First.YieldAsync();
        }

        writing.IsCompleted.Should().BeFalse();
        await ReadExactly(pair.Second, MoreThanFits / 2);
        await writing;
        pair.First.WrittenBytes.Should().BeGreaterThanOrEqualTo(before + MoreThanFits);
    });

    [Fact]
    public Task Who_lets_others_have_their_turn_goes_on_again_and_again() => WithPair(async pair =>
    {
        for (var i = 0; i < 100; i++)
            await pair.First.YieldAsync();

        await pair.First.WriteAsync(Bytes(10, seed: 14));
        await pair.Second.YieldAsync();
        (await ReadExactly(pair.Second, 10)).Should().Equal(Bytes(10, seed: 14));
        pair.Second.Abort();
        await pair.Second.YieldAsync();
        await pair.Second.DisposeAsync();
        await pair.Second.YieldAsync();
    });

    [Fact]
    public Task Who_lets_others_have_their_turn_disturbs_neither_a_reader_nor_a_writer_that_waits() => WithPair(async pair =>
    {
        var reading = pair.First.ReadAsync(new byte[10]).AsTask();
        var writing = pair.First.WriteAsync(Bytes(MoreThanFits)).AsTask();
        for (var i = 0; i < 10; i++)
            await pair.First.YieldAsync();
        reading.IsCompleted.Should().BeFalse();
        writing.IsCompleted.Should().BeFalse();

        await pair.Second.WriteAsync(Bytes(1));
        (await reading).Should().Be(1);
        await ReadExactly(pair.Second, MoreThanFits);
        await writing;
    });

    [Fact]
    public Task Both_directions_end_one_after_the_other() => WithPair(async pair =>
    {
        await pair.First.WriteAsync(Bytes(100, seed: 15));
        pair.First.CompleteWriting();
        await pair.Second.WriteAsync(Bytes(200, seed: 16));
        pair.Second.CompleteWriting();

        (await ReadExactly(pair.First, 200)).Should().Equal(Bytes(200, seed: 16));
        (await ReadExactly(pair.Second, 100)).Should().Equal(Bytes(100, seed: 15));
        (await pair.First.ReadAsync(new byte[10])).Should().Be(0);
        (await pair.Second.ReadAsync(new byte[10])).Should().Be(0);
    });

    [Fact]
    public Task An_abort_ends_a_waiting_read() => WithPair(async pair =>
    {
        var reading = pair.First.ReadAsync(new byte[10]).AsTask();
        pair.First.Abort();

        await MustBreak(() => reading);
    });

    [Fact]
    public Task An_abort_ends_a_wait_for_bytes() => WithPair(async pair =>
    {
        var waiting = pair.First.WaitReadableAsync().AsTask();
        pair.First.Abort();

        await MustBreak(async () =>
        {
            await waiting;
            await pair.First.ReadAsync(new byte[1]);
        });
    });

    [Fact]
    public Task An_abort_ends_a_waiting_write() => WithPair(async pair =>
    {
        var writing = pair.First.WriteAsync(Bytes(MoreThanFits)).AsTask();
        writing.IsCompleted.Should().BeFalse();
        pair.First.Abort();

        await MustBreak(() => writing);
    });

    [Fact]
    public Task An_abort_ends_a_waiting_write_of_pieces() => WithPair(async pair =>
    {
        var writing = pair.First.WriteAsync(Pieces(Bytes(MoreThanFits / 2), Bytes(MoreThanFits / 2))).AsTask();
        writing.IsCompleted.Should().BeFalse();
        pair.First.Abort();

        await MustBreak(() => writing);
    });

    [Fact]
    public Task An_abort_ends_a_read_and_a_write_that_wait_at_once() => WithPair(async pair =>
    {
        var reading = pair.First.ReadAsync(new byte[10]).AsTask();
        var writing = pair.First.WriteAsync(Bytes(MoreThanFits)).AsTask();
        pair.First.Abort();

        await MustBreak(() => reading);
        await MustBreak(() => writing);
    });

    [Fact]
    public Task An_abort_is_noticed_by_a_reader_at_the_other_end() => WithPair(async pair =>
    {
        var reading = pair.Second.ReadAsync(new byte[10]).AsTask();
        pair.First.Abort();

        await MustEndOrBreak(() => reading);
    });

    [Fact]
    public Task An_abort_is_noticed_by_a_writer_at_the_other_end() => WithPair(async pair =>
    {
        var writing = pair.Second.WriteAsync(Bytes(MoreThanFits)).AsTask();
        pair.First.Abort();

        await MustBreak(() => writing);
    });

    [Fact]
    public Task After_an_abort_nothing_works_and_more_aborts_do_no_harm() => WithPair(async pair =>
    {
        pair.First.Abort();
        pair.First.Abort();

        await MustBreak(async () => await pair.First.WriteAsync(Bytes(10)));
        await MustBreak(async () => await pair.First.WriteAsync(Pieces(Bytes(10), Bytes(10))));
        await MustBreak(async () => await pair.First.ReadAsync(new byte[10]));
        await MustBreak(async () =>
        {
            await pair.First.WaitReadableAsync();
            await pair.First.ReadAsync(new byte[10]);
        });
        pair.First.Abort();
        await pair.First.DisposeAsync();
        await pair.First.DisposeAsync();
    });

    [Fact]
    public Task Disposing_ends_what_waits() => WithPair(async pair =>
    {
        var reading = pair.First.ReadAsync(new byte[10]).AsTask();
        await pair.First.DisposeAsync();

        await MustBreak(() => reading);
    });

    [Fact]
    public Task An_abort_by_the_reader_of_a_transfer_ends_both_its_ends() => WithPair(async pair =>
    {
        var writing = pair.First.WriteAsync(Bytes(MoreThanFits)).AsTask();
        await ReadExactly(pair.Second, 100_000);
        pair.Second.Abort();

        await MustBreak(() => writing);
        await MustBreak(() => ReadExactly(pair.Second, 1));
    });

    [Fact]
    public Task A_cancelled_wait_loses_nothing() => WithPair(async pair =>
    {
        using var stop = new CancellationTokenSource();
        var waiting = pair.Second.WaitReadableAsync(stop.Token).AsTask();
        stop.Cancel();
        await MustBeCancelled(() => waiting);

        await pair.First.WriteAsync(Bytes(20, seed: 10));
        (await ReadExactly(pair.Second, 20)).Should().Equal(Bytes(20, seed: 10));
    });

    [Fact]
    public Task A_cancelled_read_loses_nothing() => WithPair(async pair =>
    {
        using var stop = new CancellationTokenSource();
        var reading = pair.Second.ReadAsync(new byte[10], stop.Token).AsTask();
        stop.Cancel();
        await MustBeCancelled(() => reading);

        await pair.First.WriteAsync(Bytes(20, seed: 11));
        (await ReadExactly(pair.Second, 20)).Should().Equal(Bytes(20, seed: 11));
    });

    [Fact]
    public Task A_token_that_is_cancelled_before_lets_nothing_wait() => WithPair(async pair =>
    {
        var cancelled = new CancellationToken(canceled: true);

        await MustBeCancelled(async () => await pair.First.WaitReadableAsync(cancelled));
        await MustBeCancelled(async () => await pair.First.ReadAsync(new byte[1], cancelled));
    });

    [Fact]
    public Task Megabytes_arrive_unchanged_both_ways_at_once_in_writes_and_reads_of_every_size() => WithPair(async pair =>
    {
        const int TotalBytes = 4 * 1024 * 1024;
        var there = Transfer(pair.First, pair.Second, TotalBytes, seed: 12);
        var back = Transfer(pair.Second, pair.First, TotalBytes, seed: 13);

        await there;
        await back;
    });

    [Fact]
    public Task Many_channels_do_not_disturb_each_other() => DriveAsync(async () =>
    {
        var pairs = new List<ChannelPair>();
        for (var i = 0; i < 32; i++)
            pairs.Add(await CreateAsync());

        var transfers = pairs.SelectMany((pair, i) => new[] { Transfer(pair.First, pair.Second, 100_000, i), Transfer(pair.Second, pair.First, 50_000, -i - 1) });
        await Task.WhenAll(transfers.ToArray());

        foreach (var pair in pairs)
            await pair.DisposeAsync();
    });

    protected static byte[] Bytes(int count, int seed = 0)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    protected static IReadOnlyList<ReadOnlyMemory<byte>> Pieces(params byte[][] pieces) => [.. pieces.Select(piece => (ReadOnlyMemory<byte>)piece)];

    protected static async Task<byte[]> ReadExactly(MqttChannel channel, int count)
    {
        var bytes = new byte[count];
        for (var done = 0; done < count;)
        {
            var more = await channel.ReadAsync(bytes.AsMemory(done));
            more.Should().BePositive("there are {0} bytes to come", count - done);
            done += more;
        }

        return bytes;
    }

    protected static async Task MustBreak(Func<Task> action) => await action.Should().ThrowExactlyAsync<MqttConnectionException>();

    protected Task WithPair(Func<ChannelPair, Task> body) => DriveAsync(async () =>
    {
        await using var pair = await CreateAsync();
        await body(pair);
    });

    private static async Task MustBeCancelled(Func<Task> action) => await action.Should().ThrowAsync<OperationCanceledException>();

    protected static async Task MustEndOrBreak(Func<Task<int>> read)
    {
        try
        {
            (await read()).Should().Be(0);
        }
        catch (MqttConnectionException)
        {
            // Which of the two depends on how the network tells it.
        }
    }

    private static async Task Transfer(MqttChannel from, MqttChannel to, int totalBytes, int seed)
    {
        var bytes = Bytes(totalBytes, seed);
        var writing = WriteInRandomSizes(from, bytes, new Random(seed));
        var read = await HashInRandomSizes(to, totalBytes, new Random(seed + 1));
        await writing;
        read.Should().Equal(SHA256.HashData(bytes));
    }

    private static async Task WriteInRandomSizes(MqttChannel channel, byte[] bytes, Random random)
    {
        for (var done = 0; done < bytes.Length;)
        {
            var count = Math.Min(bytes.Length - done, random.Next(1, random.Next(2, 50_000)));
            var half = count / 2;
            if (random.Next(4) == 0)
                await channel.WriteAsync(Pieces(bytes[done..(done + half)], bytes[(done + half)..(done + count)]));
            else
                await channel.WriteAsync(bytes.AsMemory(done, count));
            done += count;
        }
    }

    private static async Task<byte[]> HashInRandomSizes(MqttChannel channel, int totalBytes, Random random)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[70_000];
        for (var done = 0; done < totalBytes;)
        {
            if (random.Next(3) == 0)
                await channel.WaitReadableAsync();
            var count = await channel.ReadAsync(buffer.AsMemory(0, random.Next(1, buffer.Length)));
            count.Should().BePositive();
            hash.AppendData(buffer, 0, count);
            done += count;
        }

        return hash.GetHashAndReset();
    }
}
