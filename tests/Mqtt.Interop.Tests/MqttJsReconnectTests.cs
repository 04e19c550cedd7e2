using System.Text;
using Mqtt.Protocol;
using Mqtt.Server;
using Mqtt.Server.Broker.Storage;

namespace Mqtt.Interop.Tests;

/// <summary>MQTT.js left to itself: it comes back when a server closes its connection, restarts, or loses it in the middle of an exchange.</summary>
public class MqttJsReconnectTests
{
    public static TheoryData<int> Versions => [.. MqttJs.Versions];

    public static MatrixTheoryData<int, int> VersionsAndQuality => new(MqttJs.Versions, [0, 1, 2]);

    public static MatrixTheoryData<int, int> VersionsAndKeptQuality => new(MqttJs.Versions, [1, 2]);

    [Theory, MemberData(nameof(Versions))]
    public async Task A_client_whose_connection_the_server_closed_comes_back_and_subscribes_again(int version)
    {
        await using var server = await OurBroker.StartAsync();
        await using var client = await MqttJs.ConnectAsync(server, version, new { clientId = "client", clean = true, reconnectPeriod = 20 });
        await client.SubscribeAsync("a", new { qos = 1 });
        await server.SubscribedAsync("client");

        server.Close("client", ReasonCode.AdministrativeAction);
        if (version == 5)
            (await client.EventAsync("disconnect")).GetProperty("code").GetInt32().Should().Be(0x98);
        (await client.EventAsync("connected")).GetProperty("sessionPresent").GetBoolean().Should().BeFalse();
        await server.SubscribedAsync("client");
        await Mosquitto.PublishAsync(server, "mqttv5", "-t", "a", "-q", "1", "-m", "back");

        (await client.MessageAsync()).Line.Should().Be("a back 1 live");
    }

    // Without Session Present, in 3.1, MQTT.js takes it for granted that the session is there.
    [Theory, InlineData(4), InlineData(5)]
    public async Task A_client_subscribes_again_at_a_server_that_has_forgotten_everything(int version)
    {
        await using var server = await OurBroker.StartAsync();
        await using var client = await ConnectAsync(server, version, resubscribe: true);
        await client.SubscribeAsync("a", new { qos = 1 });
        await server.SubscribedAsync("client");

        await server.StopAsync();
        await server.StartAgainAsync();
        (await client.EventAsync("connected")).GetProperty("sessionPresent").GetBoolean().Should().BeFalse();
        await server.SubscribedAsync("client");
        await Mosquitto.PublishAsync(server, "mqttv5", "-t", "a", "-q", "1", "-m", "back");

        (await client.MessageAsync()).Line.Should().Be("a back 1 live");
    }

    [Theory, MemberData(nameof(VersionsAndKeptQuality))]
    public async Task A_client_finds_its_session_after_a_restart_of_the_server(int version, int quality)
    {
        await using var server = await StartDurableAsync();
        await using var client = await ConnectAsync(server, version);
        await client.SubscribeAsync("a", new { qos = quality });

        await server.StopAsync();
        await server.StartAgainAsync();
        await Mosquitto.PublishAsync(server, "mqttv5", "1\n2\n3\n"u8.ToArray(), "-t", "a", "-q", $"{quality}", "-l");

        // 3.1 has no Session Present.
        (await client.EventAsync("connected")).GetProperty("sessionPresent").GetBoolean().Should().Be(version != 3);
        for (var number = 1; number <= 3; number++)
            (await client.MessageAsync()).Line.Should().Be($"a {number} {quality} live");
    }

    [Theory, MemberData(nameof(VersionsAndQuality))]
    public async Task What_a_client_publishes_while_the_server_is_down_arrives_once_and_in_order(int version, int quality)
    {
        await using var server = await StartDurableAsync();
        await using var client = await ConnectAsync(server, version);
        await client.SubscribeAsync("#", new { qos = 2 });

        await server.StopAsync();
        await client.EventAsync("closed");
        for (var number = 1; number <= 3; number++)
            await client.SendPublishAsync("a", Encoding.UTF8.GetBytes($"{number}"), new { qos = quality });
        await server.StartAgainAsync();
        for (var number = 1; number <= 3; number++)
            await client.EventAsync("published");
        await client.PublishAsync("end", "end", new { qos = quality });

        (await client.MessagesToEndAsync()).Select(message => message.Line).Should().Equal($"a 1 {quality} live", $"a 2 {quality} live", $"a 3 {quality} live");
    }

    // The packet of the client at which the connection is lost, whether the broker still takes it, and how many copies may arrive then.
    [Theory]
    [InlineData(1, MqttPacketType.Publish, false, 1)]
    [InlineData(1, MqttPacketType.Publish, true, 2)] // at least once: nobody can know that it has arrived
    [InlineData(2, MqttPacketType.Publish, false, 1)]
    [InlineData(2, MqttPacketType.Publish, true, 1)]
    [InlineData(2, MqttPacketType.PubRel, false, 1)]
    [InlineData(2, MqttPacketType.PubRel, true, 1)]
    [Spec(V5, "4.4.0-1"), Spec(V311, "4.4.0-1")]
    public async Task A_message_that_was_under_way_to_the_server_is_sent_again(int quality, MqttPacketType type, bool isTaken, int copies)
    {
        foreach (var version in MqttJs.Versions)
        {
            await using var server = await OurBroker.StartAsync();
            await using var subscriber = await Mosquitto.SubscribeAsync(server, "mqttv311", "sub", "-t", "#", "-q", "2");
            await using var client = await ConnectAsync(server, version);
            if (isTaken)
                server.LoseAnswerTo("client", type);
            else
                server.LoseNext("client", type);

            await client.SendPublishAsync("a", "message"u8.ToArray(), new { qos = quality });
            (await client.EventAsync("connected")).GetProperty("sessionPresent").GetBoolean().Should().Be(version != 3);
            await client.EventAsync("published");
            await client.PublishAsync("a", "end", new { qos = quality });

            (await Mosquitto.LinesToEndAsync(subscriber)).Should().Equal(Enumerable.Repeat("message", copies), $"that is what version {version} promises");
        }
    }

    [Theory]
    [InlineData(1, MqttPacketType.PubAck, 2)] // at least once
    [InlineData(2, MqttPacketType.PubRec, 1)]
    [InlineData(2, MqttPacketType.PubComp, 1)]
    [Spec(V5, "4.4.0-1"), Spec(V311, "4.4.0-1")]
    public async Task A_message_that_was_under_way_to_the_client_is_sent_again(int quality, MqttPacketType type, int copies)
    {
        foreach (var version in MqttJs.Versions)
        {
            await using var server = await OurBroker.StartAsync();
            await using var client = await ConnectAsync(server, version);
            await client.SubscribeAsync("#", new { qos = 2 });
            server.LoseNext("client", type);

            await Mosquitto.PublishAsync(server, "mqttv5", "-t", "a", "-q", $"{quality}", "-m", "message");
            await client.EventAsync("connected");
            await Mosquitto.PublishAsync(server, "mqttv5", "-t", "a", "-q", $"{quality}", "-m", "end");

            var messages = await client.MessagesToEndAsync();
            messages.Select(message => message.Text).Should().Equal(Enumerable.Repeat("message", copies), $"that is what version {version} promises");

            // What was received already is not sent again, it is only released.
            messages[^1].Duplicate.Should().Be(type != MqttPacketType.PubComp);
        }
    }

    private static Task<OurBroker> StartDurableAsync() => OurBroker.StartAsync(new MqttBrokerOptions { Store = new MemoryStore() });

    // A client that keeps its session and comes back by itself.
    private static Task<MqttJs> ConnectAsync(OurBroker server, int version, bool resubscribe = false) => MqttJs.ConnectAsync(server, version, new
    {
        clientId = "client",
        clean = false,
        resubscribe,
        reconnectPeriod = 20,
        properties = version == 5 ? new { sessionExpiryInterval = 300 } : null,
    });
}
