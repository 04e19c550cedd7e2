using Mqtt.Protocol.Channels;

namespace Mqtt.Channels.Tests;

public class TurnTests
{
    [Fact]
    public void Everything_of_a_turn_leaves_in_one_write_at_its_end()
    {
        var (channel, outbox) = Create();

        using (Turn.Enter(out var turn))
        {
            outbox.Append([1], turn);
            outbox.Append([2, 3], turn);
            outbox.Append([4], turn);
            channel.Writes.Should().BeEmpty();
        }

        channel.Writes.Should().ContainSingle().Which.Should().Equal(1, 2, 3, 4);
    }

    [Fact]
    public void A_turn_within_a_turn_joins_it()
    {
        var (channel, outbox) = Create();

        using (Turn.Enter(out var outer))
        {
            outbox.Append([1], outer);
            using (Turn.Enter(out var inner))
            {
                inner.Should().BeSameAs(outer);
                outbox.Append([2], inner);
            }

            channel.Writes.Should().BeEmpty();
        }

        channel.Writes.Should().ContainSingle().Which.Should().Equal(1, 2);
    }

    [Fact]
    public void A_turn_flushes_each_outbox_once_in_the_order_of_the_first_append()
    {
        var order = new List<int>();
        var all = Enumerable.Range(0, 100).Select(i =>
        {
            var (channel, outbox) = Create();
            channel.OnWrite = _ => order.Add(i);
            return outbox;
        }).ToArray();

        using (Turn.Enter(out var turn))
        {
            foreach (var outbox in all.Concat(all.Reverse()))
                outbox.Append([1], turn);
        }

        order.Should().Equal(Enumerable.Range(0, 100));
    }

    [Fact]
    public void Nothing_is_written_by_a_turn_in_which_nothing_was_appended()
    {
        var (channel, outbox) = Create();

        using (Turn.Enter(out var turn))
            outbox.Append([1], turn);
        using (Turn.Enter(out _))
        {
        }

        channel.Writes.Should().HaveCount(1);
    }

    [Fact]
    public void What_a_flush_sets_off_leaves_in_the_same_turn()
    {
        var (first, firstOutbox) = Create();
        var (second, secondOutbox) = Create();
        first.OnWrite = bytes =>
        {
            using (Turn.Enter(out var inner))
                secondOutbox.Append(bytes, inner);
            second.Writes.Should().BeEmpty("the flush of the outer turn is under way");
        };

        using (Turn.Enter(out var turn))
            firstOutbox.Append([1], turn);

        second.Writes.Should().ContainSingle().Which.Should().Equal(1);
    }

    [Fact]
    public void An_append_to_an_outbox_that_is_being_flushed_leaves_with_its_next_write()
    {
        var (channel, outbox) = Create();
        channel.OnWrite = bytes =>
        {
            if (bytes[0] == 1)
                AppendInTurn(outbox, 2);
        };

        AppendInTurn(outbox, 1);

        channel.Writes.Select(write => write.Single()).Should().Equal(1, 2);
        channel.WroteTwiceAtOnce.Should().BeFalse();
    }

    [Fact]
    public void A_turn_that_ends_with_an_exception_still_flushes()
    {
        var (channel, outbox) = Create();

        var act = () =>
        {
            using (Turn.Enter(out var turn))
            {
                outbox.Append([1], turn);
                throw new InvalidOperationException();
            }
        };

        act.Should().Throw<InvalidOperationException>();
        channel.Writes.Should().HaveCount(1);
    }

    [Fact]
    public void A_channel_that_throws_what_it_must_not_costs_only_itself()
    {
        var (wrong, wrongOutbox) = Create();
        var (good, goodOutbox) = Create();
        wrong.OnWrite = _ => throw new NotSupportedException();

        using (Turn.Enter(out var turn))
        {
            wrongOutbox.Append([1], turn);
            goodOutbox.Append([2], turn);
        }

        good.Writes.Should().HaveCount(1);
        wrong.IsAborted.Should().BeTrue();
        AppendInTurn(goodOutbox, 3);
        good.Writes.Should().HaveCount(2);
    }

    [Fact]
    public async Task Turns_of_two_threads_know_nothing_of_each_other()
    {
        var (channel, outbox) = Create();
        var (other, otherOutbox) = Create();
        var appended = new TaskCompletionSource();
        var flushed = new TaskCompletionSource();

        var first = Task.Run(() =>
        {
            using (Turn.Enter(out var turn))
            {
                outbox.Append([1], turn);
                appended.SetResult();
                flushed.Task.Wait(TimeSpan.FromSeconds(30)).Should().BeTrue();
                channel.Writes.Should().BeEmpty();
            }
        });
        await appended.Task;
        await Task.Run(() => AppendInTurn(otherOutbox, 2));
        other.Writes.Should().HaveCount(1);
        flushed.SetResult();
        await first;

        channel.Writes.Should().HaveCount(1);
    }

    [Fact]
    public void What_is_deferred_is_flushed_a_few_at_a_time_in_its_order()
    {
        var order = new List<int>();
        var all = Recorders(10, order);

        using (Turn.Enter(out var turn))
        {
            AppendToEach(all);
            turn.Defer(from: 2);
            turn.Count.Should().Be(2);
            turn.FlushRound(mostDeferred: 5).Should().BeTrue();
            order.Should().Equal([0, 1, 2, 3, 4, 5, 6], "two that were not deferred, and five that were");

            turn.FlushRound(mostDeferred: 5).Should().BeFalse();
            order.Should().Equal(Enumerable.Range(0, 10));
        }

        order.Should().HaveCount(10);
    }

    [Fact]
    public void What_comes_fresh_is_flushed_before_what_was_deferred()
    {
        var order = new List<int>();
        var wide = Recorders(20, order);
        var fresh = Recorders(2, order, firstNumber: 100);

        using (Turn.Enter(out var turn))
        {
            AppendToEach(wide);
            turn.Defer(from: 0);
            turn.FlushRound(mostDeferred: 3).Should().BeTrue();
            AppendToEach(fresh);
            turn.FlushRound(mostDeferred: 3).Should().BeTrue();

            order.Should().Equal(0, 1, 2, 100, 101, 3, 4, 5);
        }
    }

    [Fact]
    public void Deferring_from_beyond_the_end_defers_nothing()
    {
        var order = new List<int>();

        using (Turn.Enter(out var turn))
        {
            AppendToEach(Recorders(3, order));
            turn.Defer(from: 3);
            turn.Defer(from: 7);
            turn.Count.Should().Be(3);
            turn.FlushRound(mostDeferred: 0).Should().BeFalse();
        }

        order.Should().Equal(0, 1, 2);
    }

    [Fact]
    public void What_is_appended_to_a_deferred_outbox_goes_along_with_it_in_order()
    {
        var channels = Enumerable.Range(0, 5).Select(_ => Create()).ToArray();

        using (Turn.Enter(out var turn))
        {
            for (byte value = 1; value <= 3; value++)
            {
                foreach (var (_, outbox) in channels)
                    outbox.Append([value], turn);
                turn.Defer(from: 0);
                turn.FlushRound(mostDeferred: 1);
            }

            while (turn.FlushRound(mostDeferred: 1))
            {
            }
        }

        foreach (var (channel, _) in channels)
            channel.Written.Should().Equal(1, 2, 3);
        channels[^1].Channel.Writes.Should().ContainSingle();
    }

    [Fact]
    public void A_turn_that_ends_flushes_what_was_deferred_and_what_that_sets_off()
    {
        var order = new List<int>();
        var all = Recorders(100, order);
        var (channel, outbox) = Create();
        var (other, otherOutbox) = Create();
        channel.OnWrite = _ => AppendInTurn(otherOutbox, 1);

        using (Turn.Enter(out var turn))
        {
            AppendToEach([.. all, outbox]);
            turn.Defer(from: 0);
            turn.FlushRound(mostDeferred: 1);
        }

        order.Should().Equal(Enumerable.Range(0, 100));
        other.Writes.Should().ContainSingle("it was appended in the flush of the last one");
        AppendToEach(all);
        order.Should().HaveCount(200, "nobody is still on a list");
    }

    [Fact]
    public void Who_listens_and_throws_costs_nobody_else_his_flush_and_spoils_no_later_turn()
    {
        var order = new List<int>();
        var all = Recorders(5, order).ToList();
        all.Insert(2, Broken());

        FluentActions.Invoking(() => AppendToEach(all)).Should().Throw<InvalidOperationException>().WithMessage("listener");
        order.Should().Equal(0, 1, 2, 3, 4);
        AppendToEach(all);
        order.Should().HaveCount(10);
    }

    [Fact]
    public void Who_listens_and_throws_costs_nobody_else_his_flush_in_the_rounds_of_a_loop()
    {
        var order = new List<int>();
        var all = Recorders(6, order).ToList();
        all.Insert(1, Broken());
        all.Insert(5, Broken());

        using (Turn.Enter(out var turn))
        {
            AppendToEach(all);
            turn.Defer(from: 3);
            for (var round = 0; round < 2; round++)
                turn.Invoking(flushing => flushing.FlushRound(mostDeferred: 2)).Should().Throw<InvalidOperationException>().WithMessage("listener");
            turn.FlushRound(mostDeferred: 2).Should().BeFalse();
        }

        order.Should().Equal(0, 1, 2, 3, 4, 5);
    }

    private static Outbox Broken()
    {
        var (channel, outbox) = Create();
        channel.OnWrite = _ => throw new NotSupportedException();
        outbox.Failed = _ => throw new InvalidOperationException("listener");
        return outbox;
    }

    private static Outbox[] Recorders(int count, List<int> order, int firstNumber = 0) => [.. Enumerable.Range(firstNumber, count).Select(number =>
    {
        var (channel, outbox) = Create();
        channel.OnWrite = _ => order.Add(number);
        return outbox;
    })];

    private static void AppendToEach(IEnumerable<Outbox> outboxes)
    {
        using (Turn.Enter(out var turn))
        {
            foreach (var outbox in outboxes)
                outbox.Append([1], turn);
        }
    }

    private static void AppendInTurn(Outbox outbox, byte value)
    {
        using (Turn.Enter(out var turn))
            outbox.Append([value], turn);
    }

    private static (RecordingChannel Channel, Outbox Outbox) Create()
    {
        var channel = new RecordingChannel();
        return (channel, new Outbox(channel));
    }
}
