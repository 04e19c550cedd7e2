using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Mqtt.Protocol.Channels;
using Mqtt.Server.EventLoops;

namespace Mqtt.Channels.Tests;

public sealed class EventLoopTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ErrorLog errors = new();
    private EventLoop loop = null!;

    public ValueTask InitializeAsync()
    {
        loop = new EventLoop("mqtt-test-loop", errors);
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        loop.Dispose();
        errors.Verify();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task What_is_posted_runs_on_the_loop()
    {
        var name = new TaskCompletionSource<string?>();
        loop.Post(() => name.SetResult(Thread.CurrentThread.Name));

        (await name.Task.WaitAsync(Patience)).Should().Be("mqtt-test-loop");
    }

    [Fact]
    public async Task What_many_threads_post_all_runs_in_the_order_of_each()
    {
        const int Threads = 8;
        const int Actions = 5_000;
        var ran = new List<(int Thread, int Number)>();
        var threads = Enumerable.Range(0, Threads).Select(thread => Task.Factory.StartNew(() =>
        {
            for (var i = 0; i < Actions; i++)
            {
                var number = i;
                loop.Post(() => ran.Add((thread, number)));
            }
        }, TaskCreationOptions.LongRunning)).ToArray();
        await Task.WhenAll(threads);
        await loop.SettleAsync();

        ran.Should().HaveCount(Threads * Actions);
        foreach (var ofOne in ran.GroupBy(one => one.Thread))
            ofOne.Select(one => one.Number).Should().Equal(Enumerable.Range(0, Actions));
    }

    [Fact]
    public async Task A_thousand_actions_that_are_posted_while_the_loop_is_busy_wake_it_once()
    {
        var ran = 0;
        long before;
        using (await loop.HoldAsync())
        {
            before = loop.RoundCount;
            Parallel.For(0, 1000, _ => loop.Post(() => ran++));
        }

        await loop.SettleAsync();
        ran.Should().Be(1000);
        loop.RoundCount.Should().BeLessThanOrEqualTo(before + 5);
    }

    [Fact]
    public async Task What_an_action_posts_runs_after_it_and_needs_no_further_event()
    {
        var order = new List<int>();
        loop.Post(() =>
        {
            loop.Post(() => loop.Post(() => order.Add(3)));
            order.Add(1);
            loop.Post(() => order.Add(2));
        });
        for (var i = 0; i < 3; i++)
            await loop.SettleAsync();

        order.Should().Equal(1, 2, 3);
    }

    [Fact]
    public async Task A_loop_in_which_nothing_happens_has_no_rounds()
    {
        await loop.SettleAsync();
        var before = loop.RoundCount;
        for (var i = 0; i < 100; i++)
            await loop.SettleAsync();

        // Woken, and once more to see whether the action left something to do.
        (loop.RoundCount - before).Should().BeInRange(100, 310);
    }

    [Fact]
    public async Task What_an_action_appends_leaves_though_no_event_follows()
    {
        var written = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        var outbox = new Outbox(new RecordingChannel { OnWrite = written.SetResult });
        await loop.SettleAsync();
        loop.Post(() =>
        {
            using (Turn.Enter(out var turn))
                outbox.Append([1, 2, 3], turn);
        });

        (await written.Task.WaitAsync(Patience)).Should().Equal(1, 2, 3);
    }

    [Fact]
    public async Task A_loop_flushes_all_of_a_wide_fan_out_though_no_event_follows()
    {
        const int Outboxes = 2000;
        var written = new ConcurrentQueue<int>();
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var outboxes = Enumerable.Range(0, Outboxes).Select(i => new Outbox(new RecordingChannel
        {
            OnWrite = _ =>
            {
                written.Enqueue(i);
                if (written.Count == Outboxes)
                    all.SetResult();
            },
        })).ToArray();
        loop.Post(() => AppendToEach(outboxes));
        await all.Task.WaitAsync(Patience);

        written.Should().Equal(Enumerable.Range(0, Outboxes));
    }

    [Fact]
    public async Task A_loop_that_ends_flushes_what_is_left_over_for_channels_of_others()
    {
        var channels = Enumerable.Range(0, 2000).Select(_ => new RecordingChannel()).ToArray();
        var outboxes = channels.Select(channel => new Outbox(channel)).ToArray();
        using (await loop.HoldAsync())
        {
            loop.Post(() => AppendToEach(outboxes));
            _ = Task.Run(loop.Dispose);
        }

        loop.Dispose();
        channels.Should().OnlyContain(channel => channel.Writes.Count == 1);
    }

    [Fact]
    public async Task The_flushes_of_a_wide_turn_of_another_thread_are_done_by_the_loop_that_is_woken_once()
    {
        var (channels, outboxes, written) = OnLoop(count: 300);
        long before;
        using (await loop.HoldAsync())
        {
            before = loop.RoundCount;
            await Task.Run(() => AppendToEach(outboxes));
            channels.Should().OnlyContain(channel => channel.Writes.Count == 0);
        }

        await written.WaitAsync(Patience);
        await loop.SettleAsync();

        loop.RoundCount.Should().BeLessThanOrEqualTo(before + 10, "64 are flushed in a round");
    }

    [Fact]
    public async Task A_narrow_turn_flushes_by_itself()
    {
        var (channels, outboxes, _) = OnLoop(count: 10);

        await Task.Run(() => AppendToEach(outboxes));

        channels.Should().OnlyContain(channel => channel.Writes.Count == 1);
    }

    [Fact]
    public async Task What_a_loop_appends_to_its_own_channels_it_flushes_by_itself()
    {
        var (channels, outboxes, _) = OnLoop(count: 300);
        var handedOver = true;
        loop.Post(() => handedOver = loop.TryTake(outboxes[0]));
        loop.Post(() => AppendToEach(outboxes));
        for (var i = 0; i < 10; i++)
            await loop.SettleAsync();

        handedOver.Should().BeFalse();
        channels.Should().OnlyContain(channel => channel.Writes.Count == 1);
    }

    [Fact]
    public async Task A_loop_that_has_ended_takes_no_flushes()
    {
        loop.Dispose();
        var (channels, outboxes, _) = OnLoop(count: 300);

        await Task.Run(() => AppendToEach(outboxes));

        channels.Should().OnlyContain(channel => channel.Writes.Count == 1);
    }

    [Fact]
    public async Task What_was_handed_over_while_a_loop_ends_is_flushed()
    {
        for (var i = 0; i < 100; i++)
        {
            var ending = new EventLoop("mqtt-ending", errors);
            var channels = Enumerable.Range(0, 100).Select(_ => new RecordingChannel { HandOver = ending.TryTake }).ToArray();
            var appending = Task.Run(() => AppendToEach([.. channels.Select(channel => new Outbox(channel))]));
            ending.Dispose();
            await appending;

            channels.Should().OnlyContain(channel => channel.Writes.Count == 1);
        }
    }

    [Fact]
    public async Task An_action_that_throws_is_logged_and_the_others_run()
    {
        var order = new List<int>();
        using (await loop.HoldAsync())
        {
            loop.Post(() => order.Add(1));
            loop.Post(() => throw new InvalidOperationException("action"));
            loop.Post(() => order.Add(2));
        }

        (await errors.NextAsync()).Message.Should().Be("action");
        await loop.SettleAsync();
        order.Should().Equal(1, 2);
    }

    [Fact]
    public async Task Who_keeps_the_loop_busy_comes_after_the_others_and_after_what_they_led_to()
    {
        var order = new List<string>();
        var outbox = new Outbox(new RecordingChannel { OnWrite = _ => order.Add("sent") });
        using var sources = new Sources(loop);
        var (busy, first, second) = (sources.Add(), sources.Add(), sources.Add());
        busy.IsBusy = true;
        busy.OnEvent = () => order.Add("busy");
        first.OnEvent = () => AppendToEach(outbox);
        second.OnEvent = () => order.Add("second");
        using (await loop.HoldAsync())
        {
            busy.Signal();
            first.Signal();
            second.Signal();
        }

        await busy.Heard.WaitAsync(Patience);
        await loop.SettleAsync();
        order.Should().Equal("second", "sent", "busy");
        sources.RemoveAll();
    }

    [Fact]
    public async Task An_event_source_that_throws_is_logged_and_the_others_hear_of_their_events()
    {
        using var sources = new Sources(loop);
        var (first, second, third) = (sources.Add(), sources.Add(), sources.Add());
        second.OnEvent = () => throw new InvalidOperationException("source");
        using (await loop.HoldAsync())
        {
            first.Signal();
            second.Signal();
            third.Signal();
        }

        (await errors.NextAsync()).Message.Should().Be("source");
        await first.Heard.WaitAsync(Patience);
        await third.Heard.WaitAsync(Patience);
        second.OnEvent = () => { };
        second.Signal();
        await second.Heard.WaitAsync(Patience);
        sources.RemoveAll();
    }

    [Fact]
    public async Task A_listener_to_an_outbox_that_throws_costs_nobody_else_his_bytes()
    {
        var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var broken = new Outbox(new RecordingChannel { OnWrite = _ => throw new InvalidOperationException("channel") }) { Failed = _ => throw new InvalidOperationException("listener") };
        var good = new Outbox(new RecordingChannel { OnWrite = _ => written.TrySetResult() });
        loop.Post(() => AppendToEach(broken, good));

        await written.Task.WaitAsync(Patience);
        (await errors.NextAsync()).Message.Should().Be("listener");
        await loop.SettleAsync();
    }

    [Fact]
    public void What_is_posted_to_a_loop_that_has_ended_runs_at_once()
    {
        loop.Dispose();
        loop.Dispose();

        var ranOn = 0;
        loop.Post(() => ranOn = Environment.CurrentManagedThreadId);
        ranOn.Should().Be(Environment.CurrentManagedThreadId);
    }

    [Fact]
    public async Task Everything_that_is_posted_while_a_loop_ends_runs()
    {
        for (var i = 0; i < 200; i++)
        {
            var ending = new EventLoop("mqtt-ending", errors);
            var ran = 0;
            var posting = Task.Run(() =>
            {
                for (var n = 0; n < 100; n++)
                    ending.Post(() => Interlocked.Increment(ref ran));
            });
            ending.Dispose();
            await posting;

            ran.Should().Be(100);
        }
    }

    [Fact]
    public async Task A_loop_can_be_ended_from_within()
    {
        var disposed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(() =>
        {
            loop.Dispose();
            disposed.SetResult();
        });

        await disposed.Task.WaitAsync(Patience);
    }

    // Turns are taken on threads of their own: what called the test may have one open.
    // Channels that live on the loop, and a task that completes when each has been written.
    private (RecordingChannel[] Channels, Outbox[] Outboxes, Task Written) OnLoop(int count)
    {
        var written = new CountdownEvent(count);
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var channels = Enumerable.Range(0, count).Select(_ => new RecordingChannel
        {
            HandOver = loop.TryTake,
            OnWrite = _ =>
            {
                if (written.Signal())
                    all.SetResult();
            },
        }).ToArray();
        return (channels, [.. channels.Select(channel => new Outbox(channel))], all.Task);
    }

    private static void AppendToEach(params Outbox[] outboxes)
    {
        using (Turn.Enter(out var turn))
        {
            foreach (var outbox in outboxes)
                outbox.Append([1], turn);
        }
    }

    /// <summary>Descriptors that a test can make ready.</summary>
    private sealed class Sources(EventLoop loop) : IDisposable
    {
        private readonly List<Source> all = [];

        public Source Add()
        {
            var source = new Source();
            all.Add(source);
            loop.Add(source.Descriptor, Linux.EpollIn, source.Handle);
            return source;
        }

        public void RemoveAll() => all.ForEach(source => loop.Remove(source.Descriptor));

        public void Dispose() => loop.Post(() => all.ForEach(source => source.Close()));
    }

    private sealed class Source : IEventSource
    {
        private readonly TaskCompletionSource heard = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Source() => Handle = GCHandle.Alloc(this);

        public int Descriptor { get; } = Linux.EventFd();

        public GCHandle Handle { get; }

        public Task Heard => heard.Task;

        public Action OnEvent { get; set; } = () => { };

        public bool IsBusy { get; set; }

        public void Signal() => Linux.Signal(Descriptor);

        void IEventSource.OnEvents(uint events)
        {
            Linux.Unsignal(Descriptor);
            OnEvent();
            heard.TrySetResult();
        }

        public void Close()
        {
            _ = Linux.Close(Descriptor);
            Handle.Free();
        }
    }
}
