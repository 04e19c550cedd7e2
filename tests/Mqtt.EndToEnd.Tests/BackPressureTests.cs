using System.Net;
using System.Net.Sockets;

namespace Mqtt.EndToEnd.Tests;

/// <summary>Slow and stopped subscribers over real event loops. Time stands still unless a test moves it.</summary>
[Collection(Alone.Name)]
public class BackPressureTests
{
    private readonly VirtualTime time = new();

    [Fact]
    public async Task Thirty_publishers_into_one_slow_subscriber_lose_nothing_and_keep_memory_in_bounds()
    {
        const int Publishers = 30;
        const int Messages = 500;
        var before = BufferPool.RentedBytes;
        var most = before;
        await using var place = await Place.BeginAsync(time, new MqttBrokerOptions { Limits = new() { QueueCount = 500 } });
        await using var slow = await place.RawAsync("slow");
        await place.SubscribeAsync(slow, "p/#");
        var publishing = Enumerable.Range(0, Publishers).Select(publisher => Task.Run(() => PublishAll(place, publisher, Messages))).ToArray();

        // One at a time, each acknowledged before the next one is looked at.
        var next = new int[Publishers];
        for (var i = 0; i < Publishers * Messages; i++)
        {
            var message = await slow.ExpectAsync<PublishPacket>();
            var publisher = int.Parse(message.Topic.ToString()[2..]);
            int.Parse(System.Text.Encoding.UTF8.GetString(message.Payload.Span).TrimEnd('.')).Should().Be(next[publisher]++);
            await slow.SendAsync(new PubAckPacket { PacketId = message.PacketId });
            most = Math.Max(most, BufferPool.RentedBytes);
        }

        await Task.WhenAll(publishing).Soon();
        next.Should().OnlyContain(count => count == Messages);
        (most - before).Should().BeLessThan(16 * 1024 * 1024);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_subscriber_that_has_stopped_does_not_stop_the_others_and_is_cut_when_its_time_is_over(int loopCount)
    {
        const int Messages = 1500;
        const int Healthy = 5;
        await using var place = await Place.BeginAsync(time, new MqttBrokerOptions(), loopCount);
        await using var stopped = await place.RawAsync("stopped", receiveBufferBytes: 4096);
        await place.SubscribeAsync(stopped, "t", QualityOfService.AtMostOnce);
        var receiving = new List<Task>();
        for (var i = 0; i < Healthy; i++)
        {
            var healthy = await place.ClientAsync($"healthy-{i}");
            var subscription = await healthy.SubscribeAsync("t", QualityOfService.AtLeastOnce);
            receiving.Add(Task.Run(async () => (await subscription.TakeAsync(Messages)).Should().HaveCount(Messages)));
        }

        var publisher = await place.ClientAsync("publisher");
        var payload = new byte[16 * 1024];
        for (var i = 0; i < Messages; i++)
            await publisher.PublishAsync("t", payload, QualityOfService.AtLeastOnce).Soon();
        await Task.WhenAll(receiving).Soon();

        // Nobody else has anything to take now; what waits for the one that has stopped is first seen, then seen to be stuck.
        for (var i = 0; i < 5; i++)
            time.Advance(TimeSpan.FromSeconds(10));

        (await place.NextClosedAsync()).Should().Be(("stopped", MqttCloseKind.Stuck));
        SpinWait.SpinUntil(() => place.ConnectionCount == Healthy + 1, TimeSpan.FromSeconds(30)).Should().BeTrue("it is forgotten once the handler has been told");
    }

    private static async Task PublishAll(Place place, int publisher, int messages)
    {
        const int Window = 50;
        var client = await place.ClientAsync($"publisher-{publisher}");
        for (var i = 0; i < messages; i += Window)
        {
            var acknowledged = Enumerable.Range(i, Window).Select(number => client.PublishAsync($"p/{publisher}", $"{number}".PadRight(200, '.'), QualityOfService.AtLeastOnce).AsTask());
            foreach (var result in await Task.WhenAll(acknowledged).Soon())
                result.EnsureSuccess();
        }
    }

    /// <summary>A broker on event loops, with a clock that the test moves, and its clients.</summary>
    private sealed class Place : IInlineMqttHandler, IAsyncDisposable
    {
        private readonly MqttBroker broker;
        private readonly MqttServer server;
        private readonly List<MqttClient> clients = [];
        private readonly System.Collections.Concurrent.ConcurrentDictionary<long, string> names = new();
        private readonly System.Threading.Channels.Channel<(string Name, MqttCloseKind Kind)> closed =
            System.Threading.Channels.Channel.CreateUnbounded<(string Name, MqttCloseKind Kind)>();

        private Place(TimeProvider time, MqttBrokerOptions options, int loopCount)
        {
            broker = new MqttBroker(options with { TimeProvider = time });
            server = new MqttServer(this, new MqttServerOptions { Addresses = ["mqtt://127.0.0.1:0"], EventLoops = loopCount, TimeProvider = time, StopTimeout = TimeSpan.Zero });
        }

        public int ConnectionCount => server.Connections.Count();

        public static async Task<Place> BeginAsync(TimeProvider time, MqttBrokerOptions options, int loopCount = 2)
        {
            var place = new Place(time, options, loopCount);
            await place.server.StartAsync();
            return place;
        }

        public async Task<MqttClient> ClientAsync(string name)
        {
            var client = new MqttClient(new MqttClientOptions { ClientId = name, KeepAlive = TimeSpan.Zero, Server = new Uri($"mqtt://127.0.0.1:{((IPEndPoint)server.Endpoints[0]).Port}") });
            lock (clients)
                clients.Add(client);
            await client.ConnectAsync().Soon();
            return client;
        }

        public async Task<ScriptedPeer> RawAsync(string name, int receiveBufferBytes = 64 * 1024)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = receiveBufferBytes, NoDelay = true };
            await socket.ConnectAsync(server.Endpoints[0]);
            var peer = new ScriptedPeer(new StreamChannel(new NetworkStream(socket, ownsSocket: true))) { Patience = TimeSpan.FromSeconds(30) };
            (await peer.ConnectAsync(new ConnectPacket { ClientId = name, KeepAliveSeconds = 0 })).ReasonCode.Should().Be(ReasonCode.Success);
            return peer;
        }

        public async Task SubscribeAsync(ScriptedPeer peer, string filter, QualityOfService qualityOfService = QualityOfService.AtLeastOnce)
        {
            await peer.SendAsync(new SubscribePacket { PacketId = 1, Subscriptions = [new(filter, qualityOfService)] });
            await peer.ExpectAsync<SubAckPacket>();
        }

        public Task<(string Name, MqttCloseKind Kind)> NextClosedAsync() => closed.Reader.ReadAsync().Soon();

        public ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet)
        {
            if (packet is ConnectPacket connect)
                names[connection.Id] = connect.ClientId.ToString();
            return broker.OnPacketAsync(connection, packet);
        }

        public ValueTask OnClosedAsync(MqttConnection connection, MqttCloseCause cause)
        {
            closed.Writer.TryWrite((names[connection.Id], cause.Kind));
            return broker.OnClosedAsync(connection, cause);
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var client in clients)
                await client.DisposeAsync();
            await server.DisposeAsync();
            await broker.DisposeAsync();
        }
    }
}
