using System.Buffers;

namespace Mqtt.Protocol.Tests.Codec;

public class PacketWriterTests
{
    private const MqttProtocolVersion Mqtt31 = MqttProtocolVersion.V310;
    private const MqttProtocolVersion Mqtt311 = MqttProtocolVersion.V311;
    private const MqttProtocolVersion Mqtt5 = MqttProtocolVersion.V500;

    private static readonly MqttString TooLong = MqttString.FromUtf8(Enumerable.Repeat((byte)'a', 65_536).ToArray());
    private static readonly MqttString NoUtf8 = MqttString.FromUtf8(new byte[] { 0x61, 0xFF });

    private static readonly Dictionary<string, (MqttPacket Packet, MqttProtocolVersion Version)> Unsendable = new()
    {
        ["PUBLISH without topic"] = (new PublishPacket(), Mqtt5),
        ["PUBLISH without topic before 5.0, whatever the alias"] = (new PublishPacket { TopicAlias = 1 }, Mqtt311),
        ["PUBLISH to a wildcard"] = (new PublishPacket { Topic = "a/+" }, Mqtt311),
        ["PUBLISH to all"] = (new PublishPacket { Topic = "#" }, Mqtt5),
        ["PUBLISH to a topic with a null"] = (new PublishPacket { Topic = "a\0" }, Mqtt5),
        ["PUBLISH to a topic that is no UTF-8"] = (new PublishPacket { Topic = NoUtf8 }, Mqtt5),
        ["PUBLISH to a topic of 65,536 bytes"] = (new PublishPacket { Topic = TooLong }, Mqtt5),
        ["PUBLISH at QoS 1 without packet id"] = (new PublishPacket { Topic = "a", QualityOfService = QualityOfService.AtLeastOnce }, Mqtt311),
        ["PUBLISH at QoS 2 without packet id"] = (new PublishPacket { Topic = "a", QualityOfService = QualityOfService.ExactlyOnce }, Mqtt5),
        ["PUBLISH at QoS 3"] = (new PublishPacket { Topic = "a", PacketId = 1, QualityOfService = (QualityOfService)3 }, Mqtt5),
        ["PUBLISH once more at QoS 0"] = (new PublishPacket { Topic = "a", Duplicate = true }, Mqtt5),
        ["PUBLISH with alias 0"] = (new PublishPacket { Topic = "a", TopicAlias = 0 }, Mqtt5),
        ["PUBLISH with format 2"] = (new PublishPacket { Topic = "a", PayloadFormatIndicator = 2 }, Mqtt5),
        ["PUBLISH with a wildcard in the response topic"] = (new PublishPacket { Topic = "a", ResponseTopic = "a/#" }, Mqtt5),
        ["PUBLISH with a content type that is no UTF-8"] = (new PublishPacket { Topic = "a", ContentType = NoUtf8 }, Mqtt5),
        ["PUBACK without packet id"] = (new PubAckPacket(), Mqtt311),
        ["PUBREC without packet id"] = (new PubRecPacket(), Mqtt5),
        ["PUBACK with a code of PUBREL"] = (new PubAckPacket { PacketId = 1, ReasonCode = ReasonCode.PacketIdentifierNotFound }, Mqtt5),
        ["PUBREL with a code of PUBACK"] = (new PubRelPacket { PacketId = 1, ReasonCode = ReasonCode.QuotaExceeded }, Mqtt5),
        ["SUBSCRIBE without packet id"] = (new SubscribePacket { Subscriptions = [new("a")] }, Mqtt311),
        ["SUBSCRIBE without filters"] = (new SubscribePacket { PacketId = 1 }, Mqtt311),
        ["SUBSCRIBE to nothing"] = (new SubscribePacket { PacketId = 1, Subscriptions = [new("")] }, Mqtt311),
        ["SUBSCRIBE with a wildcard inside a level"] = (new SubscribePacket { PacketId = 1, Subscriptions = [new("a"), new("b#")] }, Mqtt311),
        ["SUBSCRIBE at QoS 3"] = (new SubscribePacket { PacketId = 1, Subscriptions = [new("a", (QualityOfService)3)] }, Mqtt311),
        ["SUBSCRIBE with retain handling 3"] = (new SubscribePacket { PacketId = 1, Subscriptions = [new("a") { RetainHandling = (RetainHandling)3 }] }, Mqtt5),
        ["SUBSCRIBE, shared and no local"] = (new SubscribePacket { PacketId = 1, Subscriptions = [new("$share/g/a") { NoLocal = true }] }, Mqtt5),
        ["SUBSCRIBE, shared without a name"] = (new SubscribePacket { PacketId = 1, Subscriptions = [new("$share//a")] }, Mqtt5),
        ["SUBSCRIBE with identifier 0"] = (new SubscribePacket { PacketId = 1, Subscriptions = [new("a")], SubscriptionIdentifier = 0 }, Mqtt5),
        ["SUBACK without packet id"] = (new SubAckPacket { ReasonCodes = [ReasonCode.GrantedQoS0] }, Mqtt5),
        ["SUBACK without codes"] = (new SubAckPacket { PacketId = 1 }, Mqtt5),
        ["SUBACK with a code of DISCONNECT"] = (new SubAckPacket { PacketId = 1, ReasonCodes = [ReasonCode.ServerBusy] }, Mqtt5),
        ["UNSUBSCRIBE without packet id"] = (new UnsubscribePacket { Filters = ["a"] }, Mqtt5),
        ["UNSUBSCRIBE without filters"] = (new UnsubscribePacket { PacketId = 1 }, Mqtt311),
        ["UNSUBSCRIBE from a filter of 65,536 bytes"] = (new UnsubscribePacket { PacketId = 1, Filters = [TooLong] }, Mqtt311),
        ["UNSUBACK without packet id"] = (new UnsubAckPacket { ReasonCodes = [ReasonCode.Success] }, Mqtt5),
        ["UNSUBACK without codes"] = (new UnsubAckPacket { PacketId = 1 }, Mqtt5),
        ["UNSUBACK with a code of SUBACK"] = (new UnsubAckPacket { PacketId = 1, ReasonCodes = [ReasonCode.GrantedQoS1] }, Mqtt5),
        ["CONNECT with a client id of 65,536 bytes"] = (new ConnectPacket { ClientId = TooLong }, Mqtt5),
        ["CONNECT with a client id that is no UTF-8"] = (new ConnectPacket { ClientId = NoUtf8 }, Mqtt5),
        ["CONNECT with a password and no user name before 5.0"] = (new ConnectPacket { Version = Mqtt311, Password = new byte[1] }, Mqtt311),
        ["CONNECT with a password of 65,536 bytes"] = (new ConnectPacket { UserName = "u", Password = TooLong.Bytes }, Mqtt5),
        ["CONNECT with a will to a wildcard"] = (new ConnectPacket { Will = new() { Topic = "#" } }, Mqtt5),
        ["CONNECT with a will to nothing"] = (new ConnectPacket { Will = new() }, Mqtt5),
        ["CONNECT with a will at QoS 3"] = (new ConnectPacket { Will = new() { Topic = "a", QualityOfService = (QualityOfService)3 } }, Mqtt5),
        ["CONNECT with a will of 65,536 bytes"] = (new ConnectPacket { Will = new() { Topic = "a", Payload = TooLong.Bytes } }, Mqtt5),
        ["CONNECT with Receive Maximum 0"] = (new ConnectPacket { ReceiveMaximum = 0 }, Mqtt5),
        ["CONNECT with authentication data and no method"] = (new ConnectPacket { AuthenticationData = new byte[1] }, Mqtt5),
        ["CONNECT of a bridge in 5.0"] = (new ConnectPacket { IsBridge = true }, Mqtt5),
        ["CONNECT of version 6"] = (new ConnectPacket { Version = (MqttProtocolVersion)6 }, Mqtt5),
        ["CONNACK with a session and a refusal"] = (new ConnAckPacket { SessionPresent = true, ReasonCode = ReasonCode.NotAuthorized }, Mqtt311),
        ["CONNACK with a code of DISCONNECT"] = (new ConnAckPacket { ReasonCode = ReasonCode.SessionTakenOver }, Mqtt5),
        ["CONNACK with Maximum QoS 2"] = (new ConnAckPacket { MaximumQoS = 2 }, Mqtt5),
        ["DISCONNECT with a code of CONNACK"] = (new DisconnectPacket { ReasonCode = ReasonCode.Banned }, Mqtt5),
        ["AUTH before 5.0"] = (new AuthPacket { AuthenticationMethod = "M" }, Mqtt311),
        ["AUTH without a method"] = (new AuthPacket { ReasonCode = ReasonCode.ContinueAuthentication }, Mqtt5),
        ["AUTH with a code of DISCONNECT"] = (new AuthPacket { ReasonCode = ReasonCode.NotAuthorized, AuthenticationMethod = "M" }, Mqtt5),
    };

    public static TheoryData<string> UnsendableNames => [.. Unsendable.Keys];

    [Theory]
    [MemberData(nameof(UnsendableNames))]
    public void What_could_not_be_read_back_is_refused_and_nothing_is_written(string name)
    {
        var (packet, version) = Unsendable[name];
        var output = new ArrayBufferWriter<byte>();
        var span = new byte[200_000];

        ((Action)(() => MqttPacketWriter.Write(output, packet, version))).Should().Throw<ArgumentException>();
        ((Action)(() => MqttPacketWriter.Write(span, packet, version))).Should().Throw<ArgumentException>();

        output.WrittenCount.Should().Be(0);
        span.Should().OnlyContain(value => value == 0);
    }

    [Theory]
    [InlineData(ReasonCode.Success, 0)]
    [InlineData(ReasonCode.UnsupportedProtocolVersion, 1)]
    [InlineData(ReasonCode.ClientIdentifierNotValid, 2)]
    [InlineData(ReasonCode.ServerUnavailable, 3)]
    [InlineData(ReasonCode.ServerBusy, 3)]
    [InlineData(ReasonCode.UseAnotherServer, 3)]
    [InlineData(ReasonCode.ServerMoved, 3)]
    [InlineData(ReasonCode.QuotaExceeded, 3)]
    [InlineData(ReasonCode.ConnectionRateExceeded, 3)]
    [InlineData(ReasonCode.UnspecifiedError, 3)]
    [InlineData(ReasonCode.BadUserNameOrPassword, 4)]
    [InlineData(ReasonCode.NotAuthorized, 5)]
    [InlineData(ReasonCode.Banned, 5)]
    [InlineData(ReasonCode.BadAuthenticationMethod, 5)]
    public void CONNACK_says_in_3x_what_comes_nearest(ReasonCode reasonCode, byte returnCode)
    {
        foreach (var version in new[] { Mqtt31, Mqtt311 })
            Write(new ConnAckPacket { ReasonCode = reasonCode, ReasonString = "why" }, version).Should().Equal(0x20, 0x02, 0x00, returnCode);
    }

    [Fact]
    public void CONNACK_says_that_there_is_a_session_since_3_1_1()
    {
        Write(new ConnAckPacket { SessionPresent = true }, Mqtt31).Should().Equal(0x20, 0x02, 0x00, 0x00);
        Write(new ConnAckPacket { SessionPresent = true }, Mqtt311).Should().Equal(0x20, 0x02, 0x01, 0x00);
        Write(new ConnAckPacket { SessionPresent = true }, Mqtt5).Should().Equal(0x20, 0x03, 0x01, 0x00, 0x00);
    }

    [Fact]
    [Spec(SpecVersion.V311, "3.9.3-2")]
    public void SUBACK_says_0x80_for_every_refusal_in_3_1_1_and_grants_QoS_0_in_3_1()
    {
        var packet = new SubAckPacket { PacketId = 1, ReasonCodes = [ReasonCode.GrantedQoS2, ReasonCode.NotAuthorized, ReasonCode.UnspecifiedError, ReasonCode.QuotaExceeded] };
        Write(packet, Mqtt311).Should().Equal(Wire.Bytes("90 { 0001 02 80 80 80 }"));
        Write(packet, Mqtt31).Should().Equal(Wire.Bytes("90 { 0001 02 00 00 00 }"));
        Write(packet, Mqtt5).Should().Equal(Wire.Bytes("90 { 0001 {} 02 87 80 97 }"));
    }

    [Fact]
    public void What_only_5_0_has_is_left_out_before()
    {
        var publish = new PublishPacket { Topic = "a", Payload = "x"u8.ToArray(), ContentType = "text", TopicAlias = 3, UserProperties = [("k", "v")] };
        Write(publish, Mqtt311).Should().Equal(Wire.Bytes("30 { s'a' 'x' }"));

        var subscribe = new SubscribePacket { PacketId = 1, SubscriptionIdentifier = 4, Subscriptions = [new("a", QualityOfService.AtLeastOnce) { NoLocal = true, RetainAsPublished = true, RetainHandling = RetainHandling.DoNotSend }] };
        Write(subscribe, Mqtt311).Should().Equal(Wire.Bytes("82 { 0001 s'a' 01 }"));

        var connect = new ConnectPacket { Version = Mqtt31, ClientId = "c", ReceiveMaximum = 5, Will = new() { Topic = "t", DelayInterval = 9 } };
        Write(connect, Mqtt31).Should().Equal(Wire.Bytes("10 { s'MQIsdp' 03 06 003C s'c' s't' [] }"));

        Write(new PubAckPacket { PacketId = 1, ReasonCode = ReasonCode.QuotaExceeded, ReasonString = "full" }, Mqtt311).Should().Equal(Wire.Bytes("40 02 0001"));
        Write(new UnsubAckPacket { PacketId = 1, ReasonCodes = [ReasonCode.NoSubscriptionExisted] }, Mqtt311).Should().Equal(Wire.Bytes("B0 02 0001"));
        Write(new DisconnectPacket { ReasonCode = ReasonCode.DisconnectWithWillMessage, SessionExpiryInterval = 5 }, Mqtt311).Should().Equal(0xE0, 0x00);
    }

    [Fact]
    public void CONNECT_is_written_in_the_version_that_it_names()
    {
        var connect = new ConnectPacket { Version = Mqtt311, ClientId = "c" };
        Write(connect, Mqtt5).Should().Equal(Wire.Bytes("10 { s'MQTT' 04 02 003C s'c' }"));
    }

    [Fact]
    public void Properties_are_written_in_the_order_in_which_they_were_set()
    {
        var packet = new PublishPacket { Topic = "a", MessageExpiryInterval = 1, ContentType = "t" };
        packet.AddSubscriptionIdentifier(200);
        packet.AddSubscriptionIdentifier(1);
        packet.MessageExpiryInterval = 2;
        packet.ContentType = null;
        packet.UserProperties = [("k", "1"), ("k", "2")];

        Write(packet, Mqtt5).Should().Equal(Wire.Bytes("30 { s'a' { 0B C801 0B 01 02 00000002 26 s'k' s'1' 26 s'k' s'2' } }"));
        packet.SubscriptionIdentifiers.Should().Equal(200u, 1u);
    }

    [Fact]
    public void An_absent_property_is_null_and_an_empty_one_is_not()
    {
        new ConnAckPacket().ReasonString.Should().BeNull();
        new ConnAckPacket().AssignedClientIdentifier.Should().BeNull();
        new ConnAckPacket().AuthenticationData.Should().BeNull();
        new ConnAckPacket().SharedSubscriptionAvailable.Should().BeNull();
        new ConnAckPacket { ReasonString = "" }.ReasonString.Should().Be(MqttString.FromString(""));
        new ConnAckPacket { SharedSubscriptionAvailable = false }.SharedSubscriptionAvailable.Should().BeFalse();
        new PublishPacket { Topic = "a" }.ResponseTopic.Should().BeNull();
        new PublishPacket { UserProperties = [("a", "1"), ("b", "2"), ("a", "3")] }.UserProperties["a"].Should().Be(MqttString.FromString("1"));
        new PublishPacket().UserProperties["a"].Should().BeNull();
    }

    [Fact]
    public void The_largest_packet_is_measured_and_a_larger_one_refused()
    {
        var payload = new byte[268_435_455 - 2];
        MqttPacketWriter.Measure(new PublishPacket { Topic = "a", Payload = payload.AsMemory(1) }, Mqtt311).Should().Be(268_435_460);
        ((Action)(() => MqttPacketWriter.Measure(new PublishPacket { Topic = "a", Payload = payload }, Mqtt311))).Should().Throw<ArgumentException>();
        ((Action)(() => MqttPacketWriter.Measure(new PublishPacket { Topic = "a", Payload = payload.AsMemory(1) }, Mqtt5))).Should().Throw<ArgumentException>("5.0 has a property length");
    }

    [Fact]
    public void A_span_that_is_too_short_is_refused()
    {
        var span = new byte[4];
        ((Action)(() => MqttPacketWriter.Write(span, new PublishPacket { Topic = "a" }, Mqtt311))).Should().Throw<ArgumentException>();
        span.Should().OnlyContain(value => value == 0);
    }

    [Fact]
    public void Only_versions_that_exist_are_written()
    {
        ((Action)(() => Write(new PingReqPacket(), (MqttProtocolVersion)6))).Should().Throw<ArgumentOutOfRangeException>();
        ((Action)(() => Write(new PingReqPacket(), 0))).Should().Throw<ArgumentOutOfRangeException>();
    }

    private static byte[] Write(MqttPacket packet, MqttProtocolVersion version)
    {
        var output = new ArrayBufferWriter<byte>();
        MqttPacketWriter.Write(output, packet, version);
        output.WrittenCount.Should().Be(MqttPacketWriter.Measure(packet, version));
        return output.WrittenSpan.ToArray();
    }
}
