using System.Net.Sockets;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server;

namespace Mqtt.Channels.Tests;

public sealed class ListenerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>The runtime's sockets, one loop, several.</summary>
    public static TheoryData<int> LoopCounts => [0, 1, 2];

    [Theory, MemberData(nameof(LoopCounts))]
    public async Task Clients_that_reset_their_connection_at_once_stop_nobody_from_coming_in(int loopCount)
    {
        await using var network = new Network(loopCount);
        var accepting = AcceptAndEchoAll(network.Listener);
        for (var i = 0; i < 1000; i++)
            Reset(await Network.DialAsync(network.Listener));

        await MustEcho(await Network.DialAsync(network.Listener));
        await network.Listener.DisposeAsync();
        (await accepting.WaitAsync(Patience)).Should().BeInRange(1, 1001);
    }

    [Theory, MemberData(nameof(LoopCounts))]
    public async Task Connections_that_were_reset_before_they_could_be_accepted_do_no_harm(int loopCount)
    {
        await using var network = new Network(loopCount);
        var waiting = new List<Socket>();
        for (var i = 0; i < 200; i++)
            waiting.Add(await Network.DialAsync(network.Listener));
        waiting.ForEach(Reset);
        var good = await Network.DialAsync(network.Listener);

        var accepting = AcceptAndEchoAll(network.Listener);
        await MustEcho(good);
        await network.Listener.DisposeAsync();
        await accepting.WaitAsync(Patience);
    }

    [Theory, MemberData(nameof(LoopCounts))]
    public async Task A_listener_that_is_disposed_while_it_waits_for_a_connection_says_that_it_has_stopped(int loopCount)
    {
        await using var network = new Network(loopCount);
        var accepting = network.Listener.AcceptAsync().AsTask();
        accepting.IsCompleted.Should().BeFalse();
        var endPoint = network.Listener.EndPoint;

        await network.Listener.DisposeAsync();

        (await accepting.WaitAsync(Patience)).Should().BeNull();
        (await network.Listener.AcceptAsync()).Should().BeNull();
        network.Listener.EndPoint.Should().Be(endPoint);
        await FluentActions.Awaiting(() => Network.DialAsync(network.Listener)).Should().ThrowAsync<SocketException>();
        await network.Listener.DisposeAsync();
    }

    [Theory, MemberData(nameof(LoopCounts))]
    public async Task A_listener_can_be_disposed_in_a_storm_of_connections(int loopCount)
    {
        for (var i = 0; i < 20; i++)
        {
            await using var network = new Network(loopCount);
            var accepting = AcceptAndEchoAll(network.Listener);
            var accepted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var dialing = Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
            {
                try
                {
                    while (true)
                    {
                        using var client = await Network.DialAsync(network.Listener);
                        accepted.TrySetResult();
                    }
                }
                catch (SocketException)
                {
                    // The listener has gone.
                }
            })).ToArray();
            await accepted.Task.WaitAsync(Patience);
            await network.Listener.DisposeAsync();

            await accepting.WaitAsync(Patience);
            await Task.WhenAll(dialing).WaitAsync(Patience);
        }
    }

    [Fact]
    public async Task Connections_are_spread_over_the_loops()
    {
        await using var network = new Network(loopCount: 4);
        var names = new List<string?>();
        for (var i = 0; i < 8; i++)
        {
            var (client, server) = await network.ConnectAsync();
            names.Add(await NameOfLoop(server));
            client.Dispose();
            await server.DisposeAsync();
        }

        names.Distinct().Should().HaveCount(4);
    }

    [Fact]
    public async Task A_crowd_at_the_door_does_not_keep_the_loop_from_its_other_work()
    {
        const int Crowd = 500;
        await using var network = new Network(loopCount: 1);
        var clients = new List<Socket>();
        for (var i = 0; i < Crowd; i++)
            clients.Add(await Network.DialAsync(network.Listener));
        var accepted = new List<MqttChannel>();
        var whenOthersHadTheirTurn = 0;
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        async Task AcceptAll()
        {
            while (accepted.Count < Crowd)
            {
                accepted.Add((await network.Listener.AcceptAsync().ConfigureAwait(false))!);
                if (accepted.Count == 1)
                    network.Loop.Post(() => whenOthersHadTheirTurn = accepted.Count);
            }

            all.SetResult();
        }

        network.Loop.Post(() => AcceptAll().ContinueWith(static _ => { }, TaskScheduler.Default));
        await all.Task.WaitAsync(Patience);

        whenOthersHadTheirTurn.Should().BeInRange(1, 200, "the crowd comes in by dozens");
        clients.ForEach(client => client.Dispose());
        accepted.ForEach(channel => channel.Abort());
    }

    private static async Task<string?> NameOfLoop(MqttChannel channel)
    {
        await channel.YieldAsync().ConfigureAwait(false);
        return Thread.CurrentThread.Name;
    }

    private static async Task<int> AcceptAndEchoAll(MqttListener listener)
    {
        var echoing = new List<Task>();
        while (await listener.AcceptAsync().ConfigureAwait(false) is { } channel)
            echoing.Add(Echo(channel));
        await Task.WhenAll(echoing).ConfigureAwait(false);
        return echoing.Count;
    }

    private static async Task Echo(MqttChannel channel)
    {
        try
        {
            var buffer = new byte[100];
            while (await channel.ReadAsync(buffer).ConfigureAwait(false) is > 0 and var count)
                await channel.WriteAsync(buffer.AsMemory(0, count)).ConfigureAwait(false);
        }
        catch (MqttConnectionException)
        {
            // The client has gone.
        }

        await channel.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task MustEcho(Socket client)
    {
        using var socket = client;
        await client.SendAsync(new byte[] { 1, 2, 3 });
        var buffer = new byte[10];
        (await client.ReceiveAsync(buffer.AsMemory()).AsTask().WaitAsync(Patience)).Should().Be(3);
    }

    private static void Reset(Socket client)
    {
        client.LingerState = new LingerOption(true, 0);
        client.Close();
    }
}
