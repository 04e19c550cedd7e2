using System.Net.Sockets;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;

namespace Mqtt.Channels.Tests;

/// <summary>What a channel of the server over a real connection promises beyond <see cref="ChannelSpecification"/>.</summary>
public abstract class NetworkSpecification : ChannelSpecification, IAsyncLifetime
{
    private const int MoreThanFits = 16 * 1024 * 1024;

    private protected Network Network { get; private set; } = null!;

    public ValueTask InitializeAsync()
    {
        Network = Open();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return Network.DisposeAsync();
    }

    [Fact]
    public Task A_reset_by_the_peer_ends_a_waiting_read() => WithClient(async (client, _, server) =>
    {
        var reading = server.ReadAsync(new byte[10]).AsTask();
        Reset(client);

        await MustEndOrBreak(() => reading);
    });

    [Fact]
    public Task A_reset_by_the_peer_ends_a_wait_for_bytes() => WithClient(async (client, _, server) =>
    {
        var waiting = server.WaitReadableAsync().AsTask();
        Reset(client);

        await MustEndOrBreak(async () =>
        {
            await waiting;
            return await server.ReadAsync(new byte[10]);
        });
    });

    [Fact]
    public Task A_reset_by_the_peer_breaks_a_waiting_write() => WithClient(async (client, _, server) =>
    {
        var writing = server.WriteAsync(Bytes(MoreThanFits)).AsTask();
        writing.IsCompleted.Should().BeFalse();
        Reset(client);

        await MustBreak(() => writing);
    });

    [Fact]
    public Task A_reset_that_nobody_waited_for_is_found_by_the_next_read_and_the_next_write() => WithClient(async (client, stream, server) =>
    {
        await stream.WriteAsync(Bytes(100));
        await ReadExactly(server, 100);
        Reset(client);
        await Network.SettleAsync();

        await MustEndOrBreak(async () =>
        {
            await server.WaitReadableAsync();
            return await server.ReadAsync(new byte[10]);
        });
        await MustBreak(async () =>
        {
            for (var i = 0; i < 1000; i++)
                await server.WriteAsync(Bytes(100_000));
        });
    });

    [Fact]
    public Task What_the_peer_wrote_before_it_ended_can_be_read_though_nobody_waited() => WithClient(async (_, stream, server) =>
    {
        await stream.WriteAsync(Bytes(5000, seed: 20));
        stream.CompleteWriting();
        await Network.SettleAsync();

        (await ReadExactly(server, 5000)).Should().Equal(Bytes(5000, seed: 20));
        (await server.ReadAsync(new byte[10])).Should().Be(0);
    });

    [Fact]
    public Task A_peer_is_gone_once_it_has_ended_and_all_is_read() => WithClient(async (_, stream, server) =>
    {
        await stream.WriteAsync(Bytes(100));
        await ReadExactly(server, 100);
        server.IsPeerGone.Should().BeFalse();
        stream.CompleteWriting();
        (await server.ReadAsync(new byte[10])).Should().Be(0);

        server.IsPeerGone.Should().BeTrue();
    });

    [Fact]
    public Task What_has_come_and_was_not_read_is_counted() => WithClient(async (_, stream, server) =>
    {
        await stream.WriteAsync(Bytes(1));
        await ReadExactly(server, 1);
        server.UnreadBytes.Should().Be(0);

        await stream.WriteAsync(Bytes(100));
        SpinWait.SpinUntil(() => server.UnreadBytes >= 100, TimeSpan.FromSeconds(10)).Should().BeTrue();
        await ReadExactly(server, 100);
        server.UnreadBytes.Should().Be(0);
        server.Abort();

        server.UnreadBytes.Should().Be(0);
    });

    [Fact]
    public Task After_an_abort_the_peer_is_gone() => WithClient((_, _, server) =>
    {
        server.Abort();

        server.IsPeerGone.Should().BeTrue();
        return Task.CompletedTask;
    });

    [Fact]
    public Task When_both_ends_have_said_that_nothing_more_will_come_both_read_the_end() => WithClient(async (_, stream, server) =>
    {
        server.CompleteWriting();
        (await stream.ReadAsync(new byte[10])).Should().Be(0);
        stream.CompleteWriting();

        (await server.ReadAsync(new byte[10])).Should().Be(0);
        await server.WaitReadableAsync();
        (await server.ReadAsync(new byte[10])).Should().Be(0);
        await MustBreak(async () => await server.WriteAsync(Bytes(10)));
    });

    [Fact]
    public Task An_abort_from_another_thread_ends_a_flood_of_writes_and_reads() => DriveAsync(async () =>
    {
        for (var i = 0; i < 50; i++)
        {
            await using var pair = await CreateAsync();
            var received = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var writing = Task.Run(() => WriteForEver(pair.First));
            var reading = Task.Run(() => ReadForEver(pair.First, () => { }));
            var peerWriting = Task.Run(() => WriteForEver(pair.Second));
            var peerReading = Task.Run(() => ReadForEver(pair.Second, () => received.TrySetResult()));
            await received.Task;
            pair.First.Abort();

            await MustBreak(() => writing);
            await MustBreak(() => reading);
            await MustBreak(() => peerWriting);
            await MustEndOrBreak(() => peerReading);
        }
    });

    /// <summary>Opens a network of this kind.</summary>
    private protected abstract Network Open();

    protected override async ValueTask<ChannelPair> CreateAsync()
    {
        var (client, server) = await Network.ConnectAsync();
        return new ChannelPair(await Network.ChannelOfAsync(client), server);
    }

    /// <summary>A connection whose client is ready to talk.</summary>
    private protected virtual async Task<(Socket Client, MqttChannel Stream, MqttChannel Server)> ConnectAsync()
    {
        var (client, server) = await Network.ConnectAsync();
        return (client, await Network.StreamOfAsync(client), server);
    }

    private Task WithClient(Func<Socket, MqttChannel, MqttChannel, Task> body) => DriveAsync(async () =>
    {
        var (client, stream, server) = await ConnectAsync();
        await using (server)
        await using (stream)
            await body(client, stream, server);
    });

    private static void Reset(Socket client)
    {
        client.LingerState = new LingerOption(true, 0);
        client.Close();
    }

    private static async Task WriteForEver(MqttChannel channel)
    {
        var bytes = new byte[10_000];
        while (true)
            await channel.WriteAsync(bytes);
    }

    private static async Task<int> ReadForEver(MqttChannel channel, Action received)
    {
        var buffer = new byte[50_000];
        while (await channel.ReadAsync(buffer) > 0)
            received();
        return 0;
    }
}
