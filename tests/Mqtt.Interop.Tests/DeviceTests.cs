using Mqtt.Server;
using Mqtt.Testing;

namespace Mqtt.Interop.Tests;

/// <summary>Devices that crash, reboot under the same name, and lose their power without a word; each is a process.</summary>
public class DeviceTests
{
    public static MatrixTheoryData<int, bool> VersionsAndCleanliness => new(MqttJs.Versions, [true, false]);

    public static TheoryData<string> MosquittoVersions => [.. Mosquitto.Versions];

    [Theory, MemberData(nameof(VersionsAndCleanliness))]
    public async Task A_device_that_crashes_is_offline_until_it_has_rebooted(int version, bool clean)
    {
        await using var server = await OurBroker.StartAsync();
        await using var watcher = await Mosquitto.SubscribeAsync(server, "mqttv311", "watcher", "-t", "status/device", "-q", "1");

        for (var boot = 1; boot <= 3; boot++)
        {
            await using var device = await BootAsync(server, version, clean);
            await device.PublishAsync("status/device", $"online {boot}", new { qos = 1, retain = true });
            (await watcher.NextLineAsync()).Should().Be($"online {boot}");
            (await StatusAsync(server)).Should().Be($"online {boot}\n");

            device.Kill();
            (await watcher.NextLineAsync()).Should().Be("offline");
            (await StatusAsync(server)).Should().Be("offline\n");
        }
    }

    [Theory, MemberData(nameof(VersionsAndCleanliness))]
    public async Task A_device_that_reboots_before_it_was_missed_finds_its_will_retained_and_has_the_last_word(int version, bool clean)
    {
        await using var server = await OurBroker.StartAsync();
        await using var lost = await BootAsync(server, version, clean);
        await lost.PublishAsync("status/device", "online", new { qos = 1, retain = true });
        await using var watcher = await Mosquitto.SubscribeAsync(server, "mqttv311", "watcher", "-t", "status/device", "-q", "1", "-C", "3");
        await lost.SignalAsync("STOP"); // nothing comes of it any more, and its connection stays

        await using var device = await BootAsync(server, version, clean);
        await device.SubscribeAsync("status/device", new { qos = 1 });
        (await device.MessageAsync()).Line.Should().Be("status/device offline 1 retained");
        await device.PublishAsync("status/device", "online again", new { qos = 1, retain = true });

        (await watcher.SucceedAsync()).Lines.Should().Equal("online", "offline", "online again");
        (await StatusAsync(server)).Should().Be("online again\n");
    }

    [Theory, MemberData(nameof(MosquittoVersions))]
    [Spec(V5, "3.1.2-22"), Spec(V311, "3.1.2-24")]
    public async Task A_client_that_is_stopped_is_closed_after_one_and_a_half_keep_alives_and_its_will_is_published(string version)
    {
        var time = new VirtualTime();
        await using var server = await OurBroker.StartAsync(time: time);
        await using var watcher = await Mosquitto.SubscribeAsync(server, version, "watcher", "-t", "#", "-q", "1", "-k", "3600", "-C", "2");
        await using var device = await Mosquitto.SubscribeAsync(
            server, version, "device", "-t", "a", "-k", "10", "--will-topic", "status/device", "--will-payload", "offline", "--will-qos", "1");
        await device.SignalAsync("STOP");

        time.Advance(TimeSpan.FromSeconds(14));
        await Mosquitto.PublishAsync(server, version, "-t", "clock", "-q", "1", "-m", "14 s");
        (await watcher.NextLineAsync()).Should().Be("14 s");
        time.Advance(TimeSpan.FromSeconds(2));
        time.Advance(new MqttConnectionLimits().LingerTimeout + TimeSpan.FromSeconds(1)); // a connection that is closed waits for its peer so long

        await server.ClosedAsync("device");
        (await watcher.SucceedAsync()).Lines.Should().Equal("14 s", "offline");
    }

    // With the clock of the machine: keep-alives long enough for one that is busy, and short enough for those who wait.
    [Theory, InlineData(4), InlineData(5)]
    public async Task A_client_that_is_stopped_is_missed_while_its_neighbour_goes_on_pinging(int version)
    {
        await using var server = await OurBroker.StartAsync();
        await using var neighbour = await MqttJs.ConnectAsync(server, version, new { keepalive = 2 });
        await neighbour.SubscribeAsync("#", new { qos = 1 });
        await using var device = await BootAsync(server, version, clean: true, keepalive: 3);

        await device.SignalAsync("STOP");

        (await neighbour.MessageAsync()).Line.Should().Be("status/device offline 1 live");
        await server.ClosedAsync("device");
        await neighbour.PublishAsync("a", "still there", new { qos = 1 });
        (await neighbour.MessageAsync()).Text.Should().Be("still there");

        await device.SignalAsync("CONT");
        await device.EventAsync("closed");
    }

    private static Task<MqttJs> BootAsync(OurBroker server, int version, bool clean, int keepalive = 60) => MqttJs.ConnectAsync(server, version, new
    {
        clientId = "device",
        clean,
        keepalive,
        properties = version == 5 && !clean ? new { sessionExpiryInterval = 300 } : null,
        will = new { topic = "status/device", payload = "offline", qos = 1, retain = true },
    });

    // What somebody sees who looks just now.
    private static async Task<string> StatusAsync(OurBroker server) =>
        (await Mosquitto.ReceiveAsync(server, "mqttv5", "late", "-t", "status/device", "-q", "1", "-C", "1", "--retained-only")).Text;
}
