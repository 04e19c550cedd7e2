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
