namespace Mqtt.Testing.Tests;

public class VirtualTimeTests
{
    private readonly VirtualTime time = new();
    private readonly List<string> fired = [];

    [Fact]
    public void Time_stands_still_until_it_is_moved()
    {
        var (timestamp, utc) = (time.GetTimestamp(), time.GetUtcNow());

        time.Advance(TimeSpan.FromSeconds(90));

        time.GetElapsedTime(timestamp).Should().Be(TimeSpan.FromSeconds(90));
        (time.GetUtcNow() - utc).Should().Be(TimeSpan.FromSeconds(90));
        time.Elapsed.Should().Be(TimeSpan.FromSeconds(90));
    }

    [Fact]
    public void Timers_fire_in_the_order_of_their_due_times_each_at_its_own_instant()
    {
        Set("third", 3);
        Set("first", 1);
        Set("second", 2);

        time.Advance(TimeSpan.FromSeconds(5)).Should().Be(3);

        fired.Should().Equal("first at 1", "second at 2", "third at 3");
        time.Elapsed.Should().Be(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public void Timers_that_are_due_at_once_fire_in_the_order_in_which_they_were_set()
    {
        Set("a", 1);
        var moved = Set("b", 7);
        Set("c", 1);
        moved.Change(TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);

        time.Advance(TimeSpan.FromSeconds(1));

        fired.Should().Equal("a at 1", "c at 1", "b at 1");
    }

    [Fact]
    public void A_timer_does_not_fire_before_it_is_due()
    {
        Set("a", 1);

        time.Advance(TimeSpan.FromSeconds(1) - TimeSpan.FromTicks(1)).Should().Be(0);
        time.NextDue.Should().Be(TimeSpan.FromTicks(1));
        time.Advance(TimeSpan.FromTicks(1)).Should().Be(1);
        time.NextDue.Should().BeNull();
    }

    [Fact]
    public void A_timer_that_is_due_at_once_waits_for_the_next_advance()
    {
        Set("a", 0);
        fired.Should().BeEmpty();

        time.Advance(TimeSpan.Zero);

        fired.Should().Equal("a at 0");
    }

    [Fact]
    public void A_periodic_timer_fires_once_a_period()
    {
        using var timer = time.CreateTimer(_ => Note("tick"), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2));

        time.Advance(TimeSpan.FromSeconds(6));

        fired.Should().Equal("tick at 1", "tick at 3", "tick at 5");
    }

    [Fact]
    public void A_timer_that_is_set_by_another_fires_on_the_same_way_if_it_comes_due()
    {
        using var timer = time.CreateTimer(_ => Set("inner", 2), null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);

        time.Advance(TimeSpan.FromSeconds(3));

        fired.Should().Equal("inner at 3");
    }

    [Fact]
    public void A_disposed_or_stopped_timer_does_not_fire()
    {
        Set("disposed", 1).Dispose();
        Set("stopped", 1).Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        time.Advance(TimeSpan.FromSeconds(10));

        fired.Should().BeEmpty();
        time.TimerCount.Should().Be(0);
    }

    [Fact]
    public void A_disposed_timer_cannot_be_set_again()
    {
        var timer = Set("a", 1);
        timer.Dispose();

        timer.Change(TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan).Should().BeFalse();
    }

    [Fact]
    public void What_awaits_a_delay_goes_on_before_the_advance_returns()
    {
        var done = DelayTwice();

        time.Advance(TimeSpan.FromMinutes(2));

        done.IsCompletedSuccessfully.Should().BeTrue();
        fired.Should().Equal("one at 60", "two at 120");

        async Task DelayTwice()
        {
            await Task.Delay(TimeSpan.FromMinutes(1), time).ConfigureAwait(false);
            Note("one");
            await Task.Delay(TimeSpan.FromMinutes(1), time).ConfigureAwait(false);
            Note("two");
        }
    }

    [Fact]
    public void A_token_source_is_cancelled_by_virtual_time()
    {
        using var source = new CancellationTokenSource(TimeSpan.FromSeconds(30), time);

        time.Advance(TimeSpan.FromSeconds(29));
        source.IsCancellationRequested.Should().BeFalse();
        time.Advance(TimeSpan.FromSeconds(1));

        source.IsCancellationRequested.Should().BeTrue();
    }

    [Fact]
    public void Advancing_to_the_next_timer_goes_exactly_there()
    {
        Set("a", 5);
        Set("b", 5);
        Set("c", 6);

        time.AdvanceToNext().Should().BeTrue();

        fired.Should().Equal("a at 5", "b at 5");
        time.AdvanceToNext().Should().BeTrue();
        time.AdvanceToNext().Should().BeFalse();
    }

    [Fact]
    public void A_callback_must_not_move_the_time()
    {
        using var timer = time.CreateTimer(_ => time.Advance(TimeSpan.Zero), null, TimeSpan.Zero, Timeout.InfiniteTimeSpan);

        var advance = () => time.Advance(TimeSpan.FromSeconds(1));

        advance.Should().Throw<InvalidOperationException>();
        advance.Should().NotThrow("the failure leaves time that can be moved");
    }

    [Fact]
    public void A_jump_of_the_calendar_fires_no_timer()
    {
        Set("a", 1);
        var before = time.GetUtcNow();

        time.JumpUtc(TimeSpan.FromDays(-1));

        time.GetUtcNow().Should().Be(before - TimeSpan.FromDays(1));
        time.Elapsed.Should().Be(TimeSpan.Zero);
        time.NextDue.Should().Be(TimeSpan.FromSeconds(1));
    }

    private ITimer Set(string name, int seconds) => time.CreateTimer(_ => Note(name), null, TimeSpan.FromSeconds(seconds), Timeout.InfiniteTimeSpan);

    private void Note(string name) => fired.Add($"{name} at {time.Elapsed.TotalSeconds}");
}
