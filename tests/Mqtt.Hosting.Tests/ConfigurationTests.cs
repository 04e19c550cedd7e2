using System.Reflection;
using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Sharing;

namespace Mqtt.Hosting.Tests;

public class ConfigurationTests
{
    [Fact]
    public async Task A_client_takes_its_options_from_the_configuration_and_keeps_what_it_does_not_say()
    {
        await using var stage = new Stage();
        stage.Services.AddMqttClient(options => options with { KeepAlive = TimeSpan.FromSeconds(7), Limits = new() { OutboxBytes = 7 } }).Configure(stage.Section(
            ("Server", "mqtt://broker:1884"), ("ClientId", "press-7"), ("UserName", "press"), ("Password", "secret"), ("ProtocolVersion", "3.1.1"), ("cleanstart", "true"),
            ("Timeouts:Connect", "00:00:05"), ("Timeouts:Acknowledgement", "infinite"), ("Limits:ReceiveMaximum", "9"), ("HandlerFailure", "refuse"), ("Reconnect:MaximumDelay", "00:00:20"), ("Servers:0", "mqtt://other"),
            ("Will:Topic", "press/7/state"), ("Will:Payload", "gone"), ("Will:Retain", "true"), ("Will:QualityOfService", "AtLeastOnce")));

        var options = stage.Get<MqttClient>().Options;
        options.Should().BeEquivalentTo(new MqttClientOptions
        {
            Server = new Uri("mqtt://broker:1884"),
            ClientId = "press-7",
            Credentials = new MqttCredentials("press", "secret"),
            ProtocolVersion = MqttProtocolVersion.V311,
            CleanStart = true,
            KeepAlive = TimeSpan.FromSeconds(7),
            Timeouts = new() { Connect = TimeSpan.FromSeconds(5), Acknowledgement = Timeout.InfiniteTimeSpan },
            Limits = new() { ReceiveMaximum = 9, OutboxBytes = 7 },
            HandlerFailure = MqttHandlerFailure.Refuse,
            Reconnect = new() { RetryFirstConnect = true, MaximumDelay = TimeSpan.FromSeconds(20) },
            Servers = [new Uri("mqtt://other")],
        }, how => how.Excluding(options => options.Will).Excluding(options => options.LoggerFactory).Excluding(options => options.Credentials));
        options.Credentials!.UserName.Should().Be("press");
        options.Credentials.Password!.Value.ToArray().Should().Equal("secret"u8.ToArray());
        var will = options.Will!.Message;
        (will.Topic.ToString(), will.GetText(), will.Retain, will.QualityOfService).Should().Be(("press/7/state", "gone", true, QualityOfService.AtLeastOnce));
    }

    [Fact]
    public async Task A_broker_and_its_server_take_their_options_from_the_configuration()
    {
        await using var stage = new Stage();
        MqttServerOptions? server = null;
        MqttBrokerOptions? broker = null;
        stage.Services.AddMqttBroker(stage.Section(
            ("Server:Addresses:0", "mqtt://127.0.0.1:0"), ("Server:Addresses:1", "mqtt://127.0.0.2:0"), ("Server:MaximumConnections", "100"), ("Server:Limits:ConnectTimeout", "00:00:03"),
            ("Server:WebSocket:AllowedOrigins:0", "https://plant.example"), ("Server:WebSocket:RequireSubprotocol", "true"),
            ("Broker:MinimumVersion", "3.1.1"), ("Broker:Limits:MaximumSessionExpiry", "off"), ("Broker:Limits:QueuePolicy", "DropOldest"), ("Broker:PointToPointParents:0", "a")))
            .ConfigureServer(options => server = options)
            .ConfigureBroker(options => broker = options);
        stage.Get<MqttServer>();

        server!.Addresses.Should().Equal("mqtt://127.0.0.1:0", "mqtt://127.0.0.2:0");
        (server.MaximumConnections, server.Limits).Should().Be((100, new MqttConnectionLimits { ConnectTimeout = TimeSpan.FromSeconds(3) }));
        server.WebSocket.AllowedOrigins.Should().Equal("https://plant.example");
        server.WebSocket.RequireSubprotocol.Should().BeTrue();
        broker!.Limits.Should().Be(new ClientLimits { MaximumSessionExpiry = null, QueuePolicy = QueuePolicy.DropOldest });
        broker.MinimumVersion.Should().Be(MqttProtocolVersion.V311);
        broker.PointToPointParents.Should().Equal("a");
    }

    [Theory]
    [InlineData("KeepAliv", "00:01:00", "*Mqtt:KeepAliv, which means nothing*KeepAlive*")]
    [InlineData("KeepAlive", "60", "*Mqtt:KeepAlive = '60'*00:01:30*")]
    [InlineData("KeepAlive", "off", "*Mqtt:KeepAlive = 'off'*00:01:30*")]
    [InlineData("CleanStart", "perhaps", "*Mqtt:CleanStart = 'perhaps'*true or false*")]
    [InlineData("ProtocolVersion", "4", "*Mqtt:ProtocolVersion = '4'*3.1.1*")]
    [InlineData("HandlerFailure", "7", "*Mqtt:HandlerFailure = '7'*Acknowledge*")]
    [InlineData("Server", "broker", "*Mqtt:Server = 'broker'*mqtt://*")]
    [InlineData("Limits:OutboxBytes", "1 MiB", "*Mqtt:Limits:OutboxBytes = '1 MiB'*whole number*")]
    [InlineData("Limits:Outbox", "1", "*Mqtt:Limits:Outbox, which means nothing*OutboxBytes*")]
    public async Task What_cannot_be_is_told_with_its_place(string key, string value, string message)
    {
        await using var stage = new Stage();
        stage.Services.AddMqttClient(stage.Section((key, value)));

        FluentActions.Invoking(() => stage.Get<MqttClient>()).Should().Throw<InvalidOperationException>().WithMessage(message);
    }

    [Fact]
    public async Task A_broker_has_two_parts_and_no_third()
    {
        await using var stage = new Stage();
        stage.Services.AddMqttBroker(stage.Section(("Addresses:0", "mqtt://127.0.0.1:0")));

        FluentActions.Invoking(() => stage.Get<MqttServer>()).Should().Throw<InvalidOperationException>().WithMessage("*Mqtt:Addresses*Broker, Server*");
    }

    // What is code or a stranger's object stands in no file; everything else must be read.
    public static TheoryData<Type, string> Options =>
        new([
            .. Names<MqttClientOptions>(nameof(MqttClientOptions.ConnectChannel), nameof(MqttClientOptions.ConnectCallback), nameof(MqttClientOptions.CredentialsCallback), nameof(MqttClientOptions.Authentication), nameof(MqttClientOptions.Credentials), nameof(MqttClientOptions.UserProperties), nameof(MqttClientOptions.Interceptors),
                nameof(MqttClientOptions.TimeProvider), nameof(MqttClientOptions.LoggerFactory)),
            .. Names<MqttClientTls>(nameof(MqttClientTls.Certificate), nameof(MqttClientTls.SelectCertificate), nameof(MqttClientTls.TrustedCertificates), nameof(MqttClientTls.ValidateCertificate)),
            .. Names<MqttClientWebSocket>(nameof(MqttClientWebSocket.Invoker)), .. Names<MqttClientTimeouts>(), .. Names<MqttClientLimits>(), .. Names<MqttClientQueue>(nameof(MqttClientQueue.Store)), .. Names<MqttClientReconnect>(nameof(MqttClientReconnect.ShouldRetry), nameof(MqttClientReconnect.Pipeline)),
            .. Names<MqttServerOptions>(nameof(MqttServerOptions.Listeners), nameof(MqttServerOptions.AcceptFilters), nameof(MqttServerOptions.ConnectionContext), nameof(MqttServerOptions.PacketHooks),
                nameof(MqttServerOptions.StateChanged), nameof(MqttServerOptions.TimeProvider), nameof(MqttServerOptions.Logger)),
            .. Names<MqttServerTls>(nameof(MqttServerTls.Certificate)), .. Names<MqttServerWebSocket>(), .. Names<MqttConnectionLimits>(),
            .. Names<MqttBrokerOptions>(nameof(MqttBrokerOptions.Store), nameof(MqttBrokerOptions.Hooks), nameof(MqttBrokerOptions.TimeProvider), nameof(MqttBrokerOptions.Scheduler),
                nameof(MqttBrokerOptions.Logger)),
            .. Names<ClientLimits>(), .. Names<BrokerAuthentication>(), .. Names<BrokerCompatibility>(),
        ]);

    [Theory, MemberData(nameof(Options))]
    public async Task Every_option_can_be_configured(Type options, string name)
    {
        await using var stage = new Stage();
        var section = Sections[options];
        var settings = stage.Section(($"{section}{name}", "no such value"), ($"{section}{name}:NoSuchKey", "no such value"));
        if (section.StartsWith("Server", StringComparison.Ordinal) || section.StartsWith("Broker", StringComparison.Ordinal))
            stage.Services.AddMqttBroker(settings);
        else
            stage.Services.AddMqttClient(settings);

        string? message = null;
        try
        {
            stage.Host.Services.GetService<MqttClient>();
            stage.Host.Services.GetService<MqttServer>();
        }
        catch (Exception error) when (error is InvalidOperationException or ArgumentException)
        {
            message = error.Message;
        }

        message.Should().NotContain($"{name}, which means nothing");
    }

    private static Dictionary<Type, string> Sections { get; } = new()
    {
        [typeof(MqttClientOptions)] = "",
        [typeof(MqttClientTls)] = "Tls:",
        [typeof(MqttClientWebSocket)] = "WebSocket:",
        [typeof(MqttClientQueue)] = "Queue:",
        [typeof(MqttClientTimeouts)] = "Timeouts:",
        [typeof(MqttClientLimits)] = "Limits:",
        [typeof(MqttClientReconnect)] = "Reconnect:",
        [typeof(MqttServerOptions)] = "Server:",
        [typeof(MqttServerTls)] = "Server:Tls:",
        [typeof(MqttServerWebSocket)] = "Server:WebSocket:",
        [typeof(MqttConnectionLimits)] = "Server:Limits:",
        [typeof(MqttBrokerOptions)] = "Broker:",
        [typeof(ClientLimits)] = "Broker:Limits:",
        [typeof(BrokerAuthentication)] = "Broker:Authentication:",
        [typeof(BrokerCompatibility)] = "Broker:Compatibility:",
    };

    private static IEnumerable<TheoryDataRow<Type, string>> Names<T>(params string[] except) => typeof(T).GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => property.CanWrite && !except.Contains(property.Name))
        .Select(property => new TheoryDataRow<Type, string>(typeof(T), property.Name));
}
