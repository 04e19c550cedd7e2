using System.Buffers;

namespace Mqtt.Protocol.Tests.Codec;

public class PacketReaderTests
{
    [Fact]
    public void Nothing_is_no_packet()
    {
        var reader = new MqttPacketReader();
        reader.TryRead(ReadOnlyMemory<byte>.Empty, out var packet, out var consumed).Should().BeFalse();
        packet.Should().BeNull();
        consumed.Should().Be(0);
        var empty = ReadOnlySequence<byte>.Empty;
        reader.TryRead(ref empty, out _).Should().BeFalse();
    }

    [Fact]
    public void Packets_are_read_one_after_the_other_from_the_same_bytes()
    {
        var bytes = new ReadOnlyMemory<byte>(Wire.Bytes("C0 00 30 { s'a' {} 'x' } 40 02 0007 E0 00 30"));
        var reader = new MqttPacketReader();
        var packets = new List<string>();
        while (reader.TryRead(bytes, out var packet, out var consumed))
        {
            packets.Add(PacketText.Of(packet));
            bytes = bytes[consumed..];
        }

        packets.Should().Equal("PINGREQ", "PUBLISH q0 'a' 'x'", "PUBACK 7 00", "DISCONNECT 00");
        bytes.Length.Should().Be(1);
    }

    [Fact]
    public void A_tool_reads_packets_that_it_can_keep()
    {
        var bytes = new ReadOnlySequence<byte>(Wire.Bytes("30 { s'a' 'x' } 30 { s'b' 'y' } 30"));
        var packets = new List<MqttPacket>();
        while (MqttPacketReader.TryRead(ref bytes, MqttProtocolVersion.V311, out var packet))
            packets.Add(packet);

        packets.Select(PacketText.Of).Should().Equal("PUBLISH q0 'a' 'x'", "PUBLISH q0 'b' 'y'");
        bytes.Length.Should().Be(1);
    }

    [Fact]
    public void A_tool_says_who_sends()
    {
        var bytes = new ReadOnlySequence<byte>(Wire.Bytes("C0 00"));
        var reading = () => MqttPacketReader.TryRead(ref bytes, MqttProtocolVersion.V311, out _, MqttSender.Server);
        reading.Should().Throw<MqttProtocolException>().Which.ReasonCode.Should().Be(ReasonCode.ProtocolError);
    }

    [Fact]
    public void What_is_read_from_one_piece_is_a_slice_of_it()
    {
        var bytes = Wire.Bytes("32 { s'topic' 0001 {} 'payload' }");
        var reader = new MqttPacketReader();
        reader.TryRead(bytes, out var packet, out _);
        var publish = (PublishPacket)packet!;

        bytes.AsSpan().Replace((byte)'p', (byte)'P');

        publish.Topic.ToString().Should().Be("toPic");
        publish.Payload.ToArray().Should().Equal("Payload"u8.ToArray());
        publish.Frame.ToArray().Should().Equal(bytes);
    }

    [Fact]
    public void What_is_read_from_several_pieces_is_a_copy()
    {
        var bytes = Wire.Bytes("30 { s'topic' {} 'payload' }");
        var pieces = Segment.Sequence(bytes[..6], bytes[6..]);
        new MqttPacketReader().TryRead(ref pieces, out var packet);

        ((PublishPacket)packet!).Topic.ToString().Should().Be("topic");
        pieces.IsEmpty.Should().BeTrue();
    }

    [Theory]
    [InlineData("30 { s'a' {} }")]
    [InlineData("40 02 0001")]
    [InlineData("50 02 0001")]
    [InlineData("62 02 0001")]
    [InlineData("70 02 0001")]
    [InlineData("C0 00")]
    [InlineData("D0 00")]
    public void Frequent_packets_are_used_again_until_they_are_left_to_the_caller(string wire)
    {
        var bytes = Wire.Bytes(wire);
        var reader = new MqttPacketReader();
        reader.TryRead(bytes, out var first, out _);
        reader.TryRead(bytes, out var second, out _);
        reader.Detach();
        reader.TryRead(bytes, out var third, out _);

        second.Should().BeSameAs(first);
        third.Should().NotBeSameAs(first);
    }

    [Fact]
    public void A_packet_left_to_the_caller_keeps_its_contents_even_if_it_came_in_pieces()
    {
        var reader = new MqttPacketReader();
        MqttPacket Read(string wire)
        {
            var bytes = Wire.Bytes(wire);
            var pieces = Segment.Sequence(bytes[..5], bytes[5..]);
            reader.TryRead(ref pieces, out var packet).Should().BeTrue();
            return packet!;
        }

        var kept = Read("30 { s'first' {} 'one' }");
        reader.Detach();
        var next = Read("30 { s'other' {} 'two' }");

        PacketText.Of(kept).Should().Be("PUBLISH q0 'first' 'one'");
        PacketText.Of(next).Should().Be("PUBLISH q0 'other' 'two'");
    }

    [Fact]
    public void Nothing_of_the_packet_before_stays_in_a_packet_that_is_used_again()
    {
        var reader = new MqttPacketReader();
        reader.TryRead(Wire.Bytes("3D { s'a' 0007 { 23 0001 26 s'k' s'v' } 'payload' }"), out _, out _);
        reader.TryRead(Wire.Bytes("30 { s'b' {} }"), out var publish, out _);
        PacketText.Of(publish!).Should().Be("PUBLISH q0 'b' ''");

        reader.TryRead(Wire.Bytes("40 { 0007 97 { 1F s'full' } }"), out _, out _);
        reader.TryRead(Wire.Bytes("40 02 0008"), out var pubAck, out _);
        PacketText.Of(pubAck!).Should().Be("PUBACK 8 00");
    }

    [Theory]
    [InlineData("10 { s'MQIsdp' 03 02 003C s'c' }", MqttProtocolVersion.V310)]
    [InlineData("10 { s'MQTT' 04 02 003C s'c' }", MqttProtocolVersion.V311)]
    [InlineData("10 { s'MQTT' 05 02 003C {} s'c' }", MqttProtocolVersion.V500)]
    [InlineData("10 { s'MQTT' 84 02 003C s'c' }", MqttProtocolVersion.V311)]
    public void A_CONNECT_sets_the_version_of_all_that_follows(string connect, MqttProtocolVersion version)
    {
        foreach (var before in Enum.GetValues<MqttProtocolVersion>())
        {
            var reader = new MqttPacketReader(before, MqttSender.Client);
            reader.TryRead(Wire.Bytes(connect), out _, out _).Should().BeTrue();
            reader.Version.Should().Be(version);
            reader.TryRead(Wire.Bytes("82 { 0001 " + (version == MqttProtocolVersion.V500 ? "{}" : "") + " s'a' 01 }"), out var subscribe, out _);
            PacketText.Of(subscribe!).Should().Be("SUBSCRIBE 1 'a' q1");
        }
    }

    [Theory]
    [InlineData("10 { s'MQIsdp' 03 03 003C s'c' }", MqttProtocolVersion.V310)]
    [InlineData("10 { s'MQTT' 04 03 003C s'c' }", MqttProtocolVersion.V311)]
    [InlineData("10 { s'MQTT' 05 03 003C {} s'c' }", MqttProtocolVersion.V500)]
    public void Even_a_malformed_CONNECT_sets_the_version_in_which_it_can_be_answered(string connect, MqttProtocolVersion version)
    {
        foreach (var before in Enum.GetValues<MqttProtocolVersion>())
        {
            var reader = new MqttPacketReader(before, MqttSender.Client);
            reader.Invoking(it => it.TryRead(Wire.Bytes(connect), out _, out _)).Should().Throw<MqttProtocolException>();
            reader.Version.Should().Be(version);
        }
    }

    [Theory]
    [InlineData("10 { s'MQTT' 06 02 003C s'c' }")]
    [InlineData("10 { s'HTTP' 05 02 003C {} s'c' }")]
    public void A_CONNECT_of_an_unknown_version_leaves_the_version_as_it_was(string connect)
    {
        var reader = new MqttPacketReader(MqttProtocolVersion.V310, MqttSender.Client);
        reader.Invoking(it => it.TryRead(Wire.Bytes(connect), out _, out _)).Should().Throw<MqttProtocolException>();
        reader.Version.Should().Be(MqttProtocolVersion.V310);
    }

    [Fact]
    public void A_client_sends_CONNECT_once_and_a_second_one_leaves_the_version_as_it_was()
    {
        var reader = new MqttPacketReader(sender: MqttSender.Client);
        reader.TryRead(Wire.Bytes("10 { s'MQTT' 04 02 003C s'c' }"), out _, out _).Should().BeTrue();

        var again = () => reader.TryRead(Wire.Bytes("10 { s'MQTT' 05 02 003C {} s'c' }"), out _, out _);

        again.Should().Throw<MqttProtocolException>().Which.ReasonCode.Should().Be(ReasonCode.ProtocolError);
        reader.Version.Should().Be(MqttProtocolVersion.V311);
    }

    [Fact]
    public void A_tool_may_read_the_CONNECTs_of_several_connections()
    {
        var reader = new MqttPacketReader();
        for (var i = 0; i < 2; i++)
            reader.TryRead(Wire.Bytes("10 { s'MQTT' 04 02 003C s'c' }"), out _, out _).Should().BeTrue();
    }

    [Fact]
    public void A_reader_is_for_versions_and_senders_that_exist()
    {
        var creatingForNobody = () => new MqttPacketReader(MqttProtocolVersion.V500, 0);
        var creatingForOthers = () => new MqttPacketReader(MqttProtocolVersion.V500, (MqttSender)4);
        var creatingForVersion2 = () => new MqttPacketReader((MqttProtocolVersion)2);
        var changingToVersion6 = () => new MqttPacketReader().Version = (MqttProtocolVersion)6;
        creatingForNobody.Should().Throw<ArgumentOutOfRangeException>();
        creatingForOthers.Should().Throw<ArgumentOutOfRangeException>();
        creatingForVersion2.Should().Throw<ArgumentOutOfRangeException>();
        changingToVersion6.Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void A_reader_has_no_limits_of_its_own()
    {
        var reader = new MqttPacketReader();
        reader.MaximumPacketSizeBytes.Should().Be(268_435_460);
        reader.MaximumConnectSizeBytes.Should().Be(268_435_460);
        reader.AllowDisallowedCodePoints.Should().BeFalse();
        reader.Version.Should().Be(MqttProtocolVersion.V500);
        reader.Sender.Should().Be(MqttSender.Either);
    }

    [Theory]
    [InlineData(2_097_151)]
    [InlineData(2_097_152)]
    public void Remaining_lengths_of_three_and_four_bytes_are_read_and_written(int remainingLength)
    {
        var payload = new byte[remainingLength - 4];
        payload.AsSpan().Fill(0x5A);
        var output = new ArrayBufferWriter<byte>();
        MqttPacketWriter.Write(output, new PublishPacket { Topic = "a", Payload = payload }, MqttProtocolVersion.V500);

        output.WrittenCount.Should().Be(1 + (remainingLength < 2_097_152 ? 3 : 4) + remainingLength);
        new MqttPacketReader().TryRead(output.WrittenMemory, out var packet, out var consumed).Should().BeTrue();
        consumed.Should().Be(output.WrittenCount);
        ((PublishPacket)packet!).Payload.Span.SequenceEqual(payload).Should().BeTrue();
        new MqttPacketReader().TryRead(output.WrittenMemory[..^1], out _, out _).Should().BeFalse();
    }
}
