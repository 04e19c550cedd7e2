using Mqtt.Protocol;
using Mqtt.Protocol.Channels;

namespace Mqtt.Testing.Tests;

public sealed class FaultChannelTests : IAsyncDisposable
{
    private readonly TurnPump pump = new();
    private readonly VirtualTime time = new();
    private readonly FaultChannel faulty;
    private readonly MqttChannel other;

    public FaultChannelTests()
    {
        var (first, second) = MemoryChannel.CreatePair(pump);
        faulty = new FaultChannel(first, time);
        other = second;
    }

    public ValueTask DisposeAsync() => faulty.DisposeAsync();

    [Fact]
    public void Without_faults_bytes_pass_as_they_come()
    {
        Done(faulty.WriteAsync(Bytes(10)));
        Read(other, 100).Should().Equal(Bytes(10));

        Done(other.WriteAsync(Bytes(20)));
        Read(faulty, 100).Should().Equal(Bytes(20));
        (faulty.Writing.PassedBytes, faulty.Reading.PassedBytes).Should().Be((10, 20));
    }

    [Fact]
    public void Reads_are_torn_apart_at_the_given_sizes_in_turn()
    {
        faulty.Reading.Split(1, 3);
        Done(other.WriteAsync(Bytes(9)));

        Sizes(9).Should().Equal(1, 3, 1, 3, 1);
    }

    [Fact]
    public void Reads_are_torn_apart_at_random_and_the_same_seed_tears_them_alike()
    {
        faulty.Reading.SplitRandomly(new SeededRandom(5), 10);
        Done(other.WriteAsync(Bytes(100)));
        var first = Sizes(100);

        faulty.Reading.SplitRandomly(new SeededRandom(5), 10);
        Done(other.WriteAsync(Bytes(100)));

        Sizes(100).Should().Equal(first).And.OnlyContain(size => size >= 1 && size <= 10);
    }

    [Fact]
    public void Written_pieces_pass_one_by_one_and_lose_nothing()
    {
        faulty.Writing.Split(7);
        faulty.Writing.Delay = TimeSpan.FromSeconds(1);

        var writing = faulty.WriteAsync(Bytes(20)).AsTask();

        time.Advance(TimeSpan.FromSeconds(1));
        Read(other, 100).Should().Equal(Bytes(20)[..7]);
        time.Advance(TimeSpan.FromSeconds(1));
        Read(other, 100).Should().Equal(Bytes(20)[7..14]);
        writing.IsCompleted.Should().BeFalse();
        time.Advance(TimeSpan.FromSeconds(1));
        Read(other, 100).Should().Equal(Bytes(20)[14..]);
        writing.IsCompletedSuccessfully.Should().BeTrue();
    }

    [Fact]
    public void A_read_takes_as_long_as_it_is_delayed()
    {
        faulty.Reading.Delay = TimeSpan.FromSeconds(5);
        Done(other.WriteAsync(Bytes(3)));

        var reading = faulty.ReadAsync(new byte[10]).AsTask();
        pump.Run();
        time.Advance(TimeSpan.FromSeconds(4));
        reading.IsCompleted.Should().BeFalse();
        time.Advance(TimeSpan.FromSeconds(1));

        Value(reading).Should().Be(3);
    }

    [Fact]
    public void What_is_held_goes_on_when_it_is_released()
    {
        faulty.Writing.Hold();
        faulty.Reading.Hold();
        var writing = faulty.WriteAsync(Bytes(3)).AsTask();
        var reading = faulty.ReadAsync(new byte[10]).AsTask();
        Done(other.WriteAsync(Bytes(5)));
        pump.Run();
        (writing.IsCompleted, reading.IsCompleted, faulty.Writing.IsHeld).Should().Be((false, false, true));

        faulty.Writing.Release();
        faulty.Reading.Release();

        (writing.IsCompletedSuccessfully, reading.IsCompletedSuccessfully, faulty.Writing.IsHeld).Should().Be((true, true, false));
        Read(other, 10).Should().Equal(Bytes(3));
    }

    [Fact]
    public void Waiting_for_bytes_is_held_too()
    {
        faulty.Reading.Hold();
        Done(other.WriteAsync(Bytes(5)));
        var waiting = faulty.WaitReadableAsync().AsTask();
        pump.Run();
        waiting.IsCompleted.Should().BeFalse();

        faulty.Reading.Release();

        waiting.IsCompletedSuccessfully.Should().BeTrue();
    }

    [Fact]
    public void An_abort_ends_what_is_held_or_delayed()
    {
        faulty.Writing.Hold();
        faulty.Reading.Delay = TimeSpan.FromHours(1);
        Done(other.WriteAsync(Bytes(1)));
        var writing = faulty.WriteAsync(Bytes(3)).AsTask();
        var reading = faulty.ReadAsync(new byte[10]).AsTask();
        pump.Run();

        faulty.Abort();
        pump.Run();

        writing.Exception!.InnerException.Should().BeOfType<MqttConnectionException>();
        reading.Exception!.InnerException.Should().BeOfType<MqttConnectionException>();
        time.TimerCount.Should().Be(0);
    }

    [Fact]
    public async Task A_cancelled_read_that_is_held_loses_nothing()
    {
        faulty.Reading.Hold();
        Done(other.WriteAsync(Bytes(5)));
        using var stop = new CancellationTokenSource();
        var reading = faulty.ReadAsync(new byte[10], stop.Token).AsTask();

        stop.Cancel();

        await reading.Invoking(task => task).Should().ThrowAsync<OperationCanceledException>();
        faulty.Reading.Release();
        Read(faulty, 10).Should().Equal(Bytes(5));
    }

    [Fact]
    public void Writing_is_cut_after_exactly_so_many_bytes_and_the_other_side_reads_them_and_the_end()
    {
        faulty.Writing.CutAfter(12, FaultCut.End);

        Done(faulty.WriteAsync(Bytes(10)));
        var writing = faulty.WriteAsync(Bytes(10)).AsTask();

        writing.Exception!.InnerException.Should().BeOfType<MqttConnectionException>();
        Read(other, 100).Should().Equal([.. Bytes(10), .. Bytes(10)[..2]]);
        Read(other, 100).Should().BeEmpty();
        faulty.Writing.IsCut.Should().BeTrue();
    }

    [Fact]
    public async Task A_write_that_ends_exactly_at_the_cut_succeeds_and_the_connection_is_gone()
    {
        faulty.Writing.CutAfter(10);

        Done(faulty.WriteAsync(Bytes(10)));

        await Broken(async () => await other.ReadAsync(new byte[1]));
        await Broken(async () => await faulty.WriteAsync(Bytes(1)));
    }

    [Fact]
    public async Task Reading_is_cut_after_exactly_so_many_bytes()
    {
        faulty.Reading.CutAfter(4);
        Done(other.WriteAsync(Bytes(10)));

        Read(faulty, 100).Should().Equal(Bytes(10)[..4]);
        await Broken(async () => await faulty.ReadAsync(new byte[1]));
        await Broken(async () => await other.WriteAsync(Bytes(1)));
    }

    [Fact]
    public void Reading_can_be_cut_in_order_and_writing_goes_on()
    {
        faulty.Reading.CutAfter(4, FaultCut.End);
        Done(other.WriteAsync(Bytes(10)));

        Read(faulty, 100).Should().Equal(Bytes(10)[..4]);
        Done(faulty.WaitReadableAsync());
        Read(faulty, 100).Should().BeEmpty();
        Done(faulty.WriteAsync(Bytes(3)));
        Read(other, 100).Should().Equal(Bytes(3));
    }

    private static byte[] Bytes(int count) => [.. Enumerable.Range(1, count).Select(i => (byte)i)];

    private static void Done(ValueTask task)
    {
        task.IsCompletedSuccessfully.Should().BeTrue();
        task.GetAwaiter().GetResult();
    }

    private static async Task Broken(Func<Task> action) => await action.Should().ThrowAsync<MqttConnectionException>();

    private static int Value(Task<int> task)
    {
        task.IsCompletedSuccessfully.Should().BeTrue();
        return task.GetAwaiter().GetResult();
    }

    private byte[] Read(MqttChannel channel, int count)
    {
        var buffer = new byte[count];
        var reading = channel.ReadAsync(buffer).AsTask();
        pump.Run();
        return buffer[..Value(reading)];
    }

    private List<int> Sizes(int total)
    {
        var sizes = new List<int>();
        while (sizes.Sum() < total)
            sizes.Add(Read(faulty, 100).Length);
        return sizes;
    }
}
