using System.Text;
using Mqtt.Server;
using Mqtt.Testing;

namespace Mqtt.Interop.Tests;

/// <summary>mosquitto's clients leave sessions and wills with our broker.</summary>
public class MosquittoSessionTests
{
    public static TheoryData<string> Versions => [.. Mosquitto.Versions];

    public static MatrixTheoryData<string, int> VersionsAndQuality => new(Mosquitto.Versions, [1, 2]);

    [Theory, MemberData(nameof(VersionsAndQuality))]
    public async Task A_kept_session_gets_in_order_what_came_while_its_client_was_away(string version, int quality)
    {
        var lines = Enumerable.Range(1, 100).Select(number => $"message {number}").ToArray();
        await using var server = await OurBroker.StartAsync();
        await Mosquitto.ReceiveAsync(server, version, "keeper", "-t", "a", "-q", $"{quality}", "-c", "-E");
        await server.ClosedAsync("keeper");

        await Mosquitto.PublishAsync(server, version, Encoding.UTF8.GetBytes(string.Join('\n', lines) + '\n'), "-t", "a", "-q", $"{quality}", "-l");

        var received = await Mosquitto.ReceiveAsync(server, version, "keeper", "-t", "other", "-q", $"{quality}", "-c", "-C", "100", "-F", "%q %p");
        received.Lines.Should().Equal(lines.Select(line => $"{quality} {line}"));
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task A_clean_session_gets_nothing_that_came_while_its_client_was_away(string version)
    {
        await using var server = await OurBroker.StartAsync();
        await Mosquitto.ReceiveAsync(server, version, "keeper", "-t", "a", "-q", "1", "-E");
        await server.ClosedAsync("keeper");

        await Mosquitto.PublishAsync(server, version, "-t", "a", "-q", "1", "-m", "missed");

        await AssertNothingButAsync(server, version, "there", "-c");
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task A_clean_start_ends_the_session_that_was_kept(string version)
    {
        await using var server = await OurBroker.StartAsync();
        await Mosquitto.ReceiveAsync(server, version, "keeper", "-t", "a", "-q", "1", "-c", "-E");
        await server.ClosedAsync("keeper");
        await Mosquitto.PublishAsync(server, version, "-t", "a", "-q", "1", "-m", "lost");

        await AssertNothingButAsync(server, version, "there");
    }

    [Theory, MemberData(nameof(VersionsAndQuality))]
    public async Task A_will_is_published_when_the_client_dies(string version, int quality)
    {
        await using var server = await OurBroker.StartAsync();
        await using var watcher = await Mosquitto.SubscribeAsync(server, version, "watcher", "-t", "will/#", "-q", "2", "-C", "1", "-F", "%t %q %r %p");
        await using var dying = await Mosquitto.SubscribeAsync(
            server, version, "dying", "-t", "a", "--will-topic", "will/dying", "--will-payload", "gone", "--will-qos", $"{quality}", "--will-retain");

        dying.Kill();

        (await watcher.SucceedAsync()).Text.Should().Be($"will/dying {quality} 0 gone\n");
        (await Mosquitto.ReceiveAsync(server, version, "late", "-t", "will/#", "-q", "2", "-C", "1", "-F", "%t %q %r %p")).Text
            .Should().Be($"will/dying {quality} 1 gone\n");
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task A_client_that_says_goodbye_leaves_no_will(string version)
    {
        await using var server = await OurBroker.StartAsync();
        await using var watcher = await Mosquitto.SubscribeAsync(server, version, "watcher", "-t", "will/#", "-t", "end", "-C", "1");

        await Mosquitto.ReceiveAsync(server, version, "polite", "-t", "a", "-E", "--will-topic", "will/polite", "--will-payload", "gone");
        await server.ClosedAsync("polite");
        await Mosquitto.PublishAsync(server, version, "-t", "end", "-m", "nobody died");

        (await watcher.SucceedAsync()).Text.Should().Be("nobody died\n");
    }

    [Fact]
    public async Task A_session_of_5_0_ends_when_its_expiry_has_passed()
    {
        var time = new VirtualTime();
        await using var server = await OurBroker.StartAsync(new MqttBrokerOptions { TimeProvider = time });
        await Mosquitto.ReceiveAsync(server, "mqttv5", "keeper", "-t", "a", "-q", "1", "-c", "-x", "60", "-E");
        await server.ClosedAsync("keeper");
        await Mosquitto.PublishAsync(server, "mqttv5", "-t", "a", "-q", "1", "-m", "too late");

        time.Advance(TimeSpan.FromSeconds(61));

        await AssertNothingButAsync(server, "mqttv5", "there", "-c");
    }

    [Fact]
    public async Task A_session_of_5_0_lasts_until_its_expiry()
    {
        var time = new VirtualTime();
        await using var server = await OurBroker.StartAsync(new MqttBrokerOptions { TimeProvider = time });
        await Mosquitto.ReceiveAsync(server, "mqttv5", "keeper", "-t", "a", "-q", "1", "-c", "-x", "60", "-E");
        await server.ClosedAsync("keeper");
        await Mosquitto.PublishAsync(server, "mqttv5", "-t", "a", "-q", "1", "-m", "in time");

        time.Advance(TimeSpan.FromSeconds(58));

        (await Mosquitto.ReceiveAsync(server, "mqttv5", "keeper", "-t", "b", "-c", "-x", "60", "-C", "1")).Text.Should().Be("in time\n");
    }

    // Whatever the session holds would come before what is published once its client has subscribed.
    private static async Task AssertNothingButAsync(OurBroker server, string version, string payload, params string[] flags)
    {
        await using var keeper = await Mosquitto.SubscribeAsync(server, version, "keeper", ["-t", "a", "-q", "1", "-C", "1", .. flags]);
        await Mosquitto.PublishAsync(server, version, "-t", "a", "-q", "1", "-m", payload);
        (await keeper.SucceedAsync()).Text.Should().Be($"{payload}\n");
    }
}
