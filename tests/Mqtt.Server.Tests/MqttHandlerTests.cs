namespace Mqtt.Server.Tests;

/// <summary>The base class that answers as the standard demands, and a gateway that overrides what it cares about.</summary>
public sealed class MqttHandlerTests
{
    private sealed class Silent : MqttHandler;

    private sealed class Gateway : MqttHandler
    {
        public List<string> Heard { get; } = [];

        public ReasonCode PublishResult { get; set; }

        protected override ValueTask<ConnAckPacket> OnConnectAsync(MqttConnection connection, ConnectPacket packet) =>
            new(new ConnAckPacket { ReasonCode = packet.UserName is { } name && name == "friend" ? ReasonCode.Success : ReasonCode.BadUserNameOrPassword });

        protected override ValueTask<ReasonCode> OnPublishAsync(MqttConnection connection, PublishPacket packet)
        {
            Heard.Add($"{packet.Topic}");
            return new(PublishResult);
        }

        protected override ValueTask<IReadOnlyList<ReasonCode>> OnSubscribeAsync(MqttConnection connection, SubscribePacket packet) =>
            new([.. packet.Subscriptions.Select(_ => ReasonCode.GrantedQoS1)]);

        protected override ValueTask OnDisconnectAsync(MqttConnection connection, DisconnectPacket packet)
        {
            Heard.Add($"goodbye {packet.ReasonCode}");
            return default;
        }
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V310)]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task Without_any_override_every_packet_is_answered_as_the_standard_demands(MqttProtocolVersion version)
    {
        await using var server = await RunningServer.StartAsync(Transport.Memory, new Silent());
        var client = await server.ConnectAsync(version);

        await client.SendAsync(new PublishPacket { Topic = "t" });
        await client.SendAsync(new PublishPacket { Topic = "t", QualityOfService = QualityOfService.AtLeastOnce, PacketId = 1 });
        (await client.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(1);
        await client.SendAsync(new PublishPacket { Topic = "t", QualityOfService = QualityOfService.ExactlyOnce, PacketId = 2 });
        (await client.ExpectAsync<PubRecPacket>()).PacketId.Should().Be(2);
        await client.SendAsync(new PubRelPacket { PacketId = 2 });
        (await client.ExpectAsync<PubCompPacket>()).ReasonCode.Should().Be(ReasonCode.Success);
        await client.SendAsync(new PubRelPacket { PacketId = 2 });
        (await client.ExpectAsync<PubCompPacket>()).ReasonCode.Should().Be(version == MqttProtocolVersion.V500 ? ReasonCode.PacketIdentifierNotFound : ReasonCode.Success);
        await client.SendAsync(new SubscribePacket { PacketId = 3, Subscriptions = [new("a"), new("b")] });
        (await client.ExpectAsync<SubAckPacket>()).ReasonCodes.Should().HaveCount(2);
        await client.SendAsync(new UnsubscribePacket { PacketId = 4, Filters = ["a", "b"] });
        (await client.ExpectAsync<UnsubAckPacket>()).PacketId.Should().Be(4);
        await client.SendAsync(new PubRecPacket { PacketId = 5 });
        (await client.ExpectAsync<PubRelPacket>()).PacketId.Should().Be(5);
        await client.SendAsync(new PubAckPacket { PacketId = 6 });
        await client.ExpectNothingBeforePingAsync();
        await client.SendAsync(new DisconnectPacket());
        await client.ExpectEndAsync();
    }

    [Fact]
    public async Task An_empty_client_identifier_is_assigned()
    {
        await using var server = await RunningServer.StartAsync(Transport.Memory, new Silent());
        var client = await server.DialAsync();

        (await client.ConnectAsync(new ConnectPacket())).AssignedClientIdentifier!.Value.IsEmpty.Should().BeFalse();
    }

    [Fact]
    public async Task Topic_aliases_are_an_error_since_none_were_offered()
    {
        await using var server = await RunningServer.StartAsync(Transport.Memory, new Silent());
        var client = await server.ConnectAsync();

        await client.SendAsync(new PublishPacket { Topic = "t", TopicAlias = 1 });

        (await client.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.TopicAliasInvalid);
    }

    [Fact]
    public async Task AUTH_without_a_method_is_a_protocol_error()
    {
        await using var server = await RunningServer.StartAsync(Transport.Memory, new Silent());
        var client = await server.ConnectAsync();

        await client.SendAsync(new AuthPacket { ReasonCode = ReasonCode.ReAuthenticate, AuthenticationMethod = "m" });

        (await client.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.ProtocolError);
    }

    [Fact]
    public async Task A_gateway_hears_each_message_once_and_its_result_is_the_acknowledgement()
    {
        var gateway = new Gateway();
        await using var server = await RunningServer.StartAsync(Transport.Memory, gateway);
        var stranger = await server.DialAsync();
        (await stranger.ConnectAsync(new ConnectPacket { ClientId = "stranger" })).ReasonCode.Should().Be(ReasonCode.BadUserNameOrPassword);
        await stranger.ExpectEndAsync();

        var client = await server.DialAsync();
        await client.ConnectAsync(new ConnectPacket { ClientId = "client", UserName = "friend" });
        var message = new PublishPacket { Topic = "twice", QualityOfService = QualityOfService.ExactlyOnce, PacketId = 1 };
        await client.SendAsync(message);
        await client.SendAsync(message);
        await client.ExpectAsync<PubRecPacket>();
        await client.ExpectAsync<PubRecPacket>();

        gateway.PublishResult = ReasonCode.NotAuthorized;
        await client.SendAsync(new PublishPacket { Topic = "refused", QualityOfService = QualityOfService.AtLeastOnce, PacketId = 2 });
        (await client.ExpectAsync<PubAckPacket>()).ReasonCode.Should().Be(ReasonCode.NotAuthorized);
        for (var i = 0; i < 2; i++)
        {
            await client.SendAsync(new PublishPacket { Topic = "refused", QualityOfService = QualityOfService.ExactlyOnce, PacketId = 3 });
            (await client.ExpectAsync<PubRecPacket>()).ReasonCode.Should().Be(ReasonCode.NotAuthorized);
        }

        await client.SendAsync(new SubscribePacket { PacketId = 4, Subscriptions = [new("t")] });
        (await client.ExpectAsync<SubAckPacket>()).ReasonCodes.Should().Equal(ReasonCode.GrantedQoS1);
        await client.SendAsync(new DisconnectPacket());
        await client.ExpectEndAsync();

        gateway.Heard.Should().Equal("twice", "refused", "refused", "refused", "goodbye NormalDisconnection");
    }

    [Fact]
    public async Task A_client_that_says_goodbye_was_no_failure()
    {
        var causes = new List<MqttCloseCause>();
        var closed = new TaskCompletionSource();
        await using var server = await RunningServer.StartAsync(Transport.Memory, new Listening(cause =>
        {
            causes.Add(cause);
            closed.SetResult();
        }));
        var client = await server.ConnectAsync();

        await client.SendAsync(new DisconnectPacket());
        await client.ExpectEndAsync();
        await closed.Task;

        causes.Should().ContainSingle().Which.ReasonCode.Should().Be(ReasonCode.NormalDisconnection);
    }

    private sealed class Listening(Action<MqttCloseCause> onClosed) : MqttHandler
    {
        public override ValueTask OnClosedAsync(MqttConnection connection, MqttCloseCause cause)
        {
            onClosed(cause);
            return default;
        }
    }
}
