using System.IO.Pipelines;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;

namespace Mqtt.Channels.Tests;

public class MemoryChannelTests
{
    private readonly TurnPump pump = new();

    [Fact]
    public void What_fits_is_taken_at_once_and_read_at_once()
    {
        var (first, second) = MemoryChannel.CreatePair(pump);

        AtOnce.Done(first.WriteAsync(new byte[64 * 1024]));
        AtOnce.Done(second.WaitReadableAsync());
        var buffer = new byte[100_000];
        AtOnce.Value(second.ReadAsync(buffer)).Should().Be(64 * 1024);
        pump.IsIdle.Should().BeTrue();
    }

    [Fact]
    public void Each_direction_holds_exactly_its_capacity()
    {
        var (first, second) = MemoryChannel.CreatePair(pump, capacityBytes: 10);

        AtOnce.Done(first.WriteAsync(new byte[10]));
        var more = first.WriteAsync(new byte[1]).AsTask();
        AtOnce.Done(second.WriteAsync(new byte[10])); // the other direction has room of its own
        first.WrittenBytes.Should().Be(10);

        AtOnce.Value(second.ReadAsync(new byte[1])).Should().Be(1);
        more.IsCompleted.Should().BeFalse("the pump has not run");
        pump.Run();
        more.IsCompletedSuccessfully.Should().BeTrue();
        first.WrittenBytes.Should().Be(11);
    }

    [Fact]
    public void Bytes_go_around_the_end_of_the_ring_unchanged()
    {
        var (first, second) = MemoryChannel.CreatePair(pump, capacityBytes: 100);
        var (random, written, read) = (new Random(4), new List<byte>(), new List<byte>());
        var buffer = new byte[100];
        byte next = 0;

        for (var i = 0; i < 10_000; i++)
        {
            var bytes = Enumerable.Range(0, random.Next(1, 100 - (written.Count - read.Count) + 1)).Select(_ => next++).ToArray();
            if (written.Count - read.Count < 100)
            {
                AtOnce.Done(first.WriteAsync(bytes));
                written.AddRange(bytes);
            }

            if (written.Count > read.Count)
                read.AddRange(buffer[..AtOnce.Value(second.ReadAsync(buffer.AsMemory(0, random.Next(1, 100))))]);
        }

        read.Should().Equal(written.Take(read.Count));
        read.Count.Should().BeGreaterThan(100_000);
    }

    [Fact]
    public void Two_readers_or_two_writers_at_once_are_told_so()
    {
        var (first, second) = MemoryChannel.CreatePair(pump, capacityBytes: 1);
        _ = second.WaitReadableAsync().AsTask();
        var readAgain = () => { _ = second.WaitReadableAsync().AsTask(); };
        readAgain.Should().Throw<InvalidOperationException>();

        _ = first.WriteAsync(new byte[2]).AsTask();
        var writeAgain = first.WriteAsync(new byte[2]).AsTask();
        writeAgain.Exception!.InnerException.Should().BeOfType<InvalidOperationException>();
    }

    [Fact]
    public void Who_waits_goes_on_where_the_scheduler_says()
    {
        var (first, second) = MemoryChannel.CreatePair(pump);
        var waiting = second.WaitReadableAsync().AsTask();

        AtOnce.Done(first.WriteAsync(new byte[1]));
        waiting.IsCompleted.Should().BeFalse();
        pump.Run().Should().Be(1);
        waiting.IsCompletedSuccessfully.Should().BeTrue();

        var (inlineFirst, inlineSecond) = MemoryChannel.CreatePair(PipeScheduler.Inline);
        var inline = inlineSecond.WaitReadableAsync().AsTask();
        AtOnce.Done(inlineFirst.WriteAsync(new byte[1]));
        inline.IsCompletedSuccessfully.Should().BeTrue();
    }

    [Fact]
    public void A_token_that_is_cancelled_after_the_bytes_came_loses_none_of_them()
    {
        var (first, second) = MemoryChannel.CreatePair(pump);
        using var stop = new CancellationTokenSource();
        var waiting = second.WaitReadableAsync(stop.Token).AsTask();
        AtOnce.Done(first.WriteAsync(new byte[5]));

        stop.Cancel();
        pump.Run();

        waiting.IsCompleted.Should().BeTrue("cancelled or not, both are right");
        AtOnce.Value(second.ReadAsync(new byte[10])).Should().Be(5);
    }

    [Fact]
    public void Both_ends_tell_the_name_they_were_given()
    {
        var (first, second) = MemoryChannel.CreatePair(name: "kitchen");

        first.LocalEndPoint!.ToString().Should().Be("memory://kitchen");
        second.RemoteEndPoint!.ToString().Should().Be("memory://kitchen");
    }

    [Fact]
    public void A_capacity_of_nothing_is_refused()
    {
        var create = () => MemoryChannel.CreatePair(capacityBytes: 0);

        create.Should().Throw<ArgumentOutOfRangeException>();
    }
}
