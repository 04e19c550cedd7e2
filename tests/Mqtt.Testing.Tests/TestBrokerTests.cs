using Mqtt.Client;
using Mqtt.Server;

namespace Mqtt.Testing.Tests;

public class TestBrokerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task A_broker_and_its_clients_take_one_line_each()
    {
        await using var broker = new TestBroker();
        await using var client = broker.CreateClient();
        await client.ConnectAsync();
        await using var messages = await client.SubscribeAsync("a/#");
        await client.PublishAsync("a/b", "hello");

        (await NextAsync(messages)).Should().Be("hello");
    }

    [Fact]
    public async Task A_program_that_makes_its_client_itself_is_led_here_by_its_options()
    {
        await using var broker = new TestBroker();
        await using var client = new MqttClient(new MqttClientOptions { ConnectChannel = broker.ConnectChannelAsync, ClientId = "mine" });
        await client.ConnectAsync();

        broker.Broker.Clients.Find("mine").Should().NotBeNull();
    }

    [Fact]
    public async Task A_client_whose_connection_breaks_comes_back_by_itself_and_misses_nothing()
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectClientAsync("client", options => options with { Reconnect = new() { Delay = TimeSpan.FromMilliseconds(1) } });
        await using var messages = await client.SubscribeAsync("a", Protocol.QualityOfService.AtLeastOnce);
        var back = new TaskCompletionSource<MqttConnectedEvent>();
        client.Happened += (_, what) =>
        {
            if (what is MqttConnectedEvent connected)
                back.TrySetResult(connected);
        };
        broker.BreakConnections();
        await broker.Broker.PublishAsync("a", "meanwhile", Protocol.QualityOfService.AtLeastOnce);

        (await NextAsync(messages)).Should().Be("meanwhile");
        (await back.Task.WaitAsync(Patience)).Result.SessionPresent.Should().BeTrue();
        broker.Connections.Should().HaveCountGreaterThan(1);
    }

    [Fact]
    public async Task A_broker_that_is_not_reachable_cannot_be_connected_to_and_what_is_connected_stays()
    {
        await using var broker = new TestBroker();
        var before = await broker.ConnectClientAsync();
        broker.IsReachable = false;
        var after = broker.CreateClient();
        await FluentActions.Awaiting(() => after.ConnectAsync().AsTask()).Should().ThrowAsync<Protocol.MqttConnectionException>();
        before.IsConnected.Should().BeTrue();

        broker.IsReachable = true;
        await after.ConnectAsync();
    }

    [Fact]
    public async Task Its_time_is_the_test_s()
    {
        var time = new VirtualTime();
        await using var broker = new TestBroker(new MqttBrokerOptions { TimeProvider = time });
        var client = await broker.ConnectClientAsync();
        await client.PublishAsync(new MqttMessage("a", "old") { Retain = true, QualityOfService = Protocol.QualityOfService.AtLeastOnce, Expiry = TimeSpan.FromHours(1) });
        time.Advance(TimeSpan.FromMinutes(59));
        await using (var early = await client.SubscribeAsync("a"))
            (await NextAsync(early)).Should().Be("old");

        time.Advance(TimeSpan.FromMinutes(2));
        await using var late = await client.SubscribeAsync("a");
        await client.PublishAsync("a", "new");
        (await NextAsync(late)).Should().Be("new");
    }

    [Fact]
    public async Task Faults_can_be_put_on_any_connection()
    {
        await using var broker = new TestBroker();
        var client = await broker.ConnectClientAsync("client", options => options with { Reconnect = new() { Enabled = false } });
        var lost = new TaskCompletionSource<MqttClientEvent>();
        client.Happened += (_, what) =>
        {
            if (what is MqttDisconnectedEvent)
                lost.TrySetResult(what);
        };
        var connection = broker.Connections[0];
        connection.Writing.CutAfter(connection.Writing.PassedBytes + 3);
        await client.PublishAsync("a", "more than three bytes");

        (await lost.Task.WaitAsync(Patience)).Should().BeOfType<MqttDisconnectedEvent>();
    }

    [Fact]
    public async Task Its_clients_end_with_it()
    {
        var broker = new TestBroker();
        var client = await broker.ConnectClientAsync();
        await broker.DisposeAsync();

        client.State.Should().Be(MqttClientState.Disposed);
    }

    private static async Task<string> NextAsync(MqttSubscription messages)
    {
        using var limit = new CancellationTokenSource(Patience);
        await foreach (var message in messages.WithCancellation(limit.Token))
            return message.GetText();
        throw new InvalidOperationException("The stream has ended.");
    }
}
