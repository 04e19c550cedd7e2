namespace Mqtt.Broker.Tests;

public abstract class ConnectTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : ConnectTests(StoreKind.None);

    public sealed class WithMemoryStore() : ConnectTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : ConnectTests(StoreKind.SlowCommit);

    [Theory, Versions]
    [Spec(V311, "3.1.4-4")]
    [Spec(V311, "3.2.0-1")]
    [Spec(V311, "3.2.2-3")]
    [Spec(V5, "3.1.4-5")]
    [Spec(V5, "3.2.0-1")]
    [Spec(V5, "3.2.0-2")]
    public void A_client_is_answered_by_one_CONNACK_and_nothing_else(MqttProtocolVersion version)
    {
        var client = Connect("client", version);

        client.Answer.SessionPresent.Should().BeFalse();
        client.ExpectNothing();
    }

    [Theory, Versions(Only3 = true)]
    public void A_3_client_gets_the_CONNACK_of_four_bytes(MqttProtocolVersion version) =>
        Connect("client", version).Answer.Frame.ToArray().Should().Equal(0x20, 2, 0, 0);

    [Fact]
    [Spec(V5, "3.2.2-1")]
    [Spec(V5, "3.2.2-22")]
    [Spec(V5, "4.12.0-6")]
    public void A_5_client_is_told_what_the_broker_allows()
    {
        var answer = Connect("client").Answer;

        answer.ReceiveMaximum.Should().Be(1024);
        answer.MaximumPacketSize.Should().Be(16 * 1024 * 1024);
        answer.TopicAliasMaximum.Should().Be(16);
        answer.SharedSubscriptionAvailable.Should().NotBe(false, "absent is true as well");
        answer.ServerKeepAlive.Should().BeNull("the client's own keep-alive holds");
        answer.SessionExpiryInterval.Should().BeNull("the client's own expiry holds");
        answer.AssignedClientIdentifier.Should().BeNull();
        answer.MaximumQoS.Should().BeNull();
        answer.AuthenticationMethod.Should().BeNull();
        answer.Frame.Span[2].Should().Be(0, "all flags but Session Present are reserved");
    }

    // --- Client identifiers

    [Fact]
    [Spec(V5, "3.1.3-6")]
    [Spec(V5, "3.1.3-7")]
    [Spec(V5, "3.2.2-16")]
    public void An_empty_client_identifier_of_5_is_replaced_by_a_unique_one_that_names_the_session()
    {
        var first = Resume("");
        var second = Resume("");

        var assigned = first.Answer.AssignedClientIdentifier!.Value.ToString();
        assigned.Should().NotBeEmpty();
        second.Answer.AssignedClientIdentifier!.Value.ToString().Should().NotBeEmpty().And.NotBe(assigned);
        first.Cut();
        Resume(assigned).Answer.SessionPresent.Should().BeTrue();
    }

    [Fact]
    [Spec(V311, "3.1.3-6")]
    public void Clients_of_3_1_1_with_an_empty_identifier_and_CleanSession_are_different_clients()
    {
        var first = Connect("", MqttProtocolVersion.V311);
        Connect("", MqttProtocolVersion.V311);

        first.ExpectNothing();
        Broker.SessionCount.Should().Be(2);
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311, false)]
    [InlineData(MqttProtocolVersion.V310, true)]
    [InlineData(MqttProtocolVersion.V310, false)]
    [Spec(V311, "3.1.3-8")]
    [Spec(V311, "3.1.3-9")]
    [Spec(V311, "3.2.2-4")]
    [Spec(V311, "3.2.2-5")]
    public void An_empty_client_identifier_of_3_without_CleanSession_or_of_3_1_is_rejected(MqttProtocolVersion version, bool cleanSession)
    {
        var client = Open(version);

        var answer = client.Connect(new ConnectPacket { Version = version, CleanStart = cleanSession });

        answer.Frame.ToArray().Should().Equal(0x20, 2, 0, 2);
        client.ExpectEnd();
        Broker.SessionCount.Should().Be(0);
    }

    [Theory, Versions]
    [Spec(V311, "3.1.3-5")]
    [Spec(V5, "3.1.3-5")]
    public void Client_identifiers_of_1_to_23_letters_and_digits_are_accepted_and_longer_and_stranger_ones_too(MqttProtocolVersion version)
    {
        foreach (var clientId in (string[])["a", "0123456789abcdefghijklm", "nopqrstuvwxyzABCDEFGHIJ", "KLMNOPQRSTUVWXYZ", new('x', 24), new('y', 5000), "../+/# ü\U0001F600"])
            Connect(clientId, version).ExpectNothing();

        Broker.SessionCount.Should().Be(7);
    }

    [Theory, Versions]
    [Spec(V311, "3.1.3-2")]
    [Spec(V5, "3.1.3-2")]
    public void Client_identifiers_that_differ_in_one_letter_name_different_sessions(MqttProtocolVersion version)
    {
        Resume("client", version).Cut();

        Resume("Client", version).Answer.SessionPresent.Should().BeFalse();
        Broker.SessionCount.Should().Be(2);
    }

    // --- What is refused

    [Theory, Versions]
    [Spec(V311, "3.1.0-2")]
    [Spec(V5, "3.1.0-2")]
    [Spec(V311, "4.8.0-1")]
    [Spec(V5, "4.13.1-1")]
    public void A_second_CONNECT_is_a_protocol_error_that_closes(MqttProtocolVersion version)
    {
        var client = Connect("client", version);

        client.Send(new ConnectPacket { Version = version, ClientId = "client" });

        client.ExpectGoodbye(ReasonCode.ProtocolError);
    }

    [Theory, Versions]
    [Spec(V311, "3.1.0-2")]
    [Spec(V5, "3.1.0-2")]
    public void A_second_CONNECT_is_refused_in_the_version_of_the_first_whatever_it_says(MqttProtocolVersion version)
    {
        foreach (var other in (byte[][])[
            [0x10, 15, 0, 6, .. "MQIsdp"u8, 3, 2, 0, 0, 0, 1, (byte)'a'],
            [0x10, 13, 0, 4, .. "MQTT"u8, 4, 2, 0, 0, 0, 1, (byte)'a'],
            [0x10, 14, 0, 4, .. "MQTT"u8, 5, 2, 0, 0, 0, 0, 1, (byte)'a'],
            [0x10, 13, 0, 4, .. "MQTT"u8, 9, 2, 0, 0, 0, 1, (byte)'a'],
            [0x10, 13, 0, 4, .. "HTTP"u8, 4, 2, 0, 0, 0, 1, (byte)'a'],
            [0x10, 0xFF, 0xFF, 0x7F]])
        {
            var client = Connect("client", version);

            client.SendBytes(other);

            client.ExpectGoodbye(ReasonCode.ProtocolError);
            client.Cut();
        }
    }

    [Theory, Versions]
    [Spec(V311, "3.1.0-1")]
    [Spec(V5, "3.1.0-1")]
    [Spec(V5, "3.14.0-1")]
    public void Whoever_begins_with_another_packet_than_CONNECT_is_closed_without_a_word(MqttProtocolVersion version)
    {
        foreach (var packet in (MqttPacket[])[
            new PingReqPacket(),
            new PublishPacket { Topic = "t", Retain = true, Payload = new byte[] { 1 } },
            new SubscribePacket { PacketId = 1, Subscriptions = [new("t")] },
            new DisconnectPacket()])
        {
            var client = Open(version);
            client.Send(packet);
            client.ExpectEnd();
        }

        Broker.RetainedCount.Should().Be(0);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(6)]
    [InlineData(127)]
    [Spec(V311, "3.1.2-2")]
    [Spec(V311, "3.2.2-5")]
    [Spec(V5, "3.1.2-2")]
    public void An_unsupported_protocol_level_is_answered_in_the_form_of_3_and_closed(byte level)
    {
        var client = Open(MqttProtocolVersion.V311);

        client.SendBytes([0x10, 13, 0, 4, .. "MQTT"u8, level, 2, 0, 0, 0, 1, (byte)'a']);

        client.Expect<ConnAckPacket>().Frame.ToArray().Should().Equal(0x20, 2, 0, 1);
        client.ExpectEnd();
    }

    [Fact]
    [Spec(V311, "3.1.2-1")]
    [Spec(V5, "3.1.2-1")]
    public void A_wrong_protocol_name_is_closed_without_a_word()
    {
        var client = Open();

        client.SendBytes([0x10, 14, 0, 4, .. "MQTX"u8, 5, 2, 0, 0, 0, 0, 1, (byte)'a']);

        client.ExpectEnd();
    }

    [Theory]
    [InlineData("reserved flag", new byte[] { 0x10, 14, 0, 4, 77, 81, 84, 84, 5, 3, 0, 0, 0, 0, 1, 97 }, ReasonCode.MalformedPacket)]
    [InlineData("will QoS 3", new byte[] { 0x10, 21, 0, 4, 77, 81, 84, 84, 5, 0x1E, 0, 0, 0, 0, 1, 97, 0, 0, 1, 97, 0, 1, 97 }, ReasonCode.MalformedPacket)]
    [InlineData("session expiry twice", new byte[] { 0x10, 24, 0, 4, 77, 81, 84, 84, 5, 2, 0, 0, 10, 17, 0, 0, 0, 1, 17, 0, 0, 0, 1, 0, 1, 97 }, ReasonCode.ProtocolError)]
    [InlineData("Receive Maximum 0", new byte[] { 0x10, 17, 0, 4, 77, 81, 84, 84, 5, 2, 0, 0, 3, 33, 0, 0, 0, 1, 97 }, ReasonCode.ProtocolError)]
    [Spec(V5, "3.1.2-3")]
    [Spec(V5, "3.1.4-1")]
    [Spec(V5, "3.2.2-6")]
    [Spec(V5, "3.2.2-7")]
    [Spec(V5, "3.2.2-8")]
    [Spec(V5, "4.13.1-1")]
    [Spec(V5, "4.13.2-1")]
    public void A_CONNECT_of_5_that_breaks_the_rules_is_answered_by_CONNACK_with_the_code_and_closed(string what, byte[] bytes, ReasonCode code)
    {
        var client = Open();

        client.SendBytes(bytes);

        var answer = client.Expect<ConnAckPacket>();
        answer.ReasonCode.Should().Be(code, what);
        answer.SessionPresent.Should().BeFalse();
        client.ExpectEnd();
        Broker.SessionCount.Should().Be(0);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    [Spec(V311, "3.1.2-3")]
    [Spec(V311, "3.1.4-1")]
    [Spec(V311, "3.2.2-6")]
    public void A_malformed_CONNECT_of_3_is_closed_without_CONNACK(byte level)
    {
        var client = Open(MqttProtocolVersion.V311);
        byte[] name = level == 3 ? [0, 6, .. "MQIsdp"u8] : [0, 4, .. "MQTT"u8];

        client.SendBytes([0x10, (byte)(name.Length + 7), .. name, level, 3, 0, 0, 0, 1, (byte)'a']);

        client.ExpectEnd();
    }

    [Fact]
    [Spec(V5, "4.12.0-1")]
    [Spec(V5, "3.1.4-2")]
    public void An_authentication_method_that_is_not_supported_is_refused()
    {
        var client = Open();

        client.Connect(new ConnectPacket { ClientId = "client", AuthenticationMethod = "SCRAM-SHA-1" }).ReasonCode.Should().Be(ReasonCode.BadAuthenticationMethod);

        client.ExpectEnd();
        Broker.SessionCount.Should().Be(0);
    }

    [Fact]
    [Spec(V5, "4.12.0-7")]
    public void AUTH_without_an_authentication_method_is_a_protocol_error()
    {
        var client = Connect("client");

        client.Send(new AuthPacket { ReasonCode = ReasonCode.ReAuthenticate, AuthenticationMethod = "SCRAM-SHA-1" });

        client.ExpectGoodbye(ReasonCode.ProtocolError);
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    [Spec(V311, "3.1.4-5")]
    [Spec(V5, "3.1.4-6")]
    public void What_comes_behind_a_refused_CONNECT_is_not_processed(MqttProtocolVersion version)
    {
        var client = Open(version);
        client.Send(version == MqttProtocolVersion.V500
            ? new ConnectPacket { ClientId = "client", AuthenticationMethod = "none" }
            : new ConnectPacket { Version = version, CleanStart = false });
        client.Send(new PublishPacket { Topic = "t", Payload = new byte[] { 1 }, Retain = true });

        client.Expect<ConnAckPacket>().ReasonCode.Should().NotBe(ReasonCode.Success);

        client.ExpectEnd();
        Broker.RetainedCount.Should().Be(0);
    }

    [Theory, Versions]
    public void What_comes_right_behind_CONNECT_is_processed_after_it(MqttProtocolVersion version)
    {
        var client = Open(version);
        client.Send(new ConnectPacket { Version = version, ClientId = "client" });
        client.Send(new SubscribePacket { PacketId = 7, Subscriptions = [new("t")] });
        client.Send(new PublishPacket { Topic = "t", Payload = "own"u8.ToArray() });

        client.Expect<ConnAckPacket>().ReasonCode.Should().Be(ReasonCode.Success);
        client.Expect<SubAckPacket>().PacketId.Should().Be(7);
        client.Receive("t", "own");
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    public void A_bridge_of_3_that_sets_the_highest_bit_of_the_level_is_accepted(byte level)
    {
        var client = Open(MqttProtocolVersion.V311);
        byte[] name = level == 3 ? [0, 6, .. "MQIsdp"u8] : [0, 4, .. "MQTT"u8];

        client.SendBytes([0x10, (byte)(name.Length + 7), .. name, (byte)(level | 0x80), 2, 0, 0, 0, 1, (byte)'a']);

        client.Expect<ConnAckPacket>().ReasonCode.Should().Be(ReasonCode.Success);
    }
}
