using System.Net.Sockets;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server.EventLoops;
using Mqtt.Testing;

namespace Mqtt.Channels.Tests;

/// <summary>What a channel promises because it lives on an event loop.</summary>
public sealed class EventLoopChannelTests : IAsyncLifetime
{
    private const string LoopName = "mqtt-loop-0";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Network network = new(loopCount: 1);
    private Socket client = null!;
    private MqttChannel server = null!;

    public async ValueTask InitializeAsync() => (client, server) = await network.ConnectAsync();

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        await server.DisposeAsync();
        await network.DisposeAsync();
    }

    [Fact]
    public void A_peer_that_has_ended_is_known_to_be_gone_though_what_it_sent_is_not_read()
    {
        client.Send(new byte[100]);
        server.IsPeerGone.Should().BeFalse();
        client.Shutdown(SocketShutdown.Send);

        SpinWait.SpinUntil(() => server.IsPeerGone, Patience).Should().BeTrue();
    }

    [Theory]
    [InlineData(16 * 1024, true)]
    [InlineData((16 * 1024) - 1, false)]
    public async Task A_peer_that_fills_a_read_keeps_the_loop_busy_until_it_has_less_to_say(int bytes, bool isBusy)
    {
        client.Send(new byte[bytes]);
        SpinWait.SpinUntil(() => server.UnreadBytes == bytes, Patience).Should().BeTrue();
        AtOnce.Value(server.ReadAsync(new byte[64 * 1024])).Should().Be(bytes);
        ((IEventSource)server).IsBusy.Should().Be(isBusy);

        client.Send(new byte[1]);
        await server.ReadAsync(new byte[64 * 1024]);
        ((IEventSource)server).IsBusy.Should().BeFalse();
    }

    [Fact]
    public async Task A_reader_goes_on_on_the_loop()
    {
        // From a thread of the loop: elsewhere the bytes may come before the reader has begun to wait.
        var reading = Task.Run(async () =>
        {
            await server.YieldAsync().ConfigureAwait(false);
            await server.WaitReadableAsync().ConfigureAwait(false);
            var first = Thread.CurrentThread.Name;
            AtOnce.Value(server.ReadAsync(new byte[1])).Should().Be(1);
            await server.ReadAsync(new byte[1]).ConfigureAwait(false);
            return (first, Thread.CurrentThread.Name);
        });
        await network.Loop.SettleAsync();
        client.Send(new byte[1]);
        await network.Loop.SettleAsync();
        client.Send(new byte[1]);

        (await reading.WaitAsync(Patience)).Should().Be((LoopName, LoopName));
    }

    [Fact]
    public async Task Who_comes_from_elsewhere_and_lets_others_have_their_turn_is_on_the_loop_afterwards()
    {
        for (var i = 0; i < 500; i++)
            (await GoOn(server.YieldAsync())).Should().Be(LoopName);

        // Even if the loop has time enough to be done before he waits.
        (await GoOn(server.YieldAsync(), network.Loop.SettleAsync())).Should().Be(LoopName);

        static async Task<string?> GoOn(ValueTask yielding, Task? before = null)
        {
            await (before ?? Task.CompletedTask).ConfigureAwait(false);
            await yielding.ConfigureAwait(false);
            return Thread.CurrentThread.Name;
        }
    }

    [Fact]
    public async Task Bytes_that_nobody_waits_for_do_not_keep_the_loop_busy()
    {
        await server.WaitReadableOf(client);
        client.Send(new byte[1000]);

        await LoopRests();
        (await server.ReadAsync(new byte[2000])).Should().Be(1001);
    }

    [Fact]
    public async Task The_end_of_the_stream_that_nobody_waits_for_does_not_keep_the_loop_busy()
    {
        await server.WaitReadableOf(client);
        client.Shutdown(SocketShutdown.Send);

        await LoopRests();
        (await server.ReadAsync(new byte[2000])).Should().Be(1);
        (await server.ReadAsync(new byte[2000])).Should().Be(0);
    }

    [Fact]
    public async Task A_reset_that_nobody_waits_for_does_not_keep_the_loop_busy()
    {
        await server.WaitReadableOf(client);
        client.LingerState = new LingerOption(true, 0);
        client.Close();

        await LoopRests();
        await server.WaitReadableAsync().AsTask().WaitAsync(Patience);
    }

    [Fact]
    public async Task A_connection_that_both_sides_have_ended_does_not_keep_the_loop_busy()
    {
        await server.WaitReadableOf(client);
        server.CompleteWriting();
        client.Send(new byte[10]);
        client.Shutdown(SocketShutdown.Both);

        await LoopRests();
        (await server.ReadAsync(new byte[2000])).Should().Be(11);
        (await server.ReadAsync(new byte[2000])).Should().Be(0);
    }

    [Fact]
    public async Task A_writer_that_waits_for_a_slow_peer_does_not_keep_the_loop_busy()
    {
        await server.WaitReadableOf(client);
        var writing = server.WriteAsync(new byte[16 * 1024 * 1024]).AsTask();
        client.Send(new byte[10]);

        await LoopRests();
        writing.IsCompleted.Should().BeFalse();
        server.Abort();
        await FluentActions.Awaiting(() => writing).Should().ThrowAsync<MqttConnectionException>();
    }

    [Fact]
    public async Task A_writer_that_is_done_leaves_nothing_that_keeps_the_loop_busy()
    {
        var bytes = new byte[8 * 1024 * 1024];
        var writing = server.WriteAsync(bytes).AsTask();
        for (var left = bytes.Length; left > 0;)
            left -= client.Receive(bytes);
        await writing.WaitAsync(Patience);

        await LoopRests();
    }

    [Fact]
    public async Task A_peer_that_takes_as_fast_as_it_is_sent_does_not_have_the_loop_for_itself()
    {
        const int MiB = 1024 * 1024;
        var before = network.Loop.RoundCount;
        var writing = Task.Run(async () => await server.WriteAsync(new byte[64 * MiB]).ConfigureAwait(false));
        var buffer = new byte[MiB];
        for (var left = 64 * MiB; left > 0;)
            left -= client.Receive(buffer);
        await writing.WaitAsync(Patience);

        (network.Loop.RoundCount - before).Should().BeGreaterThanOrEqualTo(63);
    }

    [Fact]
    public async Task An_event_that_stands_in_the_round_in_which_its_channel_is_aborted_touches_nothing()
    {
        var (otherClient, other) = await network.ConnectAsync();
        var channels = new[] { server, other };
        var woken = 0;

        async Task AbortTheOther(int self)
        {
            await channels[self].WaitReadableAsync().ConfigureAwait(false);
            woken++;
            channels[1 - self].Abort();
        }

        var waiting = new[] { AbortTheOther(0), AbortTheOther(1) };
        using (await network.Loop.HoldAsync())
        {
            client.Send(new byte[1]);
            otherClient.Send(new byte[1]);
        }

        var outcomes = await Task.WhenAll(waiting.Select(async task => await Record.ExceptionAsync(() => task.WaitAsync(Patience))));
        woken.Should().Be(1, "who comes first aborts the other, whose event is then void");
        outcomes.OfType<MqttConnectionException>().Should().ContainSingle();
        otherClient.Dispose();
        await server.DisposeAsync();
        await other.DisposeAsync();
    }

    [Fact]
    public async Task What_other_threads_send_never_reaches_a_connection_that_got_the_same_descriptor()
    {
        await using var loops = new Network(loopCount: 2);
        var workers = Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            await using var listener = loops.Listen();
            var random = new SeededRandom(worker);
            for (var i = 0; i < 100; i++)
                await SendUntilAborted(listener, tag: (worker * 1000) + i + 1, bytesBeforeAbort: random.Next(1, 200_000));
        }));

        await Task.WhenAll(workers).WaitAsync(Patience);
    }

    [Fact]
    public async Task A_descriptor_that_cannot_be_watched_breaks_its_connection()
    {
        var path = Path.GetTempFileName();
        var file = File.OpenHandle(path);
        var channel = new EventLoopChannel(network.Loop, (int)file.DangerousGetHandle(), default, null);
        file.SetHandleAsInvalid();

        for (var i = 0; i < 2; i++)
            await FluentActions.Awaiting(async () => await channel.WaitReadableAsync()).Should().ThrowAsync<MqttConnectionException>();
        await FluentActions.Awaiting(async () => await channel.ReadAsync(new byte[1])).Should().ThrowAsync<MqttConnectionException>();
        await FluentActions.Awaiting(async () => await channel.WriteAsync(new byte[1])).Should().ThrowAsync<MqttConnectionException>();
        await channel.DisposeAsync();
        File.Delete(path);
    }

    // A thread writes the connection's tag for ever; in its midst the connection is aborted. Its client must see nothing but the tag, and
    // its thread must hear of nothing but the abort: a descriptor that is closed under it would be a bad one, or a stranger's.
    private static async Task SendUntilAborted(Mqtt.Server.MqttListener listener, int tag, int bytesBeforeAbort)
    {
        var (client, server) = await Network.ConnectAsync(listener);
        using var socket = client;
        var bytes = new byte[4 * 1024 * 1024];
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, int>(bytes.AsSpan()).Fill(tag);
        var sending = Task.Run(async () =>
        {
            while (true)
                await server.WriteAsync(bytes).ConfigureAwait(false);
        });

        var isAborted = false;
        var received = new byte[64 * 1024];
        long total = 0;
        try
        {
            for (int count; (count = await client.ReceiveAsync(received.AsMemory())) > 0; total += count)
            {
                if (!received.AsSpan(0, count).SequenceEqual(bytes.AsSpan((int)(total % sizeof(int)), count)))
                    throw new InvalidOperationException($"After {total} bytes came some of another connection.");

                if (!isAborted && total + count > bytesBeforeAbort)
                {
                    isAborted = true;
                    server.Abort();
                }
            }
        }
        catch (SocketException)
        {
            // A reset instead of the end.
        }

        isAborted.Should().BeTrue();
        (await sending.Awaiting(task => task).Should().ThrowAsync<MqttConnectionException>()).WithMessage("The connection was aborted.");
    }

    // Each of a hundred wake-ups takes three rounds at most. A loop that spins has far more of them between two.
    private async Task LoopRests()
    {
        await network.Loop.SettleAsync();
        var before = network.Loop.RoundCount;
        for (var i = 0; i < 100; i++)
            await network.Loop.SettleAsync();

        (network.Loop.RoundCount - before).Should().BeLessThan(320);
    }
}

file static class Extensions
{
    /// <summary>One byte comes and is not read: the loop watches the connection from now on, and nobody waits.</summary>
    public static async Task WaitReadableOf(this MqttChannel server, Socket client)
    {
        var waiting = server.WaitReadableAsync().AsTask();
        client.Send(new byte[1]);
        await waiting;
    }
}
