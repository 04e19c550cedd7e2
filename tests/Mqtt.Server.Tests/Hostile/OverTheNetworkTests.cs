using System.Net.Sockets;

namespace Mqtt.Server.Tests;

/// <summary>The same over real sockets, where the kernel holds a part of it.</summary>
public abstract class OverTheNetworkTests(Transport transport)
{
    public sealed class OverSockets() : OverTheNetworkTests(Transport.Sockets);

    public sealed class OverAnEventLoop() : OverTheNetworkTests(Transport.EventLoop);

    [Fact]
    public async Task A_thousand_connections_of_garbage_harm_nobody()
    {
        await using var server = await RunningServer.StartAsync(transport, new InlineHandler(Handlers.Basic));
        var bystander = await server.ConnectAsync();
        var random = new SeededRandom(7);

        for (var i = 0; i < 1000; i++)
        {
            var garbage = new byte[random.Next(1, 2000)];
            random.NextBytes(garbage);
            await using var channel = await server.DialChannelAsync();
            try
            {
                await channel.WriteAsync(garbage);
            }
            catch (MqttConnectionException)
            {
                // It was closed at the first byte.
            }
        }

        await bystander.ExpectNothingBeforePingAsync();
    }

    [Fact]
    public async Task A_client_that_never_reads_is_cut_and_harms_nobody()
    {
        var time = new VirtualTime();
        var victim = new TaskCompletionSource<MqttConnection>();
        var closed = new TaskCompletionSource<MqttCloseCause>();
        var handler = new InlineHandler(
            (connection, packet) =>
            {
                if (packet is PublishPacket)
                    victim.TrySetResult(connection);
                return Handlers.Basic(connection, packet);
            },
            (_, cause) =>
            {
                closed.TrySetResult(cause);
                return default;
            });
        await using var server = await RunningServer.StartAsync(transport, handler, options => options with { TimeProvider = time });
        var bystander = await server.ConnectAsync();
        var deaf = await server.ConnectAsync();
        await deaf.SendAsync(new PublishPacket { Topic = "t" });
        var connection = await victim.Task;

        // More than the kernel holds for both ends. It takes its real time until it takes no more; only then do the thirty seconds begin.
        connection.Send(new PublishPacket { Topic = "t", Payload = new byte[100_000_000] });
        for (var i = 0; i < 20_000 && !closed.Task.IsCompleted; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await bystander.ExpectNothingBeforePingAsync();
        }

        closed.Task.IsCompleted.Should().BeTrue();
        (await closed.Task).Kind.Should().Be(MqttCloseKind.Stuck);
    }

    [Fact]
    public async Task A_peer_that_resets_its_connection_harms_nobody()
    {
        await using var server = await RunningServer.StartAsync(transport, new InlineHandler(Handlers.Basic));
        var bystander = await server.ConnectAsync();
        for (var i = 0; i < 200; i++)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(server.Server.Endpoints[0]);
            await socket.SendAsync(new byte[] { 0x10, 14, 0, 4, (byte)'M', (byte)'Q', (byte)'T', (byte)'T', 5, 2, 0, 0, 0, 0, 1, (byte)'a' }.AsMemory(0, i % 17));
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }

        await bystander.ExpectNothingBeforePingAsync();
    }
}
