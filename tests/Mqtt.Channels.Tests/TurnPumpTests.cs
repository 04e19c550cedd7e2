using System.Collections.Concurrent;
using Mqtt.Protocol.Channels;

namespace Mqtt.Channels.Tests;

public class TurnPumpTests
{
    private readonly TurnPump pump = new();
    private readonly List<string> ran = [];

    [Fact]
    public void Nothing_runs_by_itself_and_everything_in_order()
    {
        pump.Schedule(_ => ran.Add("a"), null);
        pump.Schedule(_ => ran.Add("b"), null);
        ran.Should().BeEmpty();
        pump.IsIdle.Should().BeFalse();

        pump.Run().Should().Be(2);

        ran.Should().Equal("a", "b");
        pump.IsIdle.Should().BeTrue();
        pump.Run().Should().Be(0);
    }

    [Fact]
    public void What_comes_of_the_work_runs_too_after_what_waited_before()
    {
        pump.Schedule(_ => pump.Schedule(_ => ran.Add("c"), null), null);
        pump.Schedule(_ => ran.Add("b"), null);

        pump.Run().Should().Be(3);

        ran.Should().Equal("b", "c");
    }

    [Fact]
    public void One_piece_runs_at_a_time_if_asked_for()
    {
        pump.Schedule(state => ran.Add((string)state!), "a");
        pump.Schedule(state => ran.Add((string)state!), "b");

        pump.RunOne().Should().BeTrue();
        ran.Should().Equal("a");
        pump.RunOne().Should().BeTrue();
        pump.RunOne().Should().BeFalse();
    }

    [Fact]
    public void Work_runs_on_the_calling_thread_without_its_context_and_the_context_comes_back()
    {
        var context = new SynchronizationContext();
        SynchronizationContext.SetSynchronizationContext(context);
        var thread = 0;
        pump.Schedule(_ => SynchronizationContext.Current.Should().BeNull(), null);
        pump.Schedule(_ => thread = Environment.CurrentManagedThreadId, null);

        pump.Run();

        thread.Should().Be(Environment.CurrentManagedThreadId);
        SynchronizationContext.Current.Should().BeSameAs(context);
    }

    [Fact]
    public void Work_that_fails_leaves_the_rest_to_the_next_run()
    {
        pump.Schedule(_ => throw new InvalidOperationException(), null);
        pump.Schedule(_ => ran.Add("b"), null);

        pump.Invoking(it => it.Run()).Should().Throw<InvalidOperationException>();
        pump.Run().Should().Be(1);

        ran.Should().Equal("b");
    }

    [Fact]
    public void Scheduling_is_safe_from_all_threads()
    {
        var seen = new ConcurrentBag<int>();
        Parallel.For(0, 10_000, i => pump.Schedule(_ => seen.Add(i), null));

        pump.Run().Should().Be(10_000);

        seen.Distinct().Should().HaveCount(10_000);
    }
}
