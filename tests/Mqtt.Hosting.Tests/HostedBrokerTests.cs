using System.Net;
using System.Net.Sockets;
using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Hooks;
using Mqtt.Server.Broker.Storage;

namespace Mqtt.Hosting.Tests;

public class HostedBrokerTests
{
    [Fact]
    public async Task The_broker_serves_all_its_endpoints_from_the_start_of_the_host_to_its_stop()
    {
        await using var stage = new Stage();
        var listener = new MemoryListener();
        stage.Services.AddMqttBroker("mqtt://127.0.0.1:0", "mqtt://127.0.0.1:0").ConfigureServer(options => options with { Listeners = [listener] });
        await stage.Host.StartAsync().Soon();
        var endPoints = stage.Get<MqttServer>().Endpoints.OfType<IPEndPoint>().ToArray();
        endPoints.Should().HaveCount(2);

        await using var first = new MqttClient($"mqtt://{endPoints[0]}");
        await using var second = new MqttClient($"mqtt://{endPoints[1]}");
        await using var third = new MqttClient(new MqttClientOptions { ConnectChannel = _ => new(listener.Connect()) });
        await first.ConnectAsync().Soon();
        await second.ConnectAsync().Soon();
        await third.ConnectAsync().Soon();
        stage.Get<MqttBroker>().Statistics.Connected.Should().Be(3);

        var ended = new TaskCompletionSource<MqttDisconnectCause>();
        third.Happened += (_, what) =>
        {
            if (what is MqttDisconnectedEvent lost)
                ended.TrySetResult(lost.Cause);
        };
        await stage.Host.StopAsync().Soon();
        (await ended.Task.Soon()).ReasonCode.Should().Be(ReasonCode.ServerShuttingDown);
    }

    [Fact]
    public async Task A_host_whose_port_is_taken_does_not_start_and_says_which_it_is()
    {
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        other.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        other.Listen();
        await using var stage = new Stage();
        stage.Services.AddMqttBroker($"mqtt://{other.LocalEndPoint}");

        await FluentActions.Awaiting(() => stage.Host.StartAsync().Soon()).Should().ThrowAsync<IOException>().WithMessage($"*{other.LocalEndPoint}*");
    }

    [Fact]
    public async Task What_the_broker_listens_on_is_logged()
    {
        await using var stage = new Stage();
        var log = new EventLog();
        stage.Services.AddSingleton<Microsoft.Extensions.Logging.ILoggerFactory>(log);
        stage.Services.AddMqttBroker("mqtt://127.0.0.1:0");
        await stage.Host.StartAsync().Soon();

        (await log.NextAsync(400)).Should().Be($"Mqtt.Hosting: The broker listens on {stage.Get<MqttServer>().Endpoints[0]}.");
    }

    [Fact]
    public async Task Hooks_of_the_container_are_asked_in_the_order_in_which_they_were_added_whatever_they_were_added_as()
    {
        await using var stage = new Stage();
        var (first, second, fourth) = (new Observer(), new Observer(), new Observer());
        stage.Services.AddSingleton<IMessageObserver>(first);
        stage.Services.AddSingleton<IBrokerHook>(second);
        var builder = stage.Services.AddMqttBroker().AddHook<Third>();
        stage.Services.AddSingleton<IMessageObserver>(fourth);
        IReadOnlyList<IBrokerHook> hooks = [];
        builder.ConfigureBroker(options =>
        {
            hooks = options.Hooks;
            return options;
        });
        stage.Get<MqttBroker>();

        hooks.Should().HaveCount(4);
        new[] { hooks[0], hooks[1], hooks[3] }.Should().Equal(first, second, fourth);
        hooks[2].Should().BeOfType<Third>();
    }

    [Fact]
    public async Task A_hook_that_was_added_as_two_interfaces_is_one_hook()
    {
        await using var stage = new Stage();
        var hook = new Everything();
        stage.Services.AddSingleton<IMessageObserver>(hook);
        stage.Services.AddSingleton<IConnectionObserver>(hook);
        stage.Services.AddMqttBroker().ConfigureBroker(options =>
        {
            options.Hooks.Should().Equal(hook);
            return options;
        });

        stage.Get<MqttBroker>();
    }

    public static TheoryData<Type> Interfaces => [.. typeof(IBrokerHook).Assembly.GetExportedTypes().Where(type => type.IsInterface && type.IsAssignableTo(typeof(IBrokerHook)))];

    [Theory, MemberData(nameof(Interfaces))]
    public async Task Every_hook_interface_is_looked_for_in_the_container(Type type)
    {
        await using var stage = new Stage();
        var hook = new Everything();
        hook.Should().BeAssignableTo(type);
        stage.Services.AddSingleton(type, hook);
        stage.Services.AddMqttBroker().ConfigureBroker(options =>
        {
            options.Hooks.Should().Equal(hook);
            return options with { Hooks = [] };
        });

        stage.Get<MqttBroker>();
    }

    [Fact]
    public async Task A_hook_that_needs_the_broker_in_its_constructor_is_told_what_to_do()
    {
        await using var stage = new Stage();
        stage.Services.AddMqttBroker().AddHook<NeedsBroker>();

        FluentActions.Invoking(() => stage.Get<MqttBroker>()).Should().Throw<InvalidOperationException>().WithMessage("*OnStartedAsync*");
    }

    [Fact]
    public async Task Store_clock_and_packet_hooks_come_from_the_container()
    {
        await using var stage = new Stage();
        var (store, time, hook) = (new MemoryStore(), new VirtualTime(), new Watcher());
        stage.Services.AddSingleton<IBrokerStore>(store).AddSingleton<TimeProvider>(time).AddSingleton<IMqttPacketHook>(hook);
        stage.Services.AddMqttBroker()
            .ConfigureBroker(options =>
            {
                (options.Store, options.TimeProvider).Should().Be((store, time));
                return options;
            })
            .ConfigureServer(options =>
            {
                options.PacketHooks.Should().Equal(hook);
                options.TimeProvider.Should().BeSameAs(time);
                return options with { Addresses = [], Listeners = [new MemoryListener()] };
            });

        stage.Get<MqttServer>();
    }

    [Fact]
    public async Task What_is_said_later_goes_to_the_same_broker()
    {
        await using var stage = new Stage();
        stage.Services.AddMqttBroker("mqtt://127.0.0.1:0");
        stage.Services.AddMqttBroker().ConfigureBroker(options => options with { Limits = new ClientLimits { QueueCount = 7 } }).ConfigureBroker(options =>
        {
            options.Limits.QueueCount.Should().Be(7);
            return options;
        });

        await stage.Host.StartAsync().Soon();
        stage.Get<MqttServer>().Endpoints.Should().ContainSingle();
        stage.Host.Services.GetServices<IHostedService>().Should().ContainSingle();
    }

    private sealed class Third : IMessageObserver;

    private sealed class Observer : IMessageObserver;

    private sealed class NeedsBroker(MqttBroker broker) : IMessageObserver
    {
        public MqttBroker Broker { get; } = broker;
    }

    private sealed class Watcher : IMqttPacketHook;

    private sealed class Everything : IInlineBrokerHook, IAuthenticationHook, IEnhancedAuthenticationHook, IAuthorizationHook, IConnectionHook, IConnectionObserver, ISubscriptionHook,
        ISubscriptionObserver, IMessageHook, IMessageObserver, IDeliveryObserver, IWillHook, IWillObserver, ISessionObserver, IRetainedObserver, IBrokerObserver
    {
        public string Method => "none";

        public ValueTask<AuthenticationResult?> AuthenticateAsync(AuthenticationRequest request, CancellationToken cancellationToken) => default;

        public ValueTask<AuthenticationResult> AuthenticateAsync(AuthenticationExchange exchange, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask OnConnectAsync(ConnectRequest request) => default;

        public ValueTask OnPublishAsync(PublishRequest request) => default;

        public ValueTask OnWillAsync(WillRequest request) => default;
    }
}
