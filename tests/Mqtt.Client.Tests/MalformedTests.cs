namespace Mqtt.Client.Tests;

/// <summary>A server that breaks the protocol is told why, where the version has a word for it, and left; the client itself lives on.</summary>
public class MalformedTests
{
    [Theory]
    [Spec(V5, "1.5.4-1"), Spec(V5, "1.5.4-2"), Spec(V5, "1.5.5-1"), Spec(V5, "1.5.7-1"), Spec(V5, "2.1.3-1"), Spec(V5, "3.3.1-4"), Spec(V5, "3.3.2-2"), Spec(V5, "3.3.2-8"), Spec(V5, "3.3.2-13")]
    [Spec(V5, "3.3.2-14"), Spec(V5, "3.3.2-19"), Spec(V5, "3.14.1-1"), Spec(V5, "3.14.2-2"), Spec(V5, "3.15.1-1"), Spec(V5, "3.2.2-1"), Spec(V5, "4.13.1-1"), Spec(V5, "4.7.0-1")]
    [InlineData("a topic with U+0000", "30 06 0003 610062 00", ReasonCode.MalformedPacket)]
    [InlineData("a topic that is no UTF-8", "30 04 0001 FF 00", ReasonCode.MalformedPacket)]
    [InlineData("a topic with half a surrogate pair", "30 06 0003 EDA080 00", ReasonCode.MalformedPacket)]
    [InlineData("a topic with an overlong form", "30 05 0002 C0AF 00", ReasonCode.MalformedPacket)]
    [InlineData("a topic with a wildcard", "30 04 0001 23 00", ReasonCode.MalformedPacket)]
    [InlineData("QoS 3", "36 06 0001 61 0001 00", ReasonCode.MalformedPacket)]
    [InlineData("QoS 1 with the identifier 0", "32 06 0001 61 0000 00", ReasonCode.ProtocolError)]
    [InlineData("topic alias 0", "30 07 0001 61 03 23 0000", ReasonCode.TopicAliasInvalid)]
    [InlineData("a response topic with a wildcard", "30 08 0001 61 04 08 0001 2B", ReasonCode.MalformedPacket)]
    [InlineData("a content type that is no UTF-8", "30 08 0001 61 04 03 0001 FF", ReasonCode.MalformedPacket)]
    [InlineData("a user property that is no UTF-8", "30 0B 0001 61 07 26 0001 78 0001 FF", ReasonCode.MalformedPacket)]
    [InlineData("a length in more bytes than it needs", "D0 80 00", ReasonCode.MalformedPacket)]
    [InlineData("a reserved flag of PUBACK", "41 02 0001", ReasonCode.MalformedPacket)]
    [InlineData("a reserved flag of PUBREL", "60 02 0001", ReasonCode.MalformedPacket)]
    [InlineData("a reserved flag of SUBACK", "91 04 0001 00 00", ReasonCode.MalformedPacket)]
    [InlineData("a reserved flag of PINGRESP", "D1 00", ReasonCode.MalformedPacket)]
    [InlineData("a reserved flag of DISCONNECT", "E1 00", ReasonCode.MalformedPacket)]
    [InlineData("a reserved flag of AUTH", "F1 00", ReasonCode.MalformedPacket)]
    [InlineData("a session expiry in the server's DISCONNECT", "E0 07 00 05 11 00000001", ReasonCode.ProtocolError)]
    [InlineData("a reason code that SUBACK does not have", "90 04 0001 00 03", ReasonCode.ProtocolError)]
    [InlineData("a packet that only clients send", "C0 00", ReasonCode.ProtocolError)]
    public async Task In_5_0_it_is_told_why_and_left(string what, string bytes, ReasonCode reasonCode)
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = scene.Client.Subscribe("a");
        await scene.Server.ExpectAsync<SubscribePacket>();
        await scene.Server.SendBytesAsync(Convert.FromHexString(bytes.Replace(" ", "")));

        var told = (await scene.Server.ExpectAsync<DisconnectPacket>()).ReasonCode;
        told.Should().Be(reasonCode, what);
        await scene.Server.ExpectEndAsync();
        var cause = await scene.EndedAfterAsync(scene.Server.Abort);
        (cause.Origin, cause.ReasonCode).Should().Be((MqttDisconnectOrigin.ProtocolError, told));
    }

    [Theory, Spec(V311, "1.5.3-1"), Spec(V311, "1.5.3-2"), Spec(V311, "2.2.2-2"), Spec(V311, "3.3.1-4"), Spec(V311, "3.3.2-2"), Spec(V311, "3.9.3-2"), Spec(V311, "4.8.0-1"), Spec(V311, "3.3.1-2")]
    [InlineData("a topic with U+0000", "30 05 0003 610062")]
    [InlineData("a topic that is no UTF-8", "30 03 0001 FF")]
    [InlineData("a topic with half a surrogate pair", "30 05 0003 EDA080")]
    [InlineData("a topic with a wildcard", "30 03 0001 23")]
    [InlineData("QoS 3", "36 05 0001 61 0001")]
    [InlineData("DUP at QoS 0", "38 03 0001 61")]
    [InlineData("a reserved flag of PUBACK", "41 02 0001")]
    [InlineData("a reserved flag of PINGRESP", "D1 00")]
    [InlineData("a return code that SUBACK does not have", "90 03 0001 03")]
    [InlineData("a packet of 5.0", "E0 00")]
    public async Task In_3_1_1_it_is_left(string what, string bytes)
    {
        await using var scene = await Scene.ConnectedAsync(version: MqttProtocolVersion.V311);
        await using var subscription = scene.Client.Subscribe("a");
        await scene.Server.ExpectAsync<SubscribePacket>();
        await scene.Server.SendBytesAsync(Convert.FromHexString(bytes.Replace(" ", "")));

        await scene.Server.ExpectEndAsync();
        (await scene.Ended.Task.Soon()).Origin.Should().Be(MqttDisconnectOrigin.ProtocolError, what);
    }

    [Theory, Spec(V5, "3.2.2-1"), Spec(V5, "3.2.2-6")]
    [InlineData("20 03 02 00 00")]
    [InlineData("20 03 01 87 00")]
    [InlineData("20 03 00 01 00")]
    [InlineData("21 03 00 00 00")]
    public async Task A_CONNACK_that_cannot_be_ends_the_attempt(string bytes)
    {
        await using var scene = Scene.Begin();
        var connecting = scene.Client.ConnectAsync().AsTask();
        var server = scene.Dialled();
        await server.ExpectAsync<ConnectPacket>();
        await server.SendBytesAsync(Convert.FromHexString(bytes.Replace(" ", "")));

        await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttProtocolException>();
        await server.ExpectEndAsync();
    }
}
