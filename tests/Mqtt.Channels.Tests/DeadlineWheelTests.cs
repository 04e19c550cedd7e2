using Mqtt.Server.Broker.Sessions;
using Mqtt.Server.Time;

namespace Mqtt.Channels.Tests;

/// <summary>One wheel for all deadlines, be it ten or a million.</summary>
public sealed class DeadlineWheelTests
{
    private const int Million = 1_000_000;

    private readonly DeadlineWheel wheel = new();
    private long now;

    [Fact]
    public void A_million_deadlines_are_met_within_a_tick_and_none_is_early()
    {
        var random = new Random(17);
        var deadlines = Enumerable.Range(0, Million).Select(_ => new Due()).ToArray();
        foreach (var deadline in deadlines)
            wheel.Set(deadline, deadline.At = random.Next(1, 300_000));

        AdvanceTo(310_000);

        deadlines.Should().OnlyContain(deadline => deadline.RanAt >= deadline.At && deadline.RanAt < deadline.At + (2 * DeadlineWheel.TickMilliseconds));
    }

    [Fact]
    public void A_million_deadlines_of_one_moment_are_run_in_small_pieces()
    {
        var most = 0;
        var deadlines = Enumerable.Range(0, Million).Select(_ => new Due()).ToArray();
        foreach (var deadline in deadlines)
            wheel.Set(deadline, deadline.At = 5_000);
        AdvanceTo(4_999);
        deadlines.Should().OnlyContain(deadline => deadline.RanAt < 0);

        now = 5_000;
        for (var isMore = true; isMore;)
        {
            var before = Due.RunCount;
            isMore = wheel.Advance(now, 256, Throw);
            most = Math.Max(most, (int)(Due.RunCount - before));
        }

        deadlines.Should().OnlyContain(deadline => deadline.RanAt == 5_000);
        most.Should().Be(256);
    }

    [Fact]
    public void A_deadline_that_is_cleared_or_set_anew_while_others_of_its_slot_are_run_does_not_run()
    {
        var deadlines = Enumerable.Range(0, 100).Select(_ => new Due()).ToArray();
        foreach (var deadline in deadlines)
            wheel.Set(deadline, 1_000);
        now = 1_000;
        while (!Array.Exists(deadlines, deadline => deadline.RanAt >= 0))
            wheel.Advance(now, 10, Throw);

        var left = deadlines.Where(deadline => deadline.RanAt < 0).ToArray();
        left.Should().HaveCountGreaterThan(80);
        foreach (var deadline in left[..40])
            wheel.Clear(deadline);
        foreach (var deadline in left[40..])
            wheel.Set(deadline, 2_000);
        AdvanceTo(1_900);
        left.Should().OnlyContain(deadline => deadline.RanAt < 0);

        AdvanceTo(2_000);
        left[..40].Should().OnlyContain(deadline => deadline.RanAt < 0);
        left[40..].Should().OnlyContain(deadline => deadline.RanAt == 2_000);
    }

    [Fact]
    public void A_deadline_that_another_clears_in_the_same_piece_does_not_run()
    {
        var second = new Due();
        var first = new Due { Then = () => wheel.Clear(second) };
        wheel.Set(first, 100);
        wheel.Set(second, 101);

        AdvanceTo(1_000);

        first.RanAt.Should().BeGreaterThan(0);
        second.RanAt.Should().BeLessThan(0);
    }

    [Fact]
    public void After_a_long_pause_everything_that_was_due_runs_the_oldest_tick_first()
    {
        var order = new List<int>();
        for (var i = 0; i < 50; i++)
        {
            var number = i;
            wheel.Set(new Due { Then = () => order.Add(number) }, 1_000 + (i * 100));
        }

        now = 90_000;
        while (wheel.Advance(now, 7, Throw))
        {
        }

        order.Should().BeInAscendingOrder().And.HaveCount(50);
    }

    [Fact]
    public void A_deadline_may_be_set_again_by_itself()
    {
        var again = new Due { Again = at => at < 5_000 ? at + 1_000 : Deadline.Never };
        wheel.Set(again, 1_000);

        AdvanceTo(20_000);

        again.Runs.Should().Be(5);
    }

    [Fact]
    public void The_deadline_of_a_waiting_session_costs_little()
    {
        static long OnDue(Session session, long since, long now) => Deadline.Never;
        Func<Session, long, long, long> onDue = OnDue;
        var deadlines = new SessionDeadline[1_000];
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < deadlines.Length; i++)
            wheel.Set(deadlines[i] = new SessionDeadline(null!, 0, onDue), 604_800_000);

        var bytes = (GC.GetAllocatedBytesForCurrentThread() - before) / deadlines.Length;
        bytes.Should().BeLessThanOrEqualTo(80);
    }

    private void AdvanceTo(long until)
    {
        while (now < until)
        {
            now = Math.Min(until, now + DeadlineWheel.TickMilliseconds);
            while (wheel.Advance(now, 256, Throw))
            {
            }
        }
    }

    private static void Throw(Exception failure) => throw new InvalidOperationException("A deadline failed.", failure);

    private sealed class Due : Deadline
    {
        public static long RunCount { get; private set; }

        public long At { get; set; }

        public long RanAt { get; private set; } = -1;

        public int Runs { get; private set; }

        public Action? Then { get; init; }

        public Func<long, long>? Again { get; init; }

        protected internal override long OnDue(long now)
        {
            RunCount++;
            Runs++;
            RanAt = now;
            Then?.Invoke();
            return Again?.Invoke(now) ?? Never;
        }
    }
}
