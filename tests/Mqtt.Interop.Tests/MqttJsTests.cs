namespace Mqtt.Interop.Tests;

/// <summary>MQTT.js, the client of most JavaScript programs, talks through our broker.</summary>
public class MqttJsTests
{
    public static TheoryData<int> Versions => [.. MqttJs.Versions];

    public static MatrixTheoryData<int, int> VersionsAndQuality => new(MqttJs.Versions, [0, 1, 2]);

    public static MatrixTheoryData<int, int> VersionsAndKeptQuality => new(MqttJs.Versions, [1, 2]);

    [Theory, MemberData(nameof(VersionsAndQuality))]
    public async Task Messages_arrive_in_order_at_the_quality_that_was_granted(int version, int quality)
    {
        await using var server = await OurBroker.StartAsync();
        await using var subscriber = await MqttJs.ConnectAsync(server, version);
        await using var publisher = await MqttJs.ConnectAsync(server, version);
        (await subscriber.SubscribeAsync("plant/+/t", new { qos = quality })).Should().Be(quality);

        for (var number = 1; number <= 20; number++)
            await publisher.PublishAsync("plant/7/t", $"{number}", new { qos = 2 });

        for (var number = 1; number <= 20; number++)
            (await subscriber.MessageAsync()).Line.Should().Be($"plant/7/t {number} {quality} live");
    }

    [Theory, MemberData(nameof(VersionsAndQuality))]
    public async Task A_client_gets_its_own_messages(int version, int quality)
    {
        await using var server = await OurBroker.StartAsync();
        await using var client = await MqttJs.ConnectAsync(server, version);
        await client.SubscribeAsync("#", new { qos = quality });

        await client.PublishAsync("echo", "hello", new { qos = quality });

        (await client.MessageAsync()).Line.Should().Be($"echo hello {quality} live");
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task A_large_binary_payload_arrives_byte_for_byte(int version)
    {
        var payload = new byte[1024 * 1024];
        new Random(11).NextBytes(payload);
        await using var server = await OurBroker.StartAsync();
        await using var client = await MqttJs.ConnectAsync(server, version);
        await client.SubscribeAsync("a", new { qos = 1 });

        await client.PublishAsync("a", payload, new { qos = 1 });

        (await client.MessageAsync()).Payload.AsSpan().SequenceEqual(payload).Should().BeTrue();
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task A_retained_message_comes_with_the_subscription_until_it_is_removed(int version)
    {
        await using var server = await OurBroker.StartAsync();
        await using var client = await MqttJs.ConnectAsync(server, version);
        await client.PublishAsync("state", "on", new { qos = 1, retain = true });

        await client.SubscribeAsync("state", new { qos = 1 });
        (await client.MessageAsync()).Line.Should().Be("state on 1 retained");
        await client.PublishAsync("state", "", new { qos = 1, retain = true });
        (await client.MessageAsync()).Line.Should().Be("state  1 live");
        await client.SubscribeAsync("state", new { qos = 1 });
        await client.PublishAsync("state", "end", new { qos = 1 });

        (await client.MessageAsync()).Line.Should().Be("state end 1 live");
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Nothing_comes_after_unsubscribing(int version)
    {
        await using var server = await OurBroker.StartAsync();
        await using var client = await MqttJs.ConnectAsync(server, version);
        await client.SubscribeAsync("a", new { qos = 1 });
        await client.SubscribeAsync("b", new { qos = 1 });

        await client.UnsubscribeAsync("a");
        await client.PublishAsync("a", "lost", new { qos = 1 });
        await client.PublishAsync("b", "end", new { qos = 1 });

        (await client.MessageAsync()).Line.Should().Be("b end 1 live");
    }

    [Theory, MemberData(nameof(VersionsAndKeptQuality))]
    public async Task A_client_that_reconnects_finds_its_session_and_what_came_meanwhile(int version, int quality)
    {
        await using var server = await OurBroker.StartAsync();
        await using var publisher = await MqttJs.ConnectAsync(server, version);
        await using var keeper = await MqttJs.ConnectAsync(
            server, version, new { clientId = "keeper", clean = false, resubscribe = false, properties = version == 5 ? new { sessionExpiryInterval = 300 } : null });
        await keeper.SubscribeAsync("a", new { qos = quality });
        await keeper.CutAsync();
        await server.ClosedAsync("keeper");

        for (var number = 1; number <= 20; number++)
            await publisher.PublishAsync("a", $"{number}", new { qos = quality });
        var answer = await keeper.ReconnectAsync();

        // 3.1 has no Session Present.
        answer.GetProperty("sessionPresent").GetBoolean().Should().Be(version != 3);
        for (var number = 1; number <= 20; number++)
            (await keeper.MessageAsync()).Line.Should().Be($"a {number} {quality} live");
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task A_clean_client_that_reconnects_finds_nothing(int version)
    {
        await using var server = await OurBroker.StartAsync();
        await using var publisher = await MqttJs.ConnectAsync(server, version);
        await using var client = await MqttJs.ConnectAsync(server, version, new { clientId = "clean", clean = true, resubscribe = false });
        await client.SubscribeAsync("a", new { qos = 1 });
        await client.CutAsync();
        await server.ClosedAsync("clean");
        await publisher.PublishAsync("a", "lost", new { qos = 1 });

        (await client.ReconnectAsync()).GetProperty("sessionPresent").GetBoolean().Should().BeFalse();
        await client.SubscribeAsync("a", new { qos = 1 });
        await publisher.PublishAsync("a", "there", new { qos = 1 });

        (await client.MessageAsync()).Text.Should().Be("there");
    }

    [Theory, MemberData(nameof(VersionsAndQuality))]
    public async Task A_will_is_published_when_the_connection_is_cut(int version, int quality)
    {
        await using var server = await OurBroker.StartAsync();
        await using var watcher = await MqttJs.ConnectAsync(server, version);
        await watcher.SubscribeAsync("will/#", new { qos = 2 });
        await using var dying = await MqttJs.ConnectAsync(server, version, new { will = new { topic = "will/js", payload = "gone", qos = quality, retain = true } });

        await dying.CutAsync();

        (await watcher.MessageAsync()).Line.Should().Be($"will/js gone {quality} live");
        await using var late = await MqttJs.ConnectAsync(server, version);
        await late.SubscribeAsync("will/#", new { qos = 2 });
        (await late.MessageAsync()).Line.Should().Be($"will/js gone {quality} retained");
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task A_client_that_says_goodbye_leaves_no_will(int version)
    {
        await using var server = await OurBroker.StartAsync();
        await using var watcher = await MqttJs.ConnectAsync(server, version);
        await watcher.SubscribeAsync("#", new { qos = 1 });
        await using var polite = await MqttJs.ConnectAsync(server, version, new { clientId = "polite", will = new { topic = "will", payload = "gone", qos = 1 } });

        await polite.DisconnectAsync();
        await server.ClosedAsync("polite");
        await watcher.PublishAsync("end", "nobody died", new { qos = 1 });

        (await watcher.MessageAsync()).Text.Should().Be("nobody died");
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task A_second_connection_with_the_same_identifier_takes_over(int version)
    {
        await using var server = await OurBroker.StartAsync();
        await using var first = await MqttJs.ConnectAsync(server, version, new { clientId = "twin" });
        await using var second = await MqttJs.ConnectAsync(server, version, new { clientId = "twin" });

        if (version == 5)
            (await first.EventAsync("disconnect")).GetProperty("code").GetInt32().Should().Be(0x8E);
        await first.EventAsync("closed");

        await second.SubscribeAsync("a", new { qos = 1 });
        await second.PublishAsync("a", "alive", new { qos = 1 });
        (await second.MessageAsync()).Text.Should().Be("alive");
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Clients_of_MQTT_js_and_mosquitto_reach_each_other(int version)
    {
        await using var server = await OurBroker.StartAsync();
        await using var script = await MqttJs.ConnectAsync(server, version);
        await script.SubscribeAsync("to/js", new { qos = 2 });
        await using var debian = await Mosquitto.SubscribeAsync(server, "mqttv311", "debian", "-t", "to/debian", "-q", "2", "-C", "1");

        await script.PublishAsync("to/debian", "ahoj", new { qos = 2 });
        await Mosquitto.PublishAsync(server, "mqttv311", "-t", "to/js", "-q", "2", "-m", "hello");

        (await debian.SucceedAsync()).Text.Should().Be("ahoj\n");
        (await script.MessageAsync()).Line.Should().Be("to/js hello 2 live");
    }
}
