using System.Text;

namespace Mqtt.Interop.Tests;

/// <summary>mosquitto's subscribers and MQTT.js share subscriptions of our broker, which knows them for 3.x too.</summary>
public class SharedSubscriptionTests
{
    public static MatrixTheoryData<int, int> VersionsAndQuality => new(MqttJs.Versions, [0, 1, 2]);

    public static TheoryData<int> Versions => [.. MqttJs.Versions];

    [Theory, MemberData(nameof(VersionsAndQuality))]
    public async Task Members_of_a_group_share_its_messages_among_them(int version, int quality)
    {
        await using var server = await OurBroker.StartAsync();
        await using var first = await MemberAsync(server, version, "first", quality);
        await using var second = await MemberAsync(server, version, "second", quality);
        await using var third = await MqttJs.ConnectAsync(server, version);
        (await third.SubscribeAsync("$share/group/jobs/#", new { qos = quality })).Should().Be(quality);
        await third.SubscribeAsync("end", new { qos = quality });
        await using var publisher = await MqttJs.ConnectAsync(server, version);

        for (var number = 1; number <= 30; number++)
            await publisher.PublishAsync("jobs/7", $"{number:00}", new { qos = quality });
        await publisher.PublishAsync("end", "end", new { qos = quality });

        string[][] shares =
        [
            [.. await Mosquitto.LinesToEndAsync(first)],
            [.. await Mosquitto.LinesToEndAsync(second)],
            [.. (await third.MessagesToEndAsync()).Select(message => message.Text)],
        ];
        shares.Should().OnlyContain(share => share.Length > 0).And.OnlyContain(share => share.SequenceEqual(share.Order()));
        shares.SelectMany(share => share).Order().Should().Equal(Enumerable.Range(1, 30).Select(number => $"{number:00}"));
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Each_group_gets_its_own_copy_beside_the_ordinary_subscribers(int version)
    {
        await using var server = await OurBroker.StartAsync();
        await using var client = await MqttJs.ConnectAsync(server, version);
        foreach (var filter in new[] { "$share/one/a", "$share/two/a", "a", "end" })
            await client.SubscribeAsync(filter, new { qos = 1 });

        await client.PublishAsync("a", "copy", new { qos = 1 });
        await client.PublishAsync("end", "end", new { qos = 1 });

        (await client.MessagesToEndAsync()).Select(message => message.Text).Should().Equal("copy", "copy", "copy");
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task What_a_member_that_dies_has_not_acknowledged_goes_to_another(int version)
    {
        await using var server = await OurBroker.StartAsync();
        await using var dying = await MemberAsync(server, version, "dying", 1);
        await using var other = await MqttJs.ConnectAsync(server, version);
        await other.SubscribeAsync("$share/group/jobs/#", new { qos = 1 });
        await other.SubscribeAsync("end", new { qos = 1 });
        await dying.SignalAsync("STOP");

        var lines = string.Concat(Enumerable.Range(1, 20).Select(number => $"{number:00}\n"));
        await Mosquitto.PublishAsync(server, "mqttv5", Encoding.UTF8.GetBytes(lines), "-t", "jobs/7", "-q", "1", "-l");
        dying.Kill();
        await server.ClosedAsync("dying");
        await Mosquitto.PublishAsync(server, "mqttv5", "-t", "end", "-q", "1", "-m", "end");

        (await other.MessagesToEndAsync()).Select(message => message.Text).Order().Should().Equal(Enumerable.Range(1, 20).Select(number => $"{number:00}"));
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task A_shared_subscription_brings_no_retained_messages(int version)
    {
        await using var server = await OurBroker.StartAsync();
        await using var client = await MqttJs.ConnectAsync(server, version);
        await client.PublishAsync("a", "kept", new { qos = 1, retain = true });

        await client.SubscribeAsync("$share/group/#", new { qos = 1 });
        await client.PublishAsync("a", "end", new { qos = 1 });

        (await client.MessagesToEndAsync()).Should().BeEmpty();
    }

    private static async Task<RunningProgram> MemberAsync(OurBroker server, int version, string clientId, int quality)
    {
        var name = Mosquitto.Versions[Array.IndexOf(MqttJs.Versions, version)];
        return await Mosquitto.SubscribeAsync(server, name, clientId, "-t", "$share/group/jobs/#", "-t", "end", "-q", $"{quality}");
    }
}
