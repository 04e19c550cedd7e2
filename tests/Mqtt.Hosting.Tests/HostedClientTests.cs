namespace Mqtt.Hosting.Tests;

public class HostedClientTests
{
    [Fact]
    public async Task A_client_connects_when_the_host_starts_and_disconnects_when_it_stops()
    {
        await using var stage = new Stage();
        stage.Services.AddMqttClient(stage.Dial).WaitForConnection();
        var starting = stage.Host.StartAsync();
        var server = await stage.DialledAsync();
        await server.AcceptAsync();
        await starting.Soon();

        var stopping = stage.Host.StopAsync();
        (await server.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.NormalDisconnection);
        server.CompleteWriting();
        await stopping.Soon();
    }

    [Fact]
    public async Task A_host_starts_although_the_server_does_not_answer_and_stops_although_it_still_does_not()
    {
        await using var stage = new Stage();
        stage.Services.AddMqttClient(stage.Dial);
        await stage.Host.StartAsync().Soon();
        var server = await stage.DialledAsync();
        await server.ExpectAsync<ConnectPacket>();

        await stage.Host.StopAsync().Soon();
        await server.ExpectEndAsync();
    }

    [Fact]
    public async Task A_host_can_wait_for_the_first_connection()
    {
        await using var stage = new Stage();
        stage.Services.AddMqttClient(stage.Dial).WaitForConnection();
        var starting = stage.Host.StartAsync();
        var server = await stage.DialledAsync();
        await server.ExpectAsync<ConnectPacket>();
        starting.IsCompleted.Should().BeFalse();

        await server.SendAsync(new ConnAckPacket());
        await starting.Soon();
        stage.Get<MqttClient>().IsConnected.Should().BeTrue();
    }

    [Fact]
    public async Task A_host_that_waits_for_the_connection_does_not_start_if_it_is_refused()
    {
        await using var stage = new Stage();
        stage.Services.AddMqttClient(stage.Dial).WaitForConnection();
        var starting = stage.Host.StartAsync();
        await (await stage.DialledAsync()).AcceptAsync(new ConnAckPacket { ReasonCode = ReasonCode.NotAuthorized });

        (await FluentActions.Awaiting(() => starting.Soon()).Should().ThrowAsync<MqttRefusedException>()).Which.ReasonCode.Should().Be(ReasonCode.NotAuthorized);
    }

    [Fact]
    public async Task A_server_that_is_away_at_first_is_tried_again()
    {
        await using var stage = new Stage();
        var time = new VirtualTime();
        stage.Services.AddSingleton<TimeProvider>(time);
        stage.Services.AddMqttClient(stage.Dial);
        await stage.Host.StartAsync().Soon();
        (await stage.DialledAsync()).Abort();
        await time.TimerWithinAsync(TimeSpan.FromSeconds(1)).Soon();

        time.Advance(TimeSpan.FromSeconds(1));
        await (await stage.DialledAsync()).AcceptAsync();
    }

    [Fact]
    public async Task A_connection_that_is_refused_while_the_host_runs_is_logged()
    {
        await using var stage = new Stage();
        var log = new EventLog();
        stage.Services.AddSingleton<Microsoft.Extensions.Logging.ILoggerFactory>(log);
        stage.Services.AddMqttClient("press", stage.Dial).Configure(options => options with { Server = new Uri("mqtt://user:secret@broker:1884") });
        await stage.Host.StartAsync().Soon();
        await (await stage.DialledAsync()).AcceptAsync(new ConnAckPacket { ReasonCode = ReasonCode.BadUserNameOrPassword });

        (await log.NextAsync(401)).Should().Be("Mqtt.Hosting: The client 'press' has no connection to mqtt://broker:1884.");
    }

    [Fact]
    public async Task Handlers_are_there_before_the_client_connects_so_that_nothing_a_resumed_session_has_queued_is_missed()
    {
        await using var stage = new Stage();
        var handled = new TaskCompletionSource<string>();
        stage.Services.AddSingleton(handled);
        stage.Services.AddMqttClient(stage.Dial).AddHandler<Reporter>("plant/{id}/temperature", QualityOfService.AtLeastOnce);
        await stage.Host.StartAsync().Soon();
        var server = await stage.DialledAsync();
        await server.AcceptAsync(new ConnAckPacket { SessionPresent = true });
        await server.SendAsync(new PublishPacket { Topic = "plant/7/temperature", Payload = "21.5"u8.ToArray(), QualityOfService = QualityOfService.AtLeastOnce, PacketId = 9 });

        (await handled.Task.Soon()).Should().Be("7: 21.5");
        var subscribe = await server.ExpectAsync<SubscribePacket>();
        subscribe.Subscriptions.Select(wanted => (wanted.Filter.ToString(), wanted.QualityOfService)).Should().Equal(("plant/+/temperature", QualityOfService.AtLeastOnce));
        (await server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(9);
    }

    [Fact]
    public async Task Each_message_is_handled_in_a_scope_of_its_own_which_ends_with_it()
    {
        await using var stage = new Stage();
        var handled = System.Threading.Channels.Channel.CreateUnbounded<Unit>();
        stage.Services.AddScoped<Unit>();
        stage.Services.AddMqttClient(stage.Dial).Map<Unit>("a", (unit, _, _, stop) => handled.Writer.WriteAsync(unit, stop));
        await stage.Host.StartAsync().Soon();
        var server = await stage.DialledAsync();
        await server.AcceptAsync();
        await server.ExpectAsync<SubscribePacket>();
        await server.SendAsync(new PublishPacket { Topic = "a" });
        await server.SendAsync(new PublishPacket { Topic = "a" });

        var first = await handled.Reader.ReadAsync().Soon();
        var second = await handled.Reader.ReadAsync().Soon();
        second.Should().NotBeSameAs(first);
        await first.Ended.Soon();
        await second.Ended.Soon();
    }

    [Fact]
    public async Task A_filter_with_wildcards_does_as_well_as_a_template_and_a_delegate_as_well_as_a_service()
    {
        await using var stage = new Stage();
        var handled = new TaskCompletionSource<string>();
        stage.Services.AddMqttClient(stage.Dial).Map("plant/+/#", (message, parameters, _) =>
        {
            handled.TrySetResult($"{message.Topic} {parameters.Names.Count}");
            return default;
        });
        await stage.Host.StartAsync().Soon();
        var server = await stage.DialledAsync();
        await server.AcceptAsync();
        await server.SendAsync(new PublishPacket { Topic = "plant/7/temperature" });

        (await handled.Task.Soon()).Should().Be("plant/7/temperature 0");
    }

    [Fact]
    public async Task Hosted_services_that_subscribe_in_their_constructor_are_in_time_as_well()
    {
        await using var stage = new Stage();
        stage.Services.AddMqttClient(stage.Dial);
        stage.Services.AddHostedService<Listener>();
        await stage.Host.StartAsync().Soon();
        var server = await stage.DialledAsync();
        await server.AcceptAsync(new ConnAckPacket { SessionPresent = true });
        await server.SendAsync(new PublishPacket { Topic = "a", Payload = "queued"u8.ToArray() });

        var listener = stage.Host.Services.GetServices<IHostedService>().OfType<Listener>().Single();
        (await listener.FirstAsync().Soon()).Should().Be("queued");
    }

    [Fact]
    public async Task Several_clients_are_told_apart_by_their_names()
    {
        await using var stage = new Stage();
        stage.Services.AddMqttClient(options => options with { ClientId = "plain" }).Configure(stage.Dial);
        stage.Services.AddMqttClient("press", options => options with { ClientId = "id-of-press" }).Configure(stage.Dial);
        stage.Services.AddMqttClient("oven", options => options with { ClientId = "id-of-oven" }).Configure(stage.Dial);
        await stage.Host.StartAsync().Soon();

        new[] { stage.Get<MqttClient>(), stage.Get<MqttClient>("press"), stage.Get<MqttClient>("oven") }.Select(client => client.ClientId)
            .Should().Equal("plain", "id-of-press", "id-of-oven");
        var connected = new List<string>();
        for (var i = 0; i < 3; i++)
            connected.Add((await (await stage.DialledAsync()).AcceptAsync()).ClientId.ToString());
        connected.Should().BeEquivalentTo("plain", "id-of-press", "id-of-oven");
    }

    [Fact]
    public async Task What_is_said_later_of_a_client_goes_to_the_same_client()
    {
        await using var stage = new Stage();
        var builder = stage.Services.AddMqttClient("press", options => options with { ClientId = "first", KeepAlive = TimeSpan.FromSeconds(7) });
        stage.Services.AddMqttClient("press", options => options with { ClientId = "second" });
        builder.Configure((options, services) => options with { TimeProvider = services.GetRequiredService<TimeProvider>() });
        var time = new VirtualTime();
        stage.Services.AddSingleton<TimeProvider>(time);

        var options = stage.Get<MqttClient>("press").Options;
        (options.ClientId, options.KeepAlive).Should().Be(("second", TimeSpan.FromSeconds(7)));
        options.TimeProvider.Should().BeSameAs(time);
        stage.Host.Services.GetServices<IHostedService>().Should().ContainSingle();
    }

    [Theory]
    [InlineData("plant/{id")]
    [InlineData("plant/a+b")]
    [InlineData("")]
    public async Task Topics_that_are_neither_a_template_nor_a_filter_are_told_while_services_are_added(string topics)
    {
        await using var stage = new Stage();

        FluentActions.Invoking(() => stage.Services.AddMqttClient(stage.Dial).AddHandler<Reporter>(topics)).Should().Throw<ArgumentException>();
    }

    private sealed class Reporter(TaskCompletionSource<string> handled) : IMqttMessageHandler
    {
        public ValueTask HandleAsync(MqttMessage message, MqttTopicParameters parameters, CancellationToken cancellationToken)
        {
            handled.TrySetResult($"{parameters["id"]}: {message.GetText()}");
            return default;
        }
    }

    private sealed class Unit : IDisposable
    {
        private readonly TaskCompletionSource ended = new();

        public Task Ended => ended.Task;

        public void Dispose() => ended.SetResult();
    }

    private sealed class Listener(MqttClient client) : BackgroundService
    {
        private readonly MqttSubscription messages = client.Subscribe("a");

        public async Task<string> FirstAsync()
        {
            await foreach (var message in messages)
                return message.GetText();
            throw new InvalidOperationException();
        }

        protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.CompletedTask;
    }
}
