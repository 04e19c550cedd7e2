using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Broker.Tests;

/// <summary>Reason strings and user properties of answers: what a client does not want, or has no room for, it does not get.</summary>
public abstract class ProblemInformationTests(StoreKind store) : BrokerTests(store)
{
    private static readonly string LongText = new('x', 100);

    public sealed class WithoutStore() : ProblemInformationTests(StoreKind.None);

    public sealed class WithMemoryStore() : ProblemInformationTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : ProblemInformationTests(StoreKind.SlowCommit);

    public static TheoryData<string, Func<MqttPacket>> Answers => new()
    {
        { "PUBACK", static () => new PubAckPacket { PacketId = 1, ReasonCode = ReasonCode.QuotaExceeded } },
        { "PUBREC", static () => new PubRecPacket { PacketId = 1, ReasonCode = ReasonCode.QuotaExceeded } },
        { "PUBREL", static () => new PubRelPacket { PacketId = 1, ReasonCode = ReasonCode.PacketIdentifierNotFound } },
        { "PUBCOMP", static () => new PubCompPacket { PacketId = 1, ReasonCode = ReasonCode.PacketIdentifierNotFound } },
        { "SUBACK", static () => new SubAckPacket { PacketId = 1, ReasonCodes = [ReasonCode.QuotaExceeded] } },
        { "UNSUBACK", static () => new UnsubAckPacket { PacketId = 1, ReasonCodes = [ReasonCode.NotAuthorized] } },
        { "DISCONNECT", static () => new DisconnectPacket { ReasonCode = ReasonCode.QuotaExceeded } },
        { "AUTH", static () => new AuthPacket { ReasonCode = ReasonCode.ContinueAuthentication, AuthenticationMethod = "M" } },
    };

    [Theory, MemberData(nameof(Answers))]
    [Spec(V5, "3.4.2-2")]
    [Spec(V5, "3.5.2-2")]
    [Spec(V5, "3.6.2-2")]
    [Spec(V5, "3.7.2-2")]
    [Spec(V5, "3.9.2-1")]
    [Spec(V5, "3.11.2-1")]
    [Spec(V5, "3.14.2-3")]
    [Spec(V5, "3.15.2-2")]
    public void A_reason_string_that_makes_a_packet_too_large_is_left_out(string name, Func<MqttPacket> make)
    {
        var sent = Ask(make, packet => packet.MaximumPacketSize = 64, reasonString: LongText, userProperty: "short");

        ReasonOf(sent).Should().BeNull(name);
        sent.UserProperties["why"].Should().Be((MqttString)"short", name);
    }

    [Theory, MemberData(nameof(Answers))]
    [Spec(V5, "3.4.2-3")]
    [Spec(V5, "3.5.2-3")]
    [Spec(V5, "3.6.2-3")]
    [Spec(V5, "3.7.2-3")]
    [Spec(V5, "3.9.2-2")]
    [Spec(V5, "3.11.2-2")]
    [Spec(V5, "3.14.2-4")]
    [Spec(V5, "3.15.2-3")]
    public void User_properties_that_make_a_packet_too_large_are_left_out(string name, Func<MqttPacket> make)
    {
        var sent = Ask(make, packet => packet.MaximumPacketSize = 64, reasonString: "short", userProperty: LongText);

        sent.UserProperties.Should().BeEmpty(name);
        sent.Frame.Length.Should().BeLessThanOrEqualTo(64, name);
    }

    [Theory, MemberData(nameof(Answers))]
    public void A_client_that_sets_no_limit_gets_both(string name, Func<MqttPacket> make)
    {
        var sent = Ask(make, with: null, LongText, LongText);

        ReasonOf(sent).Should().Be((MqttString)LongText, name);
        sent.UserProperties["why"].Should().Be((MqttString)LongText, name);
    }

    [Theory, MemberData(nameof(Answers))]
    [Spec(V5, "3.1.2-29")]
    public void A_client_that_does_not_want_to_know_gets_neither_but_on_DISCONNECT(string name, Func<MqttPacket> make)
    {
        var sent = Ask(make, packet => packet.RequestProblemInformation = false, "short", "short");

        (ReasonOf(sent) is not null).Should().Be(name == "DISCONNECT", name);
        sent.UserProperties.Any().Should().Be(name == "DISCONNECT", name);
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [Spec(V5, "3.1.2-29")]
    public void Why_a_publish_is_refused_goes_to_whom_wants_to_know(bool? wants, bool told)
    {
        var client = Connect("client", with: packet => packet.RequestProblemInformation = wants);

        client.SendPublish("$SYS/a", "refused", QoS1);
        (client.Expect<PubAckPacket>().ReasonString is not null).Should().Be(told);

        client.SendPublish("$SYS/a", "refused", QoS2);
        (client.Expect<PubRecPacket>().ReasonString is not null).Should().Be(told);
    }

    [Theory]
    [InlineData(100, 10, false, true)]
    [InlineData(10, 100, false, false)]
    [InlineData(10, 10, true, true)]
    [Spec(V5, "3.2.2-19")]
    [Spec(V5, "3.2.2-20")]
    public void CONNACK_leaves_out_what_makes_it_too_large_the_reason_string_first(int reason, int user, bool hasReason, bool hasUser)
    {
        WithBroker = options => options with
        {
            Hooks = [new BasicHook(_ => AuthenticationResult.Allowed with { ReasonString = new string('r', reason), UserProperties = [("u", new string('u', user))] })],
        };

        var answer = Connect("client", with: packet => packet.MaximumPacketSize = 64).Answer;

        (answer.ReasonString is not null).Should().Be(hasReason);
        answer.UserProperties.Any().Should().Be(hasUser);
        answer.Frame.Length.Should().BeLessThanOrEqualTo(64);
    }

    // The broker's answer to PINGREQ, with one packet more in front of it.
    private MqttPacket Ask(Func<MqttPacket> make, Action<ConnectPacket>? with, string reasonString, string userProperty)
    {
        WithMiddleware = broker => new Before(broker, connection =>
        {
            var packet = make();
            packet.Properties = packet.Properties.With(PropertyId.ReasonString, (MqttString)reasonString);
            packet.UserProperties = [("why", userProperty)];
            connection.Send(packet);
        });
        var client = Connect("client", with: with);
        client.Send(new PingReqPacket());
        return client.Expect<MqttPacket>();
    }

    private static MqttString? ReasonOf(MqttPacket packet) => packet.Properties.GetString(PropertyId.ReasonString);

    private sealed class Before(IMqttHandler broker, Action<MqttConnection> onPing) : IInlineMqttHandler
    {
        public ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet)
        {
            if (packet is PingReqPacket)
                onPing(connection);
            return broker.OnPacketAsync(connection, packet);
        }

        public ValueTask OnClosedAsync(MqttConnection connection, MqttCloseCause cause) => broker.OnClosedAsync(connection, cause);
    }
}
