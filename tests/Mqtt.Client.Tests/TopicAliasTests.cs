namespace Mqtt.Client.Tests;

/// <summary>The aliases that the client sets.</summary>
public class TopicAliasTests
{
    private const string Topic = "plant/7/temperature";

    private static readonly ConnAckPacket TwoAliases = new() { TopicAliasMaximum = 2 };

    [Theory, Spec(V5, "3.3.2-8")]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce)]
    [InlineData(QualityOfService.ExactlyOnce)]
    public async Task A_topic_gets_an_alias_at_its_second_use_and_is_left_out_from_the_third(QualityOfService qualityOfService)
    {
        await using var scene = await Scene.ConnectedAsync(answer: TwoAliases);
        var seen = new List<(string, ushort?)>();
        for (var i = 0; i < 4; i++)
        {
            _ = scene.Client.PublishAsync(Message(qualityOfService)).AsTask();
            var packet = await scene.Server.ExpectAsync<PublishPacket>();
            seen.Add((packet.Topic.ToString(), packet.TopicAlias));
            packet.QualityOfService.Should().Be(qualityOfService);
            packet.Payload.ToArray().Should().Equal("21.5"u8.ToArray());
            packet.ContentType.ToString().Should().Be("text");
            packet.UserProperties["a"].ToString().Should().Be("b");
        }

        seen.Should().Equal((Topic, null), (Topic, 1), ("", 1), ("", 1));
        scene.Server.Abort();
    }

    [Fact, Spec(V5, "3.3.2-9"), Spec(V5, "3.2.2-17")]
    public async Task No_more_aliases_are_set_than_the_server_takes()
    {
        await using var scene = await Scene.ConnectedAsync(answer: TwoAliases);
        foreach (var (topic, alias) in new (string Topic, ushort? Alias)[] { ("a", null), ("b", null), ("c", null), ("c", 1), ("b", 2), ("a", null), ("a", null) })
        {
            await scene.Client.PublishAsync(topic, "x");
            var packet = await scene.Server.ExpectAsync<PublishPacket>();
            (packet.Topic.ToString(), packet.TopicAlias).Should().Be((topic, alias));
        }
    }

    [Theory, Spec(V5, "3.2.2-18")]
    [InlineData(MqttProtocolVersion.V500, 0, 16)]
    [InlineData(MqttProtocolVersion.V500, 16, 0)]
    [InlineData(MqttProtocolVersion.V311, 0, 16)]
    public async Task None_is_set_if_either_side_wants_none(MqttProtocolVersion version, ushort theirs, int ours)
    {
        await using var scene = await Scene.ConnectedAsync(
            options => options with { Limits = new() { OutgoingTopicAliasMaximum = ours } },
            version,
            version == MqttProtocolVersion.V500 ? new ConnAckPacket { TopicAliasMaximum = theirs } : null);
        for (var i = 0; i < 3; i++)
        {
            await scene.Client.PublishAsync(Topic, "x");
            var packet = await scene.Server.ExpectAsync<PublishPacket>();
            (packet.Topic.ToString(), packet.TopicAlias).Should().Be((Topic, (ushort?)null));
        }
    }

    [Fact]
    public async Task What_is_sent_again_carries_its_topic_and_the_aliases_of_a_new_connection_are_new()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { Reconnect = Scene.AtOnce }, answer: TwoAliases);
        await scene.Client.PublishAsync("other", "x");
        await scene.Client.PublishAsync("other", "x");
        var publishing = Enumerable.Range(0, 3).Select(_ => scene.Client.PublishAsync(Message(QualityOfService.AtLeastOnce)).AsTask()).ToArray();
        for (var i = 0; i < 4; i++)
            await scene.Server.ExpectAsync<PublishPacket>();
        (await scene.Server.ExpectAsync<PublishPacket>()).TopicAlias.Should().Be(2);
        await scene.BreakAsync();
        await scene.Dialled().AcceptAsync(new ConnAckPacket { SessionPresent = true, TopicAliasMaximum = 2 });

        for (var i = 0; i < 3; i++)
        {
            var again = await scene.Server.ExpectAsync<PublishPacket>();
            (again.Topic.ToString(), again.TopicAlias, again.Duplicate).Should().Be((Topic, (ushort?)null, true));
            await scene.Server.SendAsync(new PubAckPacket { PacketId = again.PacketId });
        }

        await Task.WhenAll(publishing).Soon();
        foreach (var alias in new ushort?[] { null, 1 })
        {
            await scene.Client.PublishAsync(Topic, "x");
            var packet = await scene.Server.ExpectAsync<PublishPacket>();
            (packet.Topic.ToString(), packet.TopicAlias).Should().Be((Topic, alias));
        }
    }

    [Fact, Spec(V5, "3.2.2-15")]
    public async Task A_packet_that_an_alias_would_make_too_large_goes_without()
    {
        await using var scene = await Scene.ConnectedAsync(answer: new ConnAckPacket { TopicAliasMaximum = 2, MaximumPacketSize = 30 });
        var payload = new byte[30 - 2 - 2 - Topic.Length - 1];
        foreach (var (size, alias) in new (int, ushort?)[] { (payload.Length, null), (payload.Length, null), (payload.Length - 3, 1), (payload.Length, 1) })
        {
            await scene.Client.PublishAsync(Topic, payload.AsMemory(0, size));
            var packet = await scene.Server.ExpectAsync<PublishPacket>();
            packet.TopicAlias.Should().Be(alias);
            packet.Frame.Length.Should().BeLessThanOrEqualTo(30);
        }
    }

    [Fact]
    public async Task Large_packets_go_as_they_are()
    {
        await using var scene = await Scene.ConnectedAsync(answer: TwoAliases);
        for (var i = 0; i < 3; i++)
        {
            await scene.Client.PublishAsync(Topic, new byte[5000]);
            (await scene.Server.ExpectAsync<PublishPacket>()).TopicAlias.Should().BeNull();
        }
    }

    [Fact]
    public void A_packet_is_the_same_with_its_alias_whatever_the_sizes_of_its_parts()
    {
        foreach (var qualityOfService in Enum.GetValues<QualityOfService>())
        {
            foreach (var topicLength in new[] { 1, 100, 130 })
            {
                foreach (var propertyLength in new[] { 0, 50, 119, 120, 121, 122, 123, 130 })
                {
                    for (var payloadLength = 0; payloadLength < 140; payloadLength += 3)
                    {
                        foreach (var withTopic in new[] { true, false })
                            Check(qualityOfService, topicLength, propertyLength, payloadLength, withTopic);
                    }
                }
            }
        }
    }

    private static void Check(QualityOfService qualityOfService, int topicLength, int propertyLength, int payloadLength, bool withTopic)
    {
        var packet = new PublishPacket
        {
            Topic = new string('t', topicLength),
            QualityOfService = qualityOfService,
            PacketId = qualityOfService == QualityOfService.AtMostOnce ? (ushort)0 : (ushort)0x1234,
            Retain = true,
            Payload = new byte[payloadLength],
        };
        if (propertyLength > 0)
            packet.ContentType = new string('c', propertyLength);
        var frame = new byte[MqttPacketWriter.Measure(packet, MqttProtocolVersion.V500)];
        MqttPacketWriter.Write(frame, packet, MqttProtocolVersion.V500);
        if (!withTopic)
            packet.Topic = default;
        packet.Properties = default(MqttProperties).With(PropertyId.TopicAlias, (ushort?)0x0102);
        if (propertyLength > 0)
            packet.ContentType = new string('c', propertyLength);
        var expected = new byte[MqttPacketWriter.Measure(packet, MqttProtocolVersion.V500)];
        MqttPacketWriter.Write(expected, packet, MqttProtocolVersion.V500);
        var output = new byte[frame.Length + AliasedPublish.MostExtraBytes];

        var written = AliasedPublish.Write(output, frame, 0x0102, withTopic);

        // The order of properties is free; here it is that of the codec.
        output.AsSpan(0, written).SequenceEqual(expected).Should().BeTrue(
            "QoS {0}, topic {1}, properties {2}, payload {3}", qualityOfService, topicLength, propertyLength, payloadLength);
    }

    private static MqttMessage Message(QualityOfService qualityOfService) =>
        new(Topic, "21.5") { QualityOfService = qualityOfService, ContentType = "text", UserProperties = [("a", "b")] };
}
