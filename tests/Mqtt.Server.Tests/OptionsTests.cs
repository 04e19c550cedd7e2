using Mqtt.Protocol.Delivery;
using Mqtt.Server.Broker;

namespace Mqtt.Server.Tests;

/// <summary>Options are checked once, and the error names the one that is wrong.</summary>
public sealed class OptionsTests
{
    private const int MiB = 1024 * 1024;

    public static TheoryData<string, Func<MqttServerOptions, MqttServerOptions>> WrongServerOptions => new()
    {
        { nameof(MqttServerOptions.MaximumConnections), options => options with { MaximumConnections = 0 } },
        { nameof(MqttServerOptions.UnauthenticatedBytes), options => options with { UnauthenticatedBytes = 0 } },
        { nameof(MqttServerOptions.MemoryBytes), options => options with { MemoryBytes = 0 } },
        { nameof(MqttServerOptions.StopTimeout), options => options with { StopTimeout = TimeSpan.FromSeconds(-1) } },
        { nameof(MqttServerOptions.EventLoops), options => options with { EventLoops = -1 } },
        { nameof(MqttServerOptions.Logger), options => options with { Logger = null! } },
        { nameof(MqttServerOptions.TimeProvider), options => options with { TimeProvider = null! } },
        { nameof(MqttServerOptions.WebSocket), options => options with { WebSocket = null! } },
        { nameof(MqttServerWebSocket.MaximumRequestBytes), options => options with { WebSocket = new() { MaximumRequestBytes = 100 } } },
        { nameof(MqttServerWebSocket.MaximumRequestBytes), options => options with { WebSocket = new() { MaximumRequestBytes = 2 * MiB } } },
        { nameof(MqttServerWebSocket.AllowedOrigins), options => options with { WebSocket = new() { AllowedOrigins = null! } } },
        { nameof(MqttServerWebSocket.AllowedOrigins), options => options with { WebSocket = new() { AllowedOrigins = ["plant.example"] } } },
        { nameof(MqttServerWebSocket.AllowedOrigins), options => options with { WebSocket = new() { AllowedOrigins = ["https://plant.example/"] } } },
        { nameof(MqttServerWebSocket.AllowedOrigins), options => options with { WebSocket = new() { AllowedOrigins = ["https://plant.example", "*"] } } },
        { nameof(MqttConnectionLimits.MaximumPacketBytes), options => options with { Limits = new() { MaximumPacketBytes = 1 } } },
        { nameof(MqttConnectionLimits.MaximumConnectBytes), options => options with { Limits = new() { MaximumConnectBytes = 1 } } },
        { nameof(MqttConnectionLimits.ConnectTimeout), options => options with { Limits = new() { ConnectTimeout = TimeSpan.Zero } } },
        { nameof(MqttConnectionLimits.OutboxBytes), options => options with { Limits = new() { OutboxBytes = 1 } } },
        { nameof(MqttConnectionLimits.SendTimeout), options => options with { Limits = new() { SendTimeout = TimeSpan.Zero } } },
        { nameof(MqttConnectionLimits.LingerTimeout), options => options with { Limits = new() { LingerTimeout = TimeSpan.FromSeconds(-1) } } },
    };

    public static TheoryData<string, Func<MqttBrokerOptions, MqttBrokerOptions>> WrongBrokerOptions => new()
    {
        { nameof(ClientLimits.ReceiveMaximum), options => options with { Limits = options.Limits with { ReceiveMaximum = 0 } } },
        { nameof(ClientLimits.ReceiveMaximum), options => options with { Limits = options.Limits with { ReceiveMaximum = 65_536 } } },
        { nameof(ClientLimits.InFlightMaximum), options => options with { Limits = options.Limits with { InFlightMaximum = 0 } } },
        { nameof(ClientLimits.InFlightMaximum3), options => options with { Limits = options.Limits with { InFlightMaximum3 = 65_536 } } },
        { nameof(ClientLimits.TopicAliasMaximum), options => options with { Limits = options.Limits with { TopicAliasMaximum = -1 } } },
        { nameof(ClientLimits.MaximumPacketBytes), options => options with { Limits = options.Limits with { MaximumPacketBytes = 1 } } },
        { nameof(ClientLimits.QueueCount), options => options with { Limits = options.Limits with { QueueCount = 0 } } },
        { nameof(ClientLimits.QueueBytes), options => options with { Limits = options.Limits with { QueueBytes = -1 } } },
        { nameof(ClientLimits.MaximumKeepAlive), options => options with { Limits = options.Limits with { MaximumKeepAlive = TimeSpan.Zero } } },
        { nameof(ClientLimits.MaximumQualityOfService), options => options with { Limits = options.Limits with { MaximumQualityOfService = (QualityOfService)3 } } },
        { nameof(ClientLimits.OutgoingTopicAliasMaximum), options => options with { Limits = options.Limits with { OutgoingTopicAliasMaximum = 65_536 } } },
        { nameof(ClientLimits.MaximumSubscriptions), options => options with { Limits = options.Limits with { MaximumSubscriptions = -1 } } },
        { nameof(ClientLimits.QueuePolicy), options => options with { Limits = options.Limits with { QueuePolicy = (QueuePolicy)3 } } },
        { nameof(ClientLimits.OutgoingTopicAliasPolicy), options => options with { Limits = options.Limits with { OutgoingTopicAliasPolicy = (TopicAliasPolicy)2 } } },
        { nameof(MqttBrokerOptions.MaximumRetained), options => options with { MaximumRetained = -1 } },
        { nameof(MqttBrokerOptions.MaximumRetainedBytes), options => options with { MaximumRetainedBytes = -1 } },
        { nameof(MqttBrokerOptions.MaximumMessageExpiry), options => options with { MaximumMessageExpiry = TimeSpan.Zero } },
        { nameof(MqttBrokerOptions.RetryIntervals), options => options with { RetryIntervals = [TimeSpan.FromSeconds(1), TimeSpan.Zero] } },
        { nameof(MqttBrokerOptions.InFlightExpiry), options => options with { InFlightExpiry = TimeSpan.Zero } },
        { nameof(MqttBrokerOptions.Limits), options => options with { Limits = null! } },
        { nameof(MqttBrokerOptions.Hooks), options => options with { Hooks = null! } },
        { nameof(MqttBrokerOptions.MemoryBytes), options => options with { MemoryBytes = 0 } },
        { nameof(ClientLimits.MaximumSessionExpiry), options => options with { Limits = options.Limits with { MaximumSessionExpiry = TimeSpan.FromSeconds(-1) } } },
        { nameof(MqttBrokerOptions.Scheduler), options => options with { Scheduler = null! } },
    };

    [Fact]
    public void The_defaults_are_those_of_the_documentation()
    {
        var server = new MqttServerOptions();
        server.Addresses.Should().Equal("mqtt://localhost:1883");
        server.UnauthenticatedBytes.Should().Be(64 * MiB);
        server.MemoryBytes.Should().Be(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4);
        server.MaximumConnections.Should().BeNull();
        server.WebSocket.AllowedOrigins.Should().BeEmpty();
        server.WebSocket.RequireSubprotocol.Should().BeFalse();
        server.WebSocket.MaximumRequestBytes.Should().Be(8 * 1024);

        var connection = server.Limits;
        connection.MaximumPacketBytes.Should().Be(16 * MiB);
        connection.MaximumConnectBytes.Should().Be(MiB);
        connection.ConnectTimeout.Should().Be(TimeSpan.FromSeconds(10));
        connection.OutboxBytes.Should().Be(MiB);
        connection.SendTimeout.Should().Be(TimeSpan.FromSeconds(30));
        connection.AllowDisallowedCodePoints.Should().BeFalse();

        var broker = new MqttBrokerOptions();
        broker.MemoryBytes.Should().Be(server.MemoryBytes);
        broker.MaximumMessageExpiry.Should().BeNull();
        broker.MaximumRetained.Should().BeNull();
        broker.MaximumRetainedBytes.Should().BeNull();
        broker.SystemInterval.Should().Be(TimeSpan.FromSeconds(10));
        broker.CheckPayloadFormat.Should().BeFalse();
        broker.PointToPointParents.Should().BeEmpty();
        broker.RetryIntervals.Should().BeEmpty();
        broker.TellNoSubscribers.Should().BeTrue();
        broker.TakeoversPerMinute.Should().Be(5);
        broker.RefusesForbiddenWills.Should().BeFalse();

        var client = broker.Limits;
        client.MaximumPacketBytes.Should().Be(16 * MiB);
        client.ReceiveMaximum.Should().Be(1024);
        client.InFlightMaximum.Should().Be(1024);
        client.InFlightMaximum3.Should().Be(1024);
        client.QueueCount.Should().Be(10_000);
        client.QueueBytes.Should().Be(16 * MiB);
        client.QueuePolicy.Should().Be(QueuePolicy.DropNewest);
        client.QueueQoS0.Should().BeFalse();
        client.MaximumSessionExpiry.Should().Be(TimeSpan.FromDays(7));
        client.MaximumKeepAlive.Should().BeNull();
        client.TopicAliasMaximum.Should().Be(16);
        client.OutgoingTopicAliasMaximum.Should().Be(16);
        client.MaximumSubscriptions.Should().BeNull();
    }

    [Theory]
    [MemberData(nameof(WrongServerOptions), DisableDiscoveryEnumeration = true)]
    public void A_wrong_option_of_the_server_is_named(string name, Func<MqttServerOptions, MqttServerOptions> change) =>
        FluentActions.Invoking(() => new MqttServer(change(new MqttServerOptions()))).Should().Throw<ArgumentException>().WithMessage($"*{name}*");

    [Theory]
    [MemberData(nameof(WrongBrokerOptions), DisableDiscoveryEnumeration = true)]
    public void A_wrong_option_of_the_broker_is_named(string name, Func<MqttBrokerOptions, MqttBrokerOptions> change) =>
        FluentActions.Invoking(() => new MqttBroker(change(new MqttBrokerOptions()))).Should().Throw<ArgumentException>().WithMessage($"*{name}*");
}
