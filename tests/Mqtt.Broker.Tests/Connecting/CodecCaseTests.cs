using Mqtt.Protocol.Tests.Codec;

namespace Mqtt.Broker.Tests;

/// <summary>
/// The table of codec cases once more, each against a running broker: what a client must not send closes its connection with the code of the case
/// (5.0) or without a word (3.x) and harms nobody else; what it may send is answered.
/// </summary>
public sealed class CodecCaseTests() : BrokerTests(StoreKind.None)
{
    public static IEnumerable<TheoryDataRow<string>> Refused => CodecTable.Rows(row => row.Refusal is not null && IsOfClient(row));

    public static IEnumerable<TheoryDataRow<string>> Accepted => CodecTable.Rows(row => row.Packet is not null && IsOfClient(row) && Read(row) is not null);

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_a_client_must_not_send_closes_its_connection_with_the_code_of_the_standard_and_harms_nobody_else(string name)
    {
        var row = CodecTable.All[name];
        var bystander = Bystander();
        var client = Begin(row);

        client.SendBytes(row.Bytes);

        if (!IsConnect(row))
            client.ExpectGoodbye(row.Refusal!.Value);
        else
            ExpectRefusal(client, row);
        bystander.ExpectNothing();
        ExpectAlive(bystander);
    }

    [Theory]
    [MemberData(nameof(Accepted))]
    public void What_a_client_may_send_is_answered(string name)
    {
        var row = CodecTable.All[name];
        var bystander = Bystander();
        var client = Begin(row);

        client.SendBytes(row.Bytes);

        ExpectAnswer(client, Read(row)!);
        client.Cut();
        ExpectAlive(bystander);
    }

    [Theory, Versions]
    [Spec(V311, "3.1.3-1")]
    [Spec(V5, "3.1.3-1")]
    public void Each_field_of_CONNECT_is_taken_for_what_its_place_says(MqttProtocolVersion version)
    {
        var watcher = Connect("watcher");
        watcher.Subscribe("#");
        var client = Open(version);
        client.SendBytes(CodecTable.All[$"CONNECT with everything, in its order ({Number(version)}, Client)"].Bytes);
        client.Expect<ConnAckPacket>();

        var known = Broker.Clients.Find("c")!;

        known.UserName.Should().Be("u");
        known.Connection.KeepAlive.Should().Be(TimeSpan.FromSeconds(60));
        client.Cut();
        watcher.Receive("t", "gone");
    }

    private static bool IsOfClient(CodecCase row) => (row.Sender & MqttSender.Client) != 0 && !row.NeedsSettings;

    // The packet as the broker reads it; null for what tools read and only servers send.
    private static MqttPacket? Read(CodecCase row)
    {
        try
        {
            return new MqttPacketReader(row.Version, MqttSender.Client).TryRead(row.Bytes, out var packet, out _) ? packet : null;
        }
        catch (MqttProtocolException)
        {
            return null;
        }
    }

    private static string Number(MqttProtocolVersion version) => Mqtt.Protocol.Tests.Codec.Cases.Common.Number(version);

    private static bool IsConnect(CodecCase row) => row.Bytes[0] >> 4 == (int)MqttPacketType.Connect;

    private TestClient Begin(CodecCase row) => IsConnect(row) ? Open(AnswerVersion(row)) : Connect("client", row.Version);

    private TestClient Bystander()
    {
        var bystander = Connect("bystander");
        bystander.Subscribe("bystander/#");
        return bystander;
    }

    private static void ExpectAlive(TestClient client)
    {
        client.Send(new PingReqPacket());
        client.Expect<PingRespPacket>();
    }

    // CONNECT says itself how it is written, and so how the answer is.
    private static MqttProtocolVersion AnswerVersion(CodecCase row) =>
        row.Bytes.AsSpan().IndexOf("MQTT\u0005"u8) > 0 ? MqttProtocolVersion.V500 : MqttProtocolVersion.V311;

    // There is an answer to whose level is 5.0, as far as it could be read, or unknown.
    private static void ExpectRefusal(TestClient client, CodecCase row)
    {
        if (row.Refusal == ReasonCode.UnsupportedProtocolVersion || (client.IsV5 && row.Bytes[0] == 0x10))
            client.Expect<ConnAckPacket>().ReasonCode.Should().Be(row.Refusal!.Value);
        client.ExpectEnd();
    }

    private static void ExpectAnswer(TestClient client, MqttPacket packet)
    {
        switch (packet)
        {
            case ConnectPacket { MaximumPacketSize: 1 }:
                client.ExpectEnd();
                break;
            case ConnectPacket connect:
                client.Expect<ConnAckPacket>().ReasonCode.Should().Be(AnswerTo(connect));
                break;
            case PublishPacket { TopicAlias: > 16 }:
                client.ExpectGoodbye(ReasonCode.TopicAliasInvalid);
                break;
            case PublishPacket { Topic.IsEmpty: true } or AuthPacket:
                client.ExpectGoodbye(ReasonCode.ProtocolError);
                break;
            case PublishPacket { QualityOfService: QoS1, PacketId: var id }:
                client.Expect<PubAckPacket>().PacketId.Should().Be(id);
                break;
            case PublishPacket { QualityOfService: QoS2, PacketId: var id }:
                client.Expect<PubRecPacket>().PacketId.Should().Be(id);
                break;
            case PubRecPacket { ReasonCode: < ReasonCode.UnspecifiedError, PacketId: var id }:
                client.Expect<PubRelPacket>().PacketId.Should().Be(id);
                break;
            case PubRelPacket release:
                client.Expect<PubCompPacket>().PacketId.Should().Be(release.PacketId);
                break;
            case SubscribePacket subscribe:
                client.Expect<SubAckPacket>().ReasonCodes.Should().HaveCount(subscribe.Subscriptions.Count);
                break;
            case UnsubscribePacket unsubscribe:
                client.Expect<UnsubAckPacket>().PacketId.Should().Be(unsubscribe.PacketId);
                break;
            case DisconnectPacket { SessionExpiryInterval: > 0 }:
                client.ExpectGoodbye(ReasonCode.ProtocolError);
                break;
            case DisconnectPacket:
                client.ExpectEnd();
                break;
            case PingReqPacket:
                client.Expect<PingRespPacket>();
                break;
            default:
                client.ExpectNothing();
                break;
        }
    }

    // An empty identifier is assigned but to whom cannot be told or wants its session kept, and no authentication method is known.
    private static ReasonCode AnswerTo(ConnectPacket connect)
    {
        if (connect.AuthenticationMethod is not null)
            return ReasonCode.BadAuthenticationMethod;
        var isAssigned = connect.Version == MqttProtocolVersion.V500 || (connect.Version == MqttProtocolVersion.V311 && connect.CleanStart);
        return !connect.ClientId.IsEmpty || isAssigned ? ReasonCode.Success : ReasonCode.ClientIdentifierNotValid;
    }
}
