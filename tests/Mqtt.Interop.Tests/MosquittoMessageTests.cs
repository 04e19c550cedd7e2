using System.Text;

namespace Mqtt.Interop.Tests;

/// <summary>mosquitto's clients exchange messages through our broker.</summary>
public class MosquittoMessageTests
{
    public static MatrixTheoryData<string, string> VersionPairs => new(Mosquitto.Versions, Mosquitto.Versions);

    public static TheoryData<string, int, int> VersionsAndQualities
    {
        get
        {
            var data = new TheoryData<string, int, int>();
            foreach (var version in Mosquitto.Versions)
            {
                for (var published = 0; published <= 2; published++)
                {
                    for (var subscribed = 0; subscribed <= 2; subscribed++)
                        data.Add(version, published, subscribed);
                }
            }

            return data;
        }
    }

    public static MatrixTheoryData<string, int> VersionsAndQuality => new(Mosquitto.Versions, [0, 1, 2]);

    public static TheoryData<string> Versions => [.. Mosquitto.Versions];

    [Theory, MemberData(nameof(VersionsAndQualities))]
    [Spec(V311, "7.0.0-2")]
    public async Task A_message_arrives_at_the_lower_of_both_qualities(string version, int published, int subscribed)
    {
        await using var server = await OurBroker.StartAsync();
        await using var subscriber = await Mosquitto.SubscribeAsync(server, version, "sub", "-t", "plant/7", "-q", $"{subscribed}", "-C", "1", "-F", "%t %q %r %p");

        await Mosquitto.PublishAsync(server, version, "-t", "plant/7", "-q", $"{published}", "-m", "21.5");

        (await subscriber.SucceedAsync()).Text.Should().Be($"plant/7 {Math.Min(published, subscribed)} 0 21.5\n");
    }

    [Theory, MemberData(nameof(VersionPairs))]
    public async Task Clients_of_different_versions_reach_each_other(string publisher, string subscriber)
    {
        await using var server = await OurBroker.StartAsync();
        await using var receiving = await Mosquitto.SubscribeAsync(server, subscriber, "sub", "-t", "a", "-q", "2", "-C", "1", "-v");

        await Mosquitto.PublishAsync(server, publisher, "-t", "a", "-q", "2", "-m", "across");

        (await receiving.SucceedAsync()).Text.Should().Be("a across\n");
    }

    [Theory, MemberData(nameof(VersionsAndQuality))]
    public async Task A_thousand_messages_arrive_once_and_in_order(string version, int quality)
    {
        var lines = Enumerable.Range(1, 1000).Select(number => $"message {number}").ToArray();
        await using var server = await OurBroker.StartAsync();
        await using var subscriber = await Mosquitto.SubscribeAsync(server, version, "sub", "-t", "a", "-t", "end", "-q", $"{quality}", "-C", "1001");

        await Mosquitto.PublishAsync(server, version, Encoding.UTF8.GetBytes(string.Join('\n', lines) + '\n'), "-t", "a", "-q", $"{quality}", "-l");
        await Mosquitto.PublishAsync(server, version, "-t", "end", "-q", $"{quality}", "-m", "end");

        (await subscriber.SucceedAsync()).Lines.Should().Equal([.. lines, "end"]);
    }

    [Theory, MemberData(nameof(VersionsAndQuality))]
    public async Task A_payload_of_one_mebibyte_arrives_byte_for_byte(string version, int quality)
    {
        var payload = new byte[1024 * 1024];
        new Random(7).NextBytes(payload);
        await using var server = await OurBroker.StartAsync();
        await using var subscriber = await Mosquitto.SubscribeAsync(server, version, "sub", "-t", "a", "-q", $"{quality}", "-C", "1", "-N");

        await Mosquitto.PublishAsync(server, version, payload, "-t", "a", "-q", $"{quality}", "-s");

        (await subscriber.SucceedAsync()).Output.AsSpan().SequenceEqual(payload).Should().BeTrue();
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task An_empty_payload_arrives(string version)
    {
        await using var server = await OurBroker.StartAsync();
        await using var subscriber = await Mosquitto.SubscribeAsync(server, version, "sub", "-t", "a", "-C", "1", "-F", "%t[%l]");

        await Mosquitto.PublishAsync(server, version, "-t", "a", "-n");

        (await subscriber.SucceedAsync()).Text.Should().Be("a[0]\n");
    }

    [Theory]
    [InlineData("plant/+/temperature", "plant/7/temperature", true)]
    [InlineData("plant/+/temperature", "plant/7/8/temperature", false)]
    [InlineData("plant/#", "plant", true)]
    [InlineData("plant/#", "plant/7/temperature", true)]
    [InlineData("#", "/", true)]
    [InlineData("+/+", "/", true)]
    [InlineData("+", "/", false)]
    [InlineData("#", "$stray/topic", false)]
    [InlineData("+/topic", "$stray/topic", false)]
    [InlineData("$stray/#", "$stray/topic", true)]
    [InlineData("Plant/7", "plant/7", false)]
    [Spec(V5, "4.7.2-1"), Spec(V311, "4.7.2-1"), Spec(V5, "4.7.3-4"), Spec(V311, "4.7.3-4")]
    public async Task A_filter_matches_what_the_standard_says(string filter, string topic, bool matches)
    {
        foreach (var version in Mosquitto.Versions)
        {
            await using var server = await OurBroker.StartAsync();
            await using var subscriber = await Mosquitto.SubscribeAsync(server, version, "sub", "-t", filter, "-t", "the end", "-C", matches ? "2" : "1", "-v");

            await Mosquitto.PublishAsync(server, version, "-t", topic, "-m", "x");
            await Mosquitto.PublishAsync(server, version, "-t", "the end", "-m", "!");

            var expected = matches ? $"{topic} x\n" : "";
            (await subscriber.SucceedAsync()).Text.Should().Be(expected + "the end !\n", version);
        }
    }

    [Theory, MemberData(nameof(VersionsAndQuality))]
    public async Task A_retained_message_waits_for_subscribers_and_is_marked(string version, int quality)
    {
        await using var server = await OurBroker.StartAsync();
        await Mosquitto.PublishAsync(server, version, "-t", "state/door", "-q", $"{quality}", "-r", "-m", "open");
        await Mosquitto.PublishAsync(server, version, "-t", "state/door", "-q", $"{quality}", "-r", "-m", "shut");

        await using var subscriber = await Mosquitto.SubscribeAsync(server, version, "sub", "-t", "state/+", "-q", "2", "-C", "2", "-F", "%t %q %r %p");
        (await subscriber.NextLineAsync()).Should().Be($"state/door {quality} 1 shut");
        await Mosquitto.PublishAsync(server, version, "-t", "state/door", "-q", $"{quality}", "-r", "-m", "open");

        (await subscriber.SucceedAsync()).Lines.Should().Equal($"state/door {quality} 1 shut", $"state/door {quality} 0 open");
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task An_empty_retained_message_removes_what_was_retained(string version)
    {
        await using var server = await OurBroker.StartAsync();
        await Mosquitto.PublishAsync(server, version, "-t", "a", "-r", "-m", "old");
        await Mosquitto.PublishAsync(server, version, "-t", "b", "-r", "-m", "kept");

        await Mosquitto.PublishAsync(server, version, "-t", "a", "-r", "-n");

        await using var subscriber = await Mosquitto.SubscribeAsync(server, version, "sub", "-t", "a", "-t", "b", "-t", "end", "-C", "2", "-v");
        (await subscriber.NextLineAsync()).Should().Be("b kept");
        await Mosquitto.PublishAsync(server, version, "-t", "end", "-m", "!");
        (await subscriber.SucceedAsync()).Lines.Should().Equal("b kept", "end !");
    }
}
