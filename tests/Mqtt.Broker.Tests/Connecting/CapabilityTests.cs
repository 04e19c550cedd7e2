using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Broker.Tests;

/// <summary>What a client is told in CONNACK, and that it holds.</summary>
public abstract class CapabilityTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : CapabilityTests(StoreKind.None);

    public sealed class WithMemoryStore() : CapabilityTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : CapabilityTests(StoreKind.SlowCommit);

    // --- QoS

    [Theory]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce)]
    [Spec(V5, "3.2.2-9")]
    public void The_highest_QoS_is_announced_and_a_higher_PUBLISH_closes(QualityOfService highest)
    {
        Limit(limits => limits with { MaximumQualityOfService = highest });
        var client = Connect("client");
        client.Answer.MaximumQoS.Should().Be((byte)highest);
        client.Publish("t", "allowed", highest);

        client.SendPublish("t", "too high", highest + 1);

        client.ExpectGoodbye(ReasonCode.QoSNotSupported);
    }

    [Theory, Versions(Only3 = true)]
    public void A_3_client_that_publishes_above_the_highest_QoS_is_closed(MqttProtocolVersion version)
    {
        Limit(limits => limits with { MaximumQualityOfService = QoS1 });
        var client = Connect("client", version);

        client.SendPublish("t", "too high", QoS2);

        client.ExpectEnd();
    }

    [Theory, Versions]
    [Spec(V5, "3.2.2-10")]
    public void SUBSCRIBE_may_ask_for_any_QoS_and_is_granted_the_highest_there_is(MqttProtocolVersion version)
    {
        Limit(limits => limits with { MaximumQualityOfService = QoS1 });
        var client = Connect("client", version);

        client.Subscribe([new("a", QoS0), new("b", QoS1), new("c", QoS2)]).ReasonCodes
            .Should().Equal(ReasonCode.GrantedQoS0, ReasonCode.GrantedQoS1, ReasonCode.GrantedQoS1);

        Connect("publisher", version).Publish("c", "message", QoS1);
        client.Receive("c", "message").QualityOfService.Should().Be(QoS1);
    }

    [Theory, Versions]
    [Spec(V5, "3.2.2-12")]
    public void A_will_above_the_highest_QoS_is_refused_with_its_CONNECT(MqttProtocolVersion version)
    {
        Limit(limits => limits with { MaximumQualityOfService = QoS1 });

        Refused(version, packet => packet.Will = new WillMessage { Topic = "w", QualityOfService = QoS2 })
            .Should().Be(version == MqttProtocolVersion.V500 ? ReasonCode.QoSNotSupported : ReasonCode.ServerUnavailable);
    }

    // --- Retain

    [Fact]
    public void That_there_is_no_retain_is_announced_and_a_retained_PUBLISH_closes()
    {
        Limit(limits => limits with { RetainAvailable = false });
        var client = Connect("client");
        client.Answer.RetainAvailable.Should().BeFalse();
        client.Publish("t", "allowed", QoS1);

        client.SendPublish("t", "kept", QoS1, retain: true);

        client.ExpectGoodbye(ReasonCode.RetainNotSupported);
        Broker.RetainedCount.Should().Be(0);
    }

    [Theory, Versions]
    [Spec(V5, "3.2.2-13")]
    public void A_retained_will_is_refused_with_its_CONNECT_where_there_is_no_retain(MqttProtocolVersion version)
    {
        Limit(limits => limits with { RetainAvailable = false });

        Refused(version, packet => packet.Will = new WillMessage { Topic = "w", Retain = true })
            .Should().Be(version == MqttProtocolVersion.V500 ? ReasonCode.RetainNotSupported : ReasonCode.ServerUnavailable);
    }

    // --- Subscriptions

    [Theory]
    [InlineData("a/+")]
    [InlineData("#")]
    [InlineData("$share/g/a/#")]
    public void That_there_are_no_wildcards_is_announced_and_a_SUBSCRIBE_with_one_closes(string filter)
    {
        Limit(limits => limits with { WildcardSubscriptionAvailable = false });
        var client = Connect("client");
        client.Answer.WildcardSubscriptionAvailable.Should().BeFalse();
        client.Subscribe("a/b").ReasonCodes.Should().Equal(ReasonCode.GrantedQoS0);

        client.Send(new SubscribePacket { PacketId = 9, Subscriptions = [new("c"), new(filter)] });

        client.ExpectGoodbye(ReasonCode.WildcardSubscriptionsNotSupported);
    }

    [Fact]
    public void That_there_are_no_shared_subscriptions_is_announced_and_a_SUBSCRIBE_with_one_closes()
    {
        Limit(limits => limits with { SharedSubscriptionAvailable = false });
        var client = Connect("client");
        client.Answer.SharedSubscriptionAvailable.Should().BeFalse();

        client.Send(new SubscribePacket { PacketId = 9, Subscriptions = [new("$share/g/a")] });

        client.ExpectGoodbye(ReasonCode.SharedSubscriptionsNotSupported);
    }

    [Fact]
    public void That_there_are_no_subscription_identifiers_is_announced_and_a_SUBSCRIBE_with_one_closes()
    {
        Limit(limits => limits with { SubscriptionIdentifierAvailable = false });
        var client = Connect("client");
        client.Answer.SubscriptionIdentifierAvailable.Should().BeFalse();

        client.Send(new SubscribePacket { PacketId = 9, Subscriptions = [new("a")], SubscriptionIdentifier = 1 });

        client.ExpectGoodbye(ReasonCode.SubscriptionIdentifiersNotSupported);
    }

    [Fact]
    [Spec(V311, "3.8.3-2")]
    public void A_client_of_3_1_1_has_the_filters_refused_that_it_may_not_have()
    {
        Limit(limits => limits with { WildcardSubscriptionAvailable = false, SharedSubscriptionAvailable = false });
        var client = Connect("client", MqttProtocolVersion.V311);

        client.Subscribe([new("a", QoS1), new("b/+", QoS1), new("#", QoS1), new("$share/g/c", QoS1)]).ReasonCodes
            .Should().Equal(ReasonCode.GrantedQoS1, ReasonCode.UnspecifiedError, ReasonCode.UnspecifiedError, ReasonCode.UnspecifiedError);

        client.Publish("b/c", "refused");
        client.Publish("c", "refused");
        client.Publish("a", "granted");
        client.Receive("a", "granted");
    }

    [Theory, Versions]
    public void A_client_has_so_many_subscriptions_and_may_renew_each(MqttProtocolVersion version)
    {
        Limit(limits => limits with { MaximumSubscriptions = 2 });
        var client = Connect("client", version);
        client.Subscribe([new("a"), new("b")]);

        var answer = client.Subscribe([new("c"), new("b", QoS1)]);

        answer.ReasonCodes.Should().Equal(
            version switch
            {
                MqttProtocolVersion.V500 => ReasonCode.QuotaExceeded,
                MqttProtocolVersion.V311 => ReasonCode.UnspecifiedError,
                _ => ReasonCode.GrantedQoS0,
            },
            ReasonCode.GrantedQoS1);
        client.Publish("c", "not subscribed");
        client.Publish("b", "subscribed");
        client.Receive("b", "subscribed");
    }

    // --- Keep-alive, packets

    [Theory]
    [InlineData(0, 60)]
    [InlineData(61, 60)]
    [InlineData(60, null)]
    [InlineData(30, null)]
    [Spec(V5, "3.1.2-21")]
    [Spec(V5, "3.2.2-21")]
    public void A_longer_keep_alive_than_the_longest_is_replaced(ushort asked, int? told)
    {
        Limit(limits => limits with { MaximumKeepAlive = TimeSpan.FromSeconds(60) });
        var client = Connect("client", with: packet => packet.KeepAliveSeconds = asked);
        ((int?)client.Answer.ServerKeepAlive).Should().Be(told);

        Advance((1.5 * (told ?? asked)) - 0.5);
        client.ExpectNothing();
        Advance(1);

        client.ExpectGoodbye(ReasonCode.KeepAliveTimeout);
    }

    [Fact]
    public void A_client_is_told_the_smaller_of_its_own_and_the_servers_largest_packet()
    {
        WithServer = options => options with { Limits = options.Limits with { MaximumPacketBytes = 5000 } };

        Connect("client").Answer.MaximumPacketSize.Should().Be(5000);
    }

    [Theory, Versions]
    public void A_packet_larger_than_the_clients_own_limit_closes(MqttProtocolVersion version)
    {
        Limit(limits => limits with { MaximumPacketBytes = 1000 });
        var client = Connect("client", version);
        client.Publish("t", new string('x', 900), QoS1);

        client.SendPublish("t", new string('x', 1000), QoS1);

        client.ExpectGoodbye(ReasonCode.PacketTooLarge);
    }

    // --- Versions and identifiers

    [Theory]
    [InlineData(MqttProtocolVersion.V311, MqttProtocolVersion.V310)]
    [InlineData(MqttProtocolVersion.V500, MqttProtocolVersion.V311)]
    [Spec(V5, "3.1.2-2")]
    [Spec(V311, "3.1.2-2")]
    public void An_older_version_than_the_oldest_is_refused(MqttProtocolVersion oldest, MqttProtocolVersion asked)
    {
        WithBroker = options => options with { MinimumVersion = oldest };

        Refused(asked).Should().Be(ReasonCode.UnsupportedProtocolVersion);

        Connect("client", oldest).ExpectNothing();
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    [Spec(V5, "3.1.3-8")]
    public void Clients_without_an_identifier_can_be_refused(MqttProtocolVersion version)
    {
        WithBroker = options => options with { AssignClientIds = false };

        Refused(version, packet => packet.ClientId = "").Should().Be(ReasonCode.ClientIdentifierNotValid);

        Connect("own", version).ExpectNothing();
    }

    // --- Response information

    [Theory]
    [InlineData(null, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [Spec(V5, "3.1.2-28")]
    public void Response_information_goes_to_whom_asks_for_it(bool? asked, bool told)
    {
        WithBroker = options => options with { ResponseInformation = "replies/" };

        var client = Connect("client", with: packet => packet.RequestResponseInformation = asked);

        client.Answer.ResponseInformation.Should().Be(told ? (MqttString)"replies/" : default(MqttString?));
    }

    [Fact]
    public void Response_information_can_go_to_everybody()
    {
        WithBroker = options => options with { ResponseInformation = "replies/", Compatibility = new() { AlwaysSendResponseInformation = true } };

        Connect("client").Answer.ResponseInformation.Should().Be((MqttString)"replies/");
    }

    // --- What is refused

    [Theory]
    [InlineData("$SYS/a")]
    [InlineData("$SYS")]
    [InlineData("$share/g/a")]
    [InlineData("$house")]
    [InlineData("$house/a")]
    public void Topics_of_the_broker_are_refused_and_others_pass(string topic)
    {
        WithBroker = options => options with { ReservedRoots = ["$house"] };
        var subscriber = Connect("subscriber");
        subscriber.Subscribe([new(topic.StartsWith("$share", StringComparison.Ordinal) ? "#" : topic), new("$houses/a")]);
        var five = Connect("five");
        var three = Connect("three", MqttProtocolVersion.V311);

        five.Publish(topic, "5", QoS1, retain: true).Should().Be(ReasonCode.TopicNameInvalid);
        five.Publish(topic, "5", QoS2).Should().Be(ReasonCode.TopicNameInvalid);
        five.Publish(topic, "5");
        three.Publish(topic, "3", QoS1, retain: true).Should().Be(ReasonCode.Success);
        three.Publish(topic, "3", QoS2).Should().Be(ReasonCode.Success);

        subscriber.ExpectNothing();
        Broker.RetainedCount.Should().Be(0);
        Broker.Statistics.Dropped(DropCause.NotAuthorized).Should().Be(5);
        five.Publish("$houses/a", "passes");
        subscriber.Receive("$houses/a", "passes");
    }

    [Theory, Versions]
    public void A_will_for_a_topic_of_the_broker_is_dropped(MqttProtocolVersion version)
    {
        WithBroker = options => options with { ReservedRoots = ["$house"] };
        Connect("client", version, packet => packet.Will = new WillMessage { Topic = "$house/a", Retain = true, Payload = new byte[] { 1 } }).Cut();

        Broker.RetainedCount.Should().Be(0);
        Broker.Statistics.Dropped(DropCause.NotAuthorized).Should().Be(1);
    }

    [Theory]
    [InlineData(QualityOfService.AtLeastOnce)]
    [InlineData(QualityOfService.ExactlyOnce)]
    public void A_3_client_whose_publish_is_refused_can_be_closed(QualityOfService qualityOfService)
    {
        WithBroker = options => options with { Compatibility = new() { CloseOnRefusedPublish = true } };
        var client = Connect("client", MqttProtocolVersion.V311);
        client.Publish("$SYS/a", "no answer is due");

        client.SendPublish("$SYS/a", "refused", qualityOfService);

        client.ExpectEnd();
    }

    [Fact]
    public void Text_that_is_none_is_refused_if_the_broker_looks()
    {
        WithBroker = options => options with { CheckPayloadFormat = true };
        var client = Connect("client");
        client.Subscribe("t");

        Publish(1, [0xC3]).Should().Be(ReasonCode.PayloadFormatInvalid);
        Publish(1, [0xC3, 0xA4]).Should().Be(ReasonCode.Success);
        Publish(0, [0xC3]).Should().Be(ReasonCode.Success);

        Broker.Statistics.Dropped(DropCause.PayloadFormat).Should().Be(1);
        Refused(MqttProtocolVersion.V500, packet => packet.Will = new WillMessage { Topic = "w", Payload = new byte[] { 0xFF }, PayloadFormatIndicator = 1 })
            .Should().Be(ReasonCode.PayloadFormatInvalid);

        ReasonCode Publish(byte format, byte[] payload)
        {
            client.SendPublish("t", "", QoS1, with: packet => (packet.Payload, packet.PayloadFormatIndicator) = (payload, format));
            Run();
            var next = client.Expect<MqttPacket>();
            if (next is PublishPacket)
                next = client.Expect<PubAckPacket>();
            return ((PubAckPacket)next).ReasonCode;
        }
    }

    [Fact]
    public void Text_that_is_none_passes_unless_the_broker_looks()
    {
        var client = Connect("client");
        client.Subscribe("t");

        client.SendPublish("t", "", with: packet => (packet.Payload, packet.PayloadFormatIndicator) = (new byte[] { 0xC3 }, 1));

        client.Expect<PublishPacket>().Payload.ToArray().Should().Equal(0xC3);
    }

    [Theory, Versions]
    public void Text_with_disallowed_code_points_passes_if_the_server_allows_it(MqttProtocolVersion version)
    {
        WithServer = options => options with { Limits = options.Limits with { AllowDisallowedCodePoints = true } };
        var client = Connect("client\u0001", version);

        client.Publish("a\u0001/\uFFFF/b\u0080", "message", QoS1, retain: true);

        Broker.Clients.Find("client\u0001").Should().NotBeNull();
        Broker.Retained.Find("a\u0001/\uFFFF/b\u0080").Should().NotBeNull();
    }

    [Fact]
    public void Whether_anybody_subscribes_need_not_be_told()
    {
        WithBroker = options => options with { TellNoSubscribers = false };

        Connect("client").Publish("t", "nobody", QoS1).Should().Be(ReasonCode.Success);
        Connect("client").Publish("t", "nobody", QoS2).Should().Be(ReasonCode.Success);
    }

    [Fact]
    public void That_somebody_is_not_authorised_need_not_be_told()
    {
        WithBroker = options => options with { Hooks = [new BasicHook(static _ => AuthenticationResult.Refused())], Compatibility = new() { HideNotAuthorized = true } };

        Refused(MqttProtocolVersion.V500).Should().Be(ReasonCode.UnspecifiedError);
    }

    private void Limit(Func<ClientLimits, ClientLimits> change) => WithBroker = options => options with { Limits = change(options.Limits) };

    private ReasonCode Refused(MqttProtocolVersion version, Action<ConnectPacket>? with = null)
    {
        var client = Open(version);
        var packet = new ConnectPacket { Version = version, ClientId = "client", KeepAliveSeconds = 0 };
        with?.Invoke(packet);
        var code = client.Connect(packet).ReasonCode;
        client.ExpectEnd();
        return code;
    }
}
