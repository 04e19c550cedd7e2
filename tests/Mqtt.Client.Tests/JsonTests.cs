using System.Text.Json.Serialization;

namespace Mqtt.Client.Tests;

/// <summary>Payloads of a type.</summary>
public partial class JsonTests
{
    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task A_value_is_published_as_JSON_and_marked_as_such_where_the_version_can(MqttProtocolVersion version)
    {
        await using var scene = await Scene.ConnectedAsync(version: version);
        await scene.Client.PublishAsync("a", new Reading(21.5, "C"), Json.Default.Reading, retain: true);
        var packet = await scene.Server.ExpectAsync<PublishPacket>();

        System.Text.Encoding.UTF8.GetString(packet.Payload.Span).Should().Be("""{"Value":21.5,"Unit":"C"}""");
        packet.Retain.Should().BeTrue();
        packet.ContentType?.ToString().Should().Be(version == MqttProtocolVersion.V500 ? "application/json" : null);
        packet.PayloadFormatIndicator.Should().Be(version == MqttProtocolVersion.V500 ? (byte)1 : null);
        scene.Server.Abort();
    }

    [Fact]
    public async Task Handlers_of_filters_and_templates_get_values()
    {
        await using var scene = await Scene.ConnectedAsync();
        var seen = new List<string>();
        await using var subscription = scene.Client.Subscribe(
            "plant/#",
            Json.Default.Reading,
            (reading, message, _) =>
            {
                seen.Add($"{message.Topic}: {reading.Value} {reading.Unit}");
                return default;
            },
            QualityOfService.AtLeastOnce);
        await scene.GrantAsync();
        await using var mapped = scene.Client.Map(
            "room/{id}",
            Json.Default.Reading,
            (reading, _, parameters, _) =>
            {
                seen.Add($"{parameters["id"]}: {reading.Value} {reading.Unit}");
                return default;
            },
            QualityOfService.AtLeastOnce);
        await scene.GrantAsync();
        var awaited = scene.Client.MapAsync(
            "hall/{id}",
            Json.Default.Reading,
            (reading, _, parameters, _) =>
            {
                seen.Add($"hall {parameters["id"]}: {reading.Value} {reading.Unit}");
                return default;
            },
            QualityOfService.AtLeastOnce);
        await scene.GrantAsync();
        await using var hall = await awaited.Soon();
        await scene.DeliverAsync("plant/7", """{"Value":21.5,"Unit":"C"}""", QualityOfService.AtLeastOnce, 1);
        await scene.Server.ExpectAsync<PubAckPacket>();
        await scene.DeliverAsync("room/8", """{"Value":22,"Unit":"C"}""", QualityOfService.AtLeastOnce, 2);
        await scene.Server.ExpectAsync<PubAckPacket>();
        await scene.DeliverAsync("hall/9", """{"Value":23,"Unit":"C"}""", QualityOfService.AtLeastOnce, 3);
        await scene.Server.ExpectAsync<PubAckPacket>();

        seen.Should().Equal("plant/7: 21.5 C", "8: 22 C", "hall 9: 23 C");
        scene.Server.Abort();
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("""{"Value":"warm"}""")]
    public async Task A_payload_that_is_no_value_falls_to_the_failure_policy_and_the_next_one_is_handled(string payload)
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { HandlerFailure = MqttHandlerFailure.Refuse });
        var seen = 0;
        await using var subscription = scene.Client.Subscribe(
            "a",
            Json.Default.Reading,
            (_, _, _) =>
            {
                seen++;
                return default;
            },
            QualityOfService.AtLeastOnce);
        await scene.GrantAsync();
        await scene.DeliverAsync("a", payload, QualityOfService.AtLeastOnce, 1);
        await scene.DeliverAsync("a", """{"Value":1,"Unit":"C"}""", QualityOfService.AtLeastOnce, 2);

        (await scene.Server.ExpectAsync<PubAckPacket>()).ReasonCode.Should().Be(ReasonCode.UnspecifiedError);
        (await scene.Server.ExpectAsync<PubAckPacket>()).ReasonCode.Should().Be(ReasonCode.Success);
        seen.Should().Be(1);
        await scene.ErrorAsync();
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_message_of_a_stream_can_be_read_as_a_value()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await scene.SubscribedAsync("a");
        await using var messages = subscription.GetAsyncEnumerator();
        await scene.DeliverAsync("a", """{"Value":21.5,"Unit":"C"}""");

        (await messages.NextAsync()).GetJson(Json.Default.Reading).Should().Be(new Reading(21.5, "C"));
        scene.Server.Abort();
    }

    internal sealed record Reading(double Value, string Unit);

    [JsonSerializable(typeof(Reading))]
    internal sealed partial class Json : JsonSerializerContext;
}
