using Mqtt.Client;
using Mqtt.Protocol;

namespace Mqtt.Interop.Tests;

/// <summary>Our client at aedes, over TCP and WebSocket.</summary>
public class ClientAtAedesTests
{
    private static readonly MqttProtocolVersion[] Versions = [MqttProtocolVersion.V310, MqttProtocolVersion.V311];

    public static MatrixTheoryData<bool, MqttProtocolVersion, QualityOfService> WaysVersionsAndQuality => new([false, true], Versions, OurClient.Qualities);

    public static MatrixTheoryData<bool, MqttProtocolVersion> WaysAndVersions => new([false, true], Versions);

    [Theory, MemberData(nameof(WaysVersionsAndQuality))]
    public async Task Messages_arrive_once_and_in_order(bool byWebSocket, MqttProtocolVersion version, QualityOfService quality)
    {
        var texts = Enumerable.Range(1, 500).Select(number => $"message {number}").ToList();
        await using var server = await AedesServer.StartAsync();
        await using var subscriber = await ConnectAsync(server, byWebSocket, version);
        await using var publisher = await ConnectAsync(server, byWebSocket, version);
        await using var subscription = await subscriber.SubscribeAsync("plant/+", quality);

        foreach (var text in texts)
            await publisher.PublishAsync("plant/7", text, quality);

        (await subscription.NextAsync(texts.Count)).Should().Equal(texts);
    }

    [Theory, MemberData(nameof(WaysAndVersions))]
    public async Task Megabytes_arrive_unchanged(bool byWebSocket, MqttProtocolVersion version)
    {
        var payload = new byte[3 * 1024 * 1024];
        new Random(1).NextBytes(payload);
        await using var server = await AedesServer.StartAsync();
        await using var client = await ConnectAsync(server, byWebSocket, version);
        await using var subscription = await client.SubscribeAsync("a", QualityOfService.AtLeastOnce);

        (await client.PublishAsync("a", payload, QualityOfService.ExactlyOnce).AsTask().WaitAsync(RunningProgram.Patience)).EnsureSuccess();

        (await subscription.NextMessagesAsync(1))[0].Payload.Span.SequenceEqual(payload).Should().BeTrue();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_server_that_does_not_know_5_0_refuses_it_and_is_understood(bool byWebSocket)
    {
        await using var server = await AedesServer.StartAsync();

        var refused = await FluentActions.Awaiting(() => ConnectAsync(server, byWebSocket, MqttProtocolVersion.V500)).Should().ThrowAsync<MqttRefusedException>();

        refused.Which.ReasonCode.Should().Be(ReasonCode.UnsupportedProtocolVersion);
    }

    private static Task<MqttClient> ConnectAsync(AedesServer server, bool byWebSocket, MqttProtocolVersion version) =>
        OurClient.ConnectAsync(byWebSocket ? $"ws://127.0.0.1:{server.WebSocketPort}" : $"mqtt://127.0.0.1:{server.Port}", version);
}
