using Mqtt.Protocol;
using Mqtt.Protocol.Channels;

namespace Mqtt.Testing.Tests;

/// <summary>Two scripted peers talk to each other: the client's script and the server's are both known.</summary>
public sealed class ScriptedPeerTests : IAsyncDisposable
{
    private readonly TurnPump pump = new();
    private readonly ScriptedPeer client;
    private readonly ScriptedPeer server;

    public ScriptedPeerTests()
    {
        var (first, second) = MemoryChannel.CreatePair(pump);
        client = new ScriptedPeer(first, MqttSender.Client, pump: pump);
        server = new ScriptedPeer(second, MqttSender.Server, pump: pump);
    }

    public async ValueTask DisposeAsync()
    {
        await client.DisposeAsync();
        await server.DisposeAsync();
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V310)]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public void A_CONNECT_sets_the_version_of_both_ends(MqttProtocolVersion version)
    {
        client.Send(new ConnectPacket { Version = version, ClientId = "me" });
        server.Accept(new ConnAckPacket { SessionPresent = version == MqttProtocolVersion.V500 }).ClientId.ToString().Should().Be("me");
        client.Expect<ConnAckPacket>().ReasonCode.Should().Be(ReasonCode.Success);

        (client.Version, server.Version).Should().Be((version, version));
    }

    [Fact]
    public void Packets_that_it_returns_are_the_callers_to_keep()
    {
        server.Send(Publish(1));
        server.Send(Publish(2));

        var first = client.Expect<PublishPacket>();
        var second = client.Expect<PublishPacket>();

        (first.PacketId, second.PacketId).Should().Be(((ushort)1, (ushort)2));
    }

    [Fact]
    public void A_packet_larger_than_any_buffer_arrives_whole()
    {
        var payload = new byte[40_000];
        new Random(1).NextBytes(payload);
        server.Send(Publish(1, payload));
        server.Send(Publish(2));

        client.Expect<PublishPacket>().Payload.ToArray().Should().Equal(payload);
        client.Expect<PublishPacket>().PacketId.Should().Be(2);
    }

    [Fact]
    public void Another_packet_than_expected_fails_and_the_message_tells_the_conversation()
    {
        client.Send(new PingReqPacket());
        server.Expect<PingReqPacket>();
        server.Send(Publish(7));

        var failure = client.Invoking(peer => peer.Expect<PubAckPacket>()).Should().Throw<ScriptFailedException>().Which;

        failure.Message.Should().StartWith("Expected PUBACK, but PUBLISH 'a/b' QoS 1 id 7, 0 bytes came.").And.Contain("-> PINGREQ");
    }

    [Fact]
    public void Nothing_where_a_packet_is_expected_fails_without_waiting() =>
        client.Invoking(peer => peer.Expect<PubAckPacket>()).Should().Throw<ScriptFailedException>()
            .WithMessage("Expected PUBACK, but nothing came, and all is quiet.*");

    [Fact]
    public void A_packet_where_nothing_is_expected_fails()
    {
        client.ExpectNothing();
        server.Send(Publish(1));

        client.Invoking(peer => peer.ExpectNothing()).Should().Throw<ScriptFailedException>().WithMessage("Expected nothing, but PUBLISH*");
    }

    [Fact]
    public void Half_a_packet_is_nothing_yet()
    {
        server.SendBytes(0xD0);
        client.ExpectNothing();

        server.SendBytes(0x00);
        client.Expect<PingRespPacket>();
    }

    [Fact]
    public void The_end_is_expected_and_told_from_a_break()
    {
        server.CompleteWriting();
        client.ExpectEnd();
        client.Failure.Should().BeNull();

        client.Abort();
        server.ExpectEnd();
        server.Failure.Should().NotBeNull();
    }

    [Fact]
    public void The_end_where_a_packet_or_nothing_is_expected_fails()
    {
        server.CompleteWriting();

        client.Invoking(peer => peer.Expect<PubAckPacket>()).Should().Throw<ScriptFailedException>().WithMessage("Expected PUBACK, but the end came.*");
        client.Invoking(peer => peer.ExpectNothing()).Should().Throw<ScriptFailedException>().WithMessage("Expected nothing, but the end came.*");
    }

    [Fact]
    public void A_packet_or_nothing_where_the_end_is_expected_fails()
    {
        client.Invoking(peer => peer.ExpectEnd()).Should().Throw<ScriptFailedException>().WithMessage("Expected the end, but nothing came*");

        server.Send(new PingRespPacket());
        client.Invoking(peer => peer.ExpectEnd()).Should().Throw<ScriptFailedException>().WithMessage("Expected the end, but PINGRESP came.*");
    }

    [Fact]
    public void An_end_inside_a_packet_fails()
    {
        server.SendBytes(0x30, 0x05, 0x00);
        server.CompleteWriting();

        client.Invoking(peer => peer.ExpectEnd()).Should().Throw<ScriptFailedException>().WithMessage("The connection ended inside a packet: 300500*");
    }

    [Fact]
    public void Bytes_that_are_no_packet_fail()
    {
        server.SendBytes(0x00, 0x00);

        client.Invoking(peer => peer.Expect<MqttPacket>()).Should().Throw<ScriptFailedException>().WithInnerException<MqttProtocolException>();
    }

    [Fact]
    public void A_packet_that_only_the_peer_itself_may_send_fails()
    {
        server.Send(new PingReqPacket());

        client.Invoking(peer => peer.Expect<MqttPacket>()).Should().Throw<ScriptFailedException>().WithInnerException<MqttProtocolException>();
    }

    [Fact]
    public void Sending_into_a_closed_connection_fails()
    {
        server.Abort();

        client.Invoking(peer => peer.Send(new PingReqPacket())).Should().Throw<ScriptFailedException>().WithInnerException<MqttConnectionException>();
    }

    [Fact]
    public void Sending_more_than_the_other_side_takes_fails_without_waiting()
    {
        var (first, _) = MemoryChannel.CreatePair(pump, capacityBytes: 10);
        var peer = new ScriptedPeer(first, pump: pump);

        peer.Invoking(it => it.SendBytes(new byte[11])).Should().Throw<ScriptFailedException>().WithMessage("The other side does not take*");
    }

    [Fact]
    public async Task The_asynchronous_members_never_wait_if_a_pump_drives()
    {
        await client.SendAsync(new ConnectPacket { ClientId = "me" });
        await server.AcceptAsync();
        (await client.ExpectAsync<ConnAckPacket>()).ReasonCode.Should().Be(ReasonCode.Success);

        await client.Invoking(async peer => await peer.ExpectAsync<PubAckPacket>()).Should().ThrowAsync<ScriptFailedException>().WithMessage("*all is quiet*");
    }

    [Fact]
    public async Task Without_a_pump_two_peers_talk_on_the_thread_pool()
    {
        var (first, second) = MemoryChannel.CreatePair();
        await using var one = new ScriptedPeer(first);
        await using var other = new ScriptedPeer(second, MqttSender.Server);

        var accepting = other.AcceptAsync();
        await one.ConnectAsync(new ConnectPacket { Version = MqttProtocolVersion.V311, ClientId = "me" });
        (await accepting).Version.Should().Be(MqttProtocolVersion.V311);

        var pinging = one.ExpectNothingBeforePingAsync();
        await other.ExpectAsync<PingReqPacket>();
        await other.SendAsync(new PingRespPacket());
        await pinging;

        other.CompleteWriting();
        await one.ExpectEndAsync();
    }

    [Fact]
    public async Task Without_a_pump_it_waits_no_longer_than_its_patience()
    {
        var (first, _) = MemoryChannel.CreatePair();
        await using var peer = new ScriptedPeer(first) { Patience = TimeSpan.FromMilliseconds(1) };

        await peer.Invoking(async it => await it.ExpectAsync<ConnAckPacket>()).Should().ThrowAsync<ScriptFailedException>()
            .WithMessage("Expected CONNACK, but nothing came. Waited 0 s.*");
        peer.Invoking(it => it.Expect<ConnAckPacket>()).Should().Throw<InvalidOperationException>();
    }

    private static PublishPacket Publish(ushort id, byte[]? payload = null) =>
        new() { Topic = "a/b", QualityOfService = QualityOfService.AtLeastOnce, PacketId = id, Payload = payload };
}
