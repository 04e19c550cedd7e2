namespace Mqtt.Client.Tests;

/// <summary>Packets that the application sends as they stand.</summary>
public class SendTests
{
    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task SUBSCRIBE_and_UNSUBSCRIBE_come_back_with_their_answers_and_messages_are_unclaimed(MqttProtocolVersion version)
    {
        await using var scene = await Scene.ConnectedAsync(version: version);
        var asking = scene.Client.SendAsync(new SubscribePacket { Subscriptions = [new("a", QualityOfService.AtLeastOnce), new("b", QualityOfService.AtMostOnce)] }).AsTask();
        var subscribe = await scene.Server.ExpectAsync<SubscribePacket>();
        subscribe.Subscriptions.Select(wanted => wanted.Filter.ToString()).Should().Equal("a", "b");
        subscribe.SubscriptionIdentifier.Should().BeNull();
        await scene.Server.SendAsync(new SubAckPacket { PacketId = subscribe.PacketId, ReasonCodes = [ReasonCode.GrantedQoS1, ReasonCode.UnspecifiedError] });
        (await asking.Soon()).Should().BeOfType<SubAckPacket>().Which.ReasonCodes.Should().Equal(ReasonCode.GrantedQoS1, ReasonCode.UnspecifiedError);
        await scene.DeliverAsync("a", "1");
        await using var messages = scene.Client.Unclaimed.GetAsyncEnumerator();
        (await messages.NextAsync()).GetText().Should().Be("1");

        asking = scene.Client.SendAsync(new UnsubscribePacket { Filters = ["a"] }).AsTask();
        var unsubscribe = await scene.Server.ExpectAsync<UnsubscribePacket>();
        await scene.Server.SendAsync(new UnsubAckPacket { PacketId = unsubscribe.PacketId, ReasonCodes = version == MqttProtocolVersion.V500 ? [ReasonCode.NoSubscriptionExisted] : [] });
        (await asking.Soon()).Should().BeOfType<UnsubAckPacket>().Which.ReasonCodes.Should().Equal(version == MqttProtocolVersion.V500 ? [ReasonCode.NoSubscriptionExisted] : []);
        scene.Server.Abort();
    }

    [Fact]
    public async Task PUBLISH_comes_back_with_what_ends_its_delivery()
    {
        await using var scene = await Scene.ConnectedAsync();
        (await scene.Client.SendAsync(new PublishPacket { Topic = "a" }).Soon()).Should().BeNull();
        await scene.Server.ExpectAsync<PublishPacket>();

        var asking = scene.Client.SendAsync(new PublishPacket { Topic = "a", QualityOfService = QualityOfService.AtLeastOnce }).AsTask();
        await scene.Server.SendAsync(new PubAckPacket { PacketId = (await scene.Server.ExpectAsync<PublishPacket>()).PacketId, ReasonCode = ReasonCode.QuotaExceeded, ReasonString = "full" });
        var pubAck = (await asking.Soon()).Should().BeOfType<PubAckPacket>().Which;
        (pubAck.ReasonCode, pubAck.ReasonString.ToString()).Should().Be((ReasonCode.QuotaExceeded, "full"));

        asking = scene.Client.SendAsync(new PublishPacket { Topic = "a", QualityOfService = QualityOfService.ExactlyOnce }).AsTask();
        await scene.Server.SendAsync(new PubRecPacket { PacketId = (await scene.Server.ExpectAsync<PublishPacket>()).PacketId, ReasonCode = ReasonCode.NotAuthorized });
        (await asking.Soon()).Should().BeOfType<PubRecPacket>().Which.ReasonCode.Should().Be(ReasonCode.NotAuthorized);

        asking = scene.Client.SendAsync(new PublishPacket { Topic = "a", QualityOfService = QualityOfService.ExactlyOnce }).AsTask();
        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        await scene.Server.SendAsync(new PubRecPacket { PacketId = packet.PacketId });
        await scene.Server.ExpectAsync<PubRelPacket>();
        await scene.Server.SendAsync(new PubCompPacket { PacketId = packet.PacketId });
        (await asking.Soon()).Should().BeOfType<PubCompPacket>();
        scene.Server.Abort();
    }

    [Fact]
    public async Task PINGREQ_comes_back_with_PINGRESP_and_DISCONNECT_ends_the_connection()
    {
        await using var scene = await Scene.ConnectedAsync();
        var pinging = scene.Client.SendAsync(new PingReqPacket()).AsTask();
        await scene.Server.ExpectAsync<PingReqPacket>();
        await scene.Server.SendAsync(new PingRespPacket());
        (await pinging.Soon()).Should().BeOfType<PingRespPacket>();

        var ending = scene.Client.SendAsync(new DisconnectPacket { ReasonCode = ReasonCode.DisconnectWithWillMessage }).AsTask();
        (await scene.Server.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.DisconnectWithWillMessage);
        scene.Server.CompleteWriting();
        (await ending.Soon()).Should().BeNull();
    }

    [Fact]
    public async Task What_has_no_answer_when_the_connection_goes_fails()
    {
        await using var scene = await Scene.ConnectedAsync();
        var asking = new[]
        {
            scene.Client.SendAsync(new PingReqPacket()).AsTask(),
            scene.Client.SendAsync(new SubscribePacket { Subscriptions = [new("a", QualityOfService.AtMostOnce)] }).AsTask(),
        };
        await scene.BreakAsync();

        foreach (var task in asking)
            await FluentActions.Awaiting(() => task.Soon()).Should().ThrowAsync<MqttConnectionException>();
        await FluentActions.Awaiting(() => scene.Client.SendAsync(new PingReqPacket()).Soon()).Should().ThrowAsync<MqttConnectionException>();
    }

    [Fact]
    public async Task An_answer_of_another_kind_is_a_protocol_error()
    {
        await using var scene = await Scene.ConnectedAsync();
        var asking = scene.Client.SendAsync(new UnsubscribePacket { Filters = ["a"] }).AsTask();
        var unsubscribe = await scene.Server.ExpectAsync<UnsubscribePacket>();
        await scene.Server.SendAsync(new SubAckPacket { PacketId = unsubscribe.PacketId, ReasonCodes = [ReasonCode.GrantedQoS0] });

        (await scene.Server.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.ProtocolError);
        scene.Server.Abort();
        await FluentActions.Awaiting(() => asking.Soon()).Should().ThrowAsync<MqttConnectionException>();
    }

    [Theory, Spec(V5, "3.3.2-8")]
    [InlineData("CONNECT")]
    [InlineData("PUBACK")]
    [InlineData("PUBREL")]
    [InlineData("SUBACK")]
    [InlineData("packet identifier")]
    [InlineData("topic alias")]
    [InlineData("subscription identifier")]
    [InlineData("DUP")]
    [InlineData("no filter")]
    public async Task What_belongs_to_the_session_or_is_no_packet_is_not_sent(string what)
    {
        await using var scene = await Scene.ConnectedAsync();
        MqttPacket packet = what switch
        {
            "CONNECT" => new ConnectPacket(),
            "PUBACK" => new PubAckPacket { PacketId = 1 },
            "PUBREL" => new PubRelPacket { PacketId = 1 },
            "SUBACK" => new SubAckPacket { PacketId = 1 },
            "packet identifier" => new PublishPacket { Topic = "a", PacketId = 1, QualityOfService = QualityOfService.AtLeastOnce },
            "topic alias" => new PublishPacket { Topic = "a", TopicAlias = 1 },
            "subscription identifier" => new SubscribePacket { Subscriptions = [new("a", QualityOfService.AtMostOnce)], SubscriptionIdentifier = 1 },
            "DUP" => new PublishPacket { Topic = "a", QualityOfService = QualityOfService.AtLeastOnce, Duplicate = true },
            _ => new SubscribePacket(),
        };

        await FluentActions.Awaiting(() => scene.Client.SendAsync(packet).Soon()).Should().ThrowAsync<ArgumentException>();
        await scene.NothingMoreAsync();
        scene.Server.Abort();
    }
}
