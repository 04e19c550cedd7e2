using Mqtt.Server;
using Mqtt.Testing;

namespace Mqtt.Interop.Tests;

/// <summary>What 5.0 adds, between MQTT.js and our broker.</summary>
public class MqttJs5Tests
{
    private const int Five = 5;

    [Theory, InlineData(0), InlineData(1), InlineData(2)]
    public async Task All_properties_of_a_message_arrive(int quality)
    {
        await using var server = await OurBroker.StartAsync();
        await using var client = await MqttJs.ConnectAsync(server, Five);
        await client.SubscribeAsync("a", new { qos = 2, properties = new { subscriptionIdentifier = 17 } });

        await client.PublishAsync("a", "body", new
        {
            qos = quality,
            properties = new
            {
                payloadFormatIndicator = true,
                messageExpiryInterval = 3600,
                responseTopic = "answers",
                correlationData = Convert.ToBase64String([1, 2, 0, 255]),
                userProperties = new { first = "1", second = "2" },
                contentType = "text/plain",
            },
        });

        var properties = (await client.MessageAsync()).Properties;
        properties.GetProperty("payloadFormatIndicator").GetBoolean().Should().BeTrue();
        properties.GetProperty("messageExpiryInterval").GetInt32().Should().BeInRange(3590, 3600);
        properties.GetProperty("responseTopic").GetString().Should().Be("answers");
        properties.GetProperty("correlationData").GetBytesFromBase64().Should().Equal(1, 2, 0, 255);
        properties.GetProperty("contentType").GetString().Should().Be("text/plain");
        properties.GetProperty("subscriptionIdentifier").GetInt32().Should().Be(17);
        properties.GetProperty("userProperties").GetProperty("first").GetString().Should().Be("1");
        properties.GetProperty("userProperties").GetProperty("second").GetString().Should().Be("2");
    }

    [Fact]
    public async Task CONNACK_announces_what_the_broker_allows()
    {
        await using var server = await OurBroker.StartAsync(new MqttBrokerOptions { Limits = new() { ReceiveMaximum = 7, TopicAliasMaximum = 3, MaximumPacketBytes = 4096 } });

        var (client, answer) = await MqttJs.TryConnectAsync(server, Five, new { clientId = "", clean = true });
        await using var _ = client;

        var properties = answer.GetProperty("properties");
        properties.GetProperty("receiveMaximum").GetInt32().Should().Be(7);
        properties.GetProperty("topicAliasMaximum").GetInt32().Should().Be(3);
        properties.GetProperty("maximumPacketSize").GetInt32().Should().Be(4096);
        properties.GetProperty("assignedClientIdentifier").GetString().Should().NotBeEmpty();
    }

    [Fact]
    [Spec(V5, "3.8.3-3")]
    public async Task A_client_that_asks_for_no_local_does_not_hear_itself()
    {
        await using var server = await OurBroker.StartAsync();
        await using var client = await MqttJs.ConnectAsync(server, Five);
        await using var other = await MqttJs.ConnectAsync(server, Five);
        await client.SubscribeAsync("a", new { qos = 1, nl = true });

        await client.PublishAsync("a", "mine", new { qos = 1 });
        await other.PublishAsync("a", "another's", new { qos = 1 });

        (await client.MessageAsync()).Text.Should().Be("another's");
    }

    [Fact]
    public async Task Retain_as_published_keeps_the_flag()
    {
        await using var server = await OurBroker.StartAsync();
        await using var client = await MqttJs.ConnectAsync(server, Five);
        await client.SubscribeAsync("a", new { qos = 1, rap = true });

        await client.PublishAsync("a", "flagged", new { qos = 1, retain = true });

        (await client.MessageAsync()).Line.Should().Be("a flagged 1 retained");
    }

    [Fact]
    [Spec(V5, "3.3.1-10"), Spec(V5, "3.3.1-11")]
    public async Task Retain_handling_decides_which_subscribe_brings_retained_messages()
    {
        await using var server = await OurBroker.StartAsync();
        await using var client = await MqttJs.ConnectAsync(server, Five);
        await client.PublishAsync("never", "r", new { qos = 1, retain = true });
        await client.PublishAsync("once", "r", new { qos = 1, retain = true });

        await client.SubscribeAsync("never", new { qos = 1, rh = 2 });
        await client.SubscribeAsync("once", new { qos = 1, rh = 1 });
        await client.SubscribeAsync("once", new { qos = 1, rh = 1 });
        await client.PublishAsync("once", "end", new { qos = 1 });

        (await client.MessageAsync()).Line.Should().Be("once r 1 retained");
        (await client.MessageAsync()).Line.Should().Be("once end 1 live");
    }

    [Theory, InlineData(0), InlineData(1)]
    public async Task Topic_aliases_work_in_both_directions(int quality)
    {
        await using var server = await OurBroker.StartAsync();
        await using var subscriber = await MqttJs.ConnectAsync(server, Five, new { properties = new { topicAliasMaximum = 5 } });
        await using var publisher = await MqttJs.ConnectAsync(server, Five, new { autoAssignTopicAlias = true });
        await subscriber.SubscribeAsync("long/#", new { qos = quality });

        for (var number = 1; number <= 30; number++)
            await publisher.PublishAsync($"long/topic/{number % 10}", $"{number}", new { qos = quality });

        for (var number = 1; number <= 30; number++)
            (await subscriber.MessageAsync()).Line.Should().Be($"long/topic/{number % 10} {number} {quality} live");
    }

    [Theory, InlineData(1), InlineData(2)]
    public async Task A_receive_maximum_of_one_still_brings_every_message_in_order(int quality)
    {
        await using var server = await OurBroker.StartAsync();
        await using var subscriber = await MqttJs.ConnectAsync(server, Five, new { properties = new { receiveMaximum = 1 } });
        await using var publisher = await MqttJs.ConnectAsync(server, Five);
        await subscriber.SubscribeAsync("a", new { qos = quality });

        for (var number = 1; number <= 50; number++)
            await publisher.PublishAsync("a", $"{number}", new { qos = quality });

        for (var number = 1; number <= 50; number++)
            (await subscriber.MessageAsync()).Text.Should().Be($"{number}");
    }

    [Fact]
    public async Task A_packet_larger_than_the_client_takes_is_left_out()
    {
        await using var server = await OurBroker.StartAsync();
        await using var subscriber = await MqttJs.ConnectAsync(server, Five, new { properties = new { maximumPacketSize = 100 } });
        await using var publisher = await MqttJs.ConnectAsync(server, Five);
        await subscriber.SubscribeAsync("a", new { qos = 1 });

        await publisher.PublishAsync("a", new string('x', 200), new { qos = 1 });
        await publisher.PublishAsync("a", "small", new { qos = 1 });

        (await subscriber.MessageAsync()).Text.Should().Be("small");
    }

    [Fact]
    public async Task A_delayed_will_comes_after_its_delay_and_not_before()
    {
        var time = new VirtualTime();
        await using var server = await OurBroker.StartAsync(new MqttBrokerOptions { TimeProvider = time });
        await using var watcher = await MqttJs.ConnectAsync(server, Five);
        await watcher.SubscribeAsync("#", new { qos = 1 });
        await using var dying = await MqttJs.ConnectAsync(server, Five, new
        {
            clientId = "dying",
            clean = false,
            properties = new { sessionExpiryInterval = 600 },
            will = new { topic = "will", payload = "gone", qos = 1, properties = new { willDelayInterval = 30 } },
        });
        await dying.CutAsync();
        await server.ClosedAsync("dying");

        time.Advance(TimeSpan.FromSeconds(29));
        await watcher.PublishAsync("clock", "29 s", new { qos = 1 });
        time.Advance(TimeSpan.FromSeconds(2));
        (await watcher.MessageAsync()).Text.Should().Be("29 s");

        (await watcher.MessageAsync()).Line.Should().Be("will gone 1 live");
    }

    [Fact]
    public async Task A_client_that_leaves_with_0x04_leaves_its_will()
    {
        await using var server = await OurBroker.StartAsync();
        await using var watcher = await MqttJs.ConnectAsync(server, Five);
        await watcher.SubscribeAsync("will", new { qos = 1 });
        await using var leaving = await MqttJs.ConnectAsync(server, Five, new { will = new { topic = "will", payload = "as I said", qos = 1 } });

        await leaving.DisconnectAsync(new { reasonCode = 4 });

        (await watcher.MessageAsync()).Text.Should().Be("as I said");
    }

    [Fact]
    public async Task A_server_that_stops_says_so()
    {
        await using var server = await OurBroker.StartAsync();
        await using var client = await MqttJs.ConnectAsync(server, Five);

        await server.StopAsync();

        (await client.EventAsync("disconnect")).GetProperty("code").GetInt32().Should().Be(0x8B);
        await client.EventAsync("closed");
    }

    [Fact]
    public async Task A_packet_larger_than_the_server_takes_ends_the_connection_with_the_reason()
    {
        await using var server = await OurBroker.StartAsync(limits: new MqttConnectionLimits { MaximumPacketBytes = 1024 });
        await using var client = await MqttJs.ConnectAsync(server, Five);
        await client.SendPublishAsync("a", new byte[2048]);

        (await client.EventAsync("disconnect")).GetProperty("code").GetInt32().Should().Be(0x95);
    }

    [Fact]
    public async Task An_authentication_method_that_nobody_knows_is_refused()
    {
        await using var server = await OurBroker.StartAsync();

        var (client, answer) = await MqttJs.TryConnectAsync(server, Five, new { properties = new { authenticationMethod = "magic" } });
        await using var _ = client;

        answer.GetProperty("event").GetString().Should().Be("refused");
        answer.GetProperty("code").GetInt32().Should().Be(0x8C);
    }
}
