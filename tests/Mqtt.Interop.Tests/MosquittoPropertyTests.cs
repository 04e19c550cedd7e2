using Mqtt.Server;
using Mqtt.Testing;

namespace Mqtt.Interop.Tests;

/// <summary>The properties of 5.0 pass from one of mosquitto's clients to the other.</summary>
public class MosquittoPropertyTests
{
    private const string V5Name = "mqttv5";

    [Theory, InlineData(0), InlineData(1), InlineData(2)]
    public async Task All_properties_of_a_message_arrive(int quality)
    {
        await using var server = await OurBroker.StartAsync();
        await using var subscriber = await Mosquitto.SubscribeAsync(
            server, V5Name, "sub", "-t", "a", "-q", "2", "-C", "1", "-F", "%C|%D|%E|%F|%R|%P|%p");

        await PublishAsync(
            server, "-q", $"{quality}", "-m", "body",
            "-D", "publish", "content-type", "text/plain",
            "-D", "publish", "correlation-data", "request 7",
            "-D", "publish", "message-expiry-interval", "3600",
            "-D", "publish", "payload-format-indicator", "1",
            "-D", "publish", "response-topic", "answers/7",
            "-D", "publish", "user-property", "first", "1",
            "-D", "publish", "user-property", "second", "2");

        (await subscriber.SucceedAsync()).Text.Should().Be("text/plain|request 7|3600|1|answers/7|first:1 second:2|body\n");
    }

    [Fact]
    public async Task A_retained_message_keeps_its_properties()
    {
        await using var server = await OurBroker.StartAsync();
        await PublishAsync(server, "-r", "-q", "1", "-m", "body", "-D", "publish", "content-type", "text/plain", "-D", "publish", "user-property", "k", "v");

        var received = await Mosquitto.ReceiveAsync(server, V5Name, "sub", "-t", "a", "-C", "1", "-F", "%C|%P|%r");

        received.Text.Should().Be("text/plain|k:v|1\n");
    }

    [Fact]
    public async Task A_will_keeps_its_properties()
    {
        await using var server = await OurBroker.StartAsync();
        await using var watcher = await Mosquitto.SubscribeAsync(server, V5Name, "watcher", "-t", "will", "-C", "1", "-F", "%C|%P|%p");
        await using var dying = await Mosquitto.SubscribeAsync(
            server, V5Name, "dying", "-t", "a", "--will-topic", "will", "--will-payload", "gone",
            "-D", "will", "content-type", "text/plain", "-D", "will", "user-property", "k", "v");

        dying.Kill();

        (await watcher.SucceedAsync()).Text.Should().Be("text/plain|k:v|gone\n");
    }

    [Fact]
    public async Task A_subscription_identifier_comes_back_with_each_message()
    {
        await using var server = await OurBroker.StartAsync();
        await using var subscriber = await Mosquitto.SubscribeAsync(
            server, V5Name, "sub", "-t", "a", "-C", "1", "-F", "%S %p", "-D", "subscribe", "subscription-identifier", "268435455");

        await PublishAsync(server, "-m", "body");

        (await subscriber.SucceedAsync()).Text.Should().Be("268435455 body\n");
    }

    [Fact]
    [Spec(V5, "3.3.2-5"), Spec(V5, "3.3.2-6")]
    public async Task A_queued_message_tells_how_long_it_still_has_and_goes_when_that_is_nothing()
    {
        var time = new VirtualTime();
        await using var server = await OurBroker.StartAsync(new MqttBrokerOptions { TimeProvider = time });
        await Mosquitto.ReceiveAsync(server, V5Name, "keeper", "-t", "a", "-q", "1", "-c", "-E");
        await server.ClosedAsync("keeper");
        await PublishAsync(server, "-q", "1", "-m", "short", "-D", "publish", "message-expiry-interval", "10");
        await PublishAsync(server, "-q", "1", "-m", "long", "-D", "publish", "message-expiry-interval", "100");

        time.Advance(TimeSpan.FromSeconds(40));

        var received = await Mosquitto.ReceiveAsync(server, V5Name, "keeper", "-t", "b", "-q", "1", "-c", "-C", "1", "-F", "%E %p");
        received.Text.Should().Be("60 long\n");
    }

    [Fact]
    public async Task A_topic_alias_of_the_publisher_is_resolved()
    {
        await using var server = await OurBroker.StartAsync();
        await using var subscriber = await Mosquitto.SubscribeAsync(server, V5Name, "sub", "-t", "a", "-q", "1", "-C", "3", "-v");

        await PublishAsync(server, "-q", "1", "-m", "x", "--repeat", "3", "-D", "publish", "topic-alias", "3");

        (await subscriber.SucceedAsync()).Lines.Should().Equal("a x", "a x", "a x");
    }

    [Fact]
    public async Task A_subscriber_that_takes_one_message_at_a_time_gets_all_of_them()
    {
        await using var server = await OurBroker.StartAsync();
        await using var subscriber = await Mosquitto.SubscribeAsync(
            server, V5Name, "sub", "-t", "a", "-q", "2", "-C", "50", "-D", "connect", "receive-maximum", "1");

        await PublishAsync(server, "-q", "2", "-m", "x", "--repeat", "50");

        (await subscriber.SucceedAsync()).Lines.Should().HaveCount(50);
    }

    private static Task PublishAsync(IServer server, params string[] flags) => Mosquitto.PublishAsync(server, V5Name, ["-t", "a", .. flags]);
}
