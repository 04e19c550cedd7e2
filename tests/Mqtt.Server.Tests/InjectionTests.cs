namespace Mqtt.Server.Tests;

/// <summary>Packets that are handed in from outside, over every transport.</summary>
public abstract class InjectionTests(Transport transport)
{
    public sealed class InMemory() : InjectionTests(Transport.Memory);

    public sealed class OverSockets() : InjectionTests(Transport.Sockets);

    public sealed class OverAnEventLoop() : InjectionTests(Transport.EventLoop);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Packets_that_are_handed_in_come_in_order_and_never_at_the_same_time_as_the_peers_own(bool inline)
    {
        const int Sources = 4;
        const int Each = 500;
        var seen = Enumerable.Range(0, Sources).Select(_ => new List<int>()).ToArray();
        var (inside, overlaps, count) = (0, 0, 0);
        var connected = new TaskCompletionSource<MqttConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        async ValueTask OnPacket(MqttConnection connection, MqttPacket packet)
        {
            if (Interlocked.Increment(ref inside) != 1)
                overlaps++;
            Handlers.AnswerBasics(connection, packet);
            if (packet is ConnectPacket)
                connected.TrySetResult(connection);
            if (packet is PublishPacket publish)
            {
                var number = BitConverter.ToInt32(publish.Payload.Span);
                if (number % 11 == 0)
                    await Task.Yield();
                seen[BitConverter.ToInt32(publish.Payload.Span[4..])].Add(number);
                count++;
            }

            Interlocked.Decrement(ref inside);
            if (count == Sources * Each)
                done.TrySetResult();
        }

        await using var server = await RunningServer.StartAsync(transport, inline ? new InlineHandler(OnPacket) : new MqttDelegateHandler(OnPacket));
        var peer = await server.ConnectAsync();
        var connection = await connected.Task;

        var sources = Enumerable.Range(1, Sources - 1).Select(source => Task.Run(async () =>
        {
            for (var i = 0; i < Each; i++)
            {
                var packet = Numbered(i, source);
                if (source == 1)
                    await connection.InjectAsync(packet);
                else
                    connection.Inject(packet).Should().BeTrue();
            }
        })).ToList();
        for (var i = 0; i < Each; i++)
            await peer.SendAsync(Numbered(i, 0));
        await Task.WhenAll(sources);
        await done.Task;

        overlaps.Should().Be(0);
        seen.Should().AllSatisfy(numbers => numbers.Should().Equal(Enumerable.Range(0, Each)));
    }

    [Fact]
    public async Task What_is_handed_in_while_a_packet_is_being_handled_waits_for_its_end()
    {
        var connected = new TaskCompletionSource<MqttConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var leave = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var order = new List<string>();
        async ValueTask OnPacket(MqttConnection connection, MqttPacket packet)
        {
            Handlers.AnswerBasics(connection, packet);
            if (packet is ConnectPacket)
                connected.TrySetResult(connection);
            if (packet is not PublishPacket publish)
                return;
            var topic = publish.Topic.ToString();
            if (topic == "slow")
            {
                entered.SetResult();
                await leave.Task;
            }

            order.Add(topic);
        }

        await using var server = await RunningServer.StartAsync(transport, new InlineHandler(OnPacket));
        var peer = await server.ConnectAsync();
        await peer.SendAsync(new PublishPacket { Topic = "slow" });
        await entered.Task;

        var injected = (await connected.Task).InjectAsync(new PublishPacket { Topic = "injected" });
        injected.IsCompleted.Should().BeFalse();
        leave.SetResult();
        await injected;

        order.Should().Equal("slow", "injected");
    }

    [Fact]
    public async Task A_packet_that_breaks_the_protocol_ends_the_connection_as_if_the_peer_had_sent_it()
    {
        var closed = new TaskCompletionSource<MqttCloseCause>(TaskCreationOptions.RunContinuationsAsynchronously);
        var connected = new TaskCompletionSource<MqttConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await RunningServer.StartAsync(transport, new InlineHandler(
            (connection, packet) =>
            {
                Handlers.AnswerBasics(connection, packet);
                connected.TrySetResult(connection);
                return default;
            },
            (_, cause) =>
            {
                closed.SetResult(cause);
                return default;
            }));
        var peer = await server.ConnectAsync();
        var connection = await connected.Task;

        var injecting = () => connection.InjectAsync(new ConnectPacket { ClientId = "again" });

        (await injecting.Should().ThrowAsync<MqttProtocolException>()).Which.ReasonCode.Should().Be(ReasonCode.ProtocolError);
        (await peer.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.ProtocolError);
        await peer.DisposeAsync();
        (await closed.Task).ReasonCode.Should().Be(ReasonCode.ProtocolError);
        await injecting.Should().ThrowAsync<MqttConnectionException>();
        connection.Inject(new PingReqPacket()).Should().BeFalse();
    }

    [Fact]
    public async Task A_malformed_packet_is_refused_and_harms_nobody()
    {
        var connected = new TaskCompletionSource<MqttConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await RunningServer.StartAsync(transport, new InlineHandler((connection, packet) =>
        {
            Handlers.AnswerBasics(connection, packet);
            connected.TrySetResult(connection);
            return default;
        }));
        var peer = await server.ConnectAsync();
        var connection = await connected.Task;

        var injecting = () => connection.InjectAsync(new PublishPacket { Topic = "a/#" });

        await injecting.Should().ThrowAsync<ArgumentException>();
        await peer.SendAsync(new PingReqPacket());
        await peer.ExpectAsync<PingRespPacket>();
    }

    [Fact]
    public async Task What_waits_when_the_connection_ends_is_not_handled_and_told_so()
    {
        var connected = new TaskCompletionSource<MqttConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var leave = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handled = 0;
        await using var server = await RunningServer.StartAsync(transport, new InlineHandler(async (connection, packet) =>
        {
            Handlers.AnswerBasics(connection, packet);
            connected.TrySetResult(connection);
            if (packet is not PublishPacket)
                return;
            handled++;
            entered.TrySetResult();
            await leave.Task;
        }));
        await using var peer = await server.ConnectAsync();
        var connection = await connected.Task;
        var first = connection.InjectAsync(new PublishPacket { Topic = "t" });
        await entered.Task;
        var second = connection.InjectAsync(new PublishPacket { Topic = "t" });

        connection.Abort();
        leave.SetResult();
        await first;

        var waiting = () => second;
        await waiting.Should().ThrowAsync<MqttConnectionException>();
        handled.Should().Be(1);
    }

    private static PublishPacket Numbered(int number, int source) =>
        new() { Topic = "t", Payload = (byte[])[.. BitConverter.GetBytes(number), .. BitConverter.GetBytes(source)] };
}
