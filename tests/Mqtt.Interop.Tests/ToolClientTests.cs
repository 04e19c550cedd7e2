using System.Text;

namespace Mqtt.Interop.Tests;

/// <summary><c>mqtt pub</c> and <c>mqtt sub</c> with each other and with mosquitto's programs, over our server and over Debian's.</summary>
public class ToolClientTests
{
    public enum Server
    {
        Ours,
        Debian,
    }

    public static TheoryData<Server, string, int> ServersVersionsAndQuality
    {
        get
        {
            var data = new TheoryData<Server, string, int>();
            foreach (var server in Enum.GetValues<Server>())
            {
                foreach (var version in Tool.Versions)
                {
                    for (var quality = 0; quality <= 2; quality++)
                        data.Add(server, version, quality);
                }
            }

            return data;
        }
    }

    public static MatrixTheoryData<Server, string> ServersAndVersions => new(Enum.GetValues<Server>(), Tool.Versions);

    [Theory, MemberData(nameof(ServersVersionsAndQuality))]
    public async Task Messages_arrive_once_and_in_order(Server which, string version, int quality)
    {
        var lines = Enumerable.Range(1, 200).Select(number => $"message {number}").ToArray();
        await using var server = await StartAsync(which);
        await using var subscriber = await Tool.SubscribeAsync(server, version, "sub", "-t", "plant/+", "-q", $"{quality}", "-C", "200", "-v");

        await Tool.PublishAsync(server, version, Encoding.UTF8.GetBytes(string.Join('\n', lines)), "-t", "plant/7", "-l", "-q", $"{quality}");

        (await subscriber.SucceedAsync()).Lines.Should().Equal(lines.Select(line => $"plant/7 {line}"));
    }

    [Theory, MemberData(nameof(ServersAndVersions))]
    public async Task Our_subscriber_prints_what_mosquitto_sub_prints(Server which, string version)
    {
        byte[] binary = [0, 255, 10, 65, 13, 10, 128];
        string[] flags = ["-t", "#", "-q", "1", "-C", "5", "-v"];
        await using var server = await StartAsync(which);
        await Mosquitto.PublishAsync(server, $"mqttv{version}", "-t", "kept", "-r", "-m", "retained", "-q", "1");
        await using var ours = await Tool.SubscribeAsync(server, version, "ours", flags);
        await using var theirs = await Mosquitto.SubscribeAsync(server, $"mqttv{version}", "theirs", flags);

        await Mosquitto.PublishAsync(server, $"mqttv{version}", "-t", "text", "-m", "žluťoučký kůň", "-q", "1");
        await Mosquitto.PublishAsync(server, $"mqttv{version}", binary, "-t", "binary", "-s", "-q", "1");
        await Mosquitto.PublishAsync(server, $"mqttv{version}", "-t", "empty", "-n", "-q", "1");
        await Mosquitto.PublishAsync(server, $"mqttv{version}", "-t", "a//b/", "-m", " spaces ", "-q", "1");

        (await ours.SucceedAsync()).Output.Should().Equal((await theirs.SucceedAsync()).Output);
    }

    [Theory, MemberData(nameof(ServersAndVersions))]
    public async Task A_mebibyte_from_our_publisher_reaches_mosquitto_sub_byte_for_byte(Server which, string version)
    {
        var payload = new byte[1024 * 1024];
        new Random(3).NextBytes(payload);
        await using var server = await StartAsync(which);
        await using var subscriber = await Mosquitto.SubscribeAsync(server, $"mqttv{version}", "sub", "-t", "a", "-q", "1", "-C", "1", "-N");

        await Tool.PublishAsync(server, version, payload, "-t", "a", "-s", "-q", "1");

        (await subscriber.SucceedAsync()).Output.AsSpan().SequenceEqual(payload).Should().BeTrue();
    }

    [Theory, MemberData(nameof(ServersAndVersions))]
    public async Task A_kept_session_brings_what_came_meanwhile(Server which, string version)
    {
        await using var server = await StartAsync(which);
        await using (var first = await Tool.SubscribeAsync(server, version, "keeper", "-t", "a", "-q", "1", "-c", "-C", "1"))
        {
            await Mosquitto.PublishAsync(server, $"mqttv{version}", "-t", "a", "-m", "0", "-q", "1");
            (await first.SucceedAsync()).Text.Should().Be("0\n");
        }

        await Mosquitto.PublishAsync(server, $"mqttv{version}", "1\n2\n3\n"u8.ToArray(), "-t", "a", "-l", "-q", "1");
        await using var again = await Tool.SubscribeAsync(server, version, "keeper", "-t", "a", "-q", "1", "-c", "-C", "3");

        (await again.SucceedAsync()).Text.Should().Be("1\n2\n3\n");
    }

    [Theory, MemberData(nameof(ServersAndVersions))]
    public async Task The_will_of_a_subscriber_that_is_killed_is_published(Server which, string version)
    {
        await using var server = await StartAsync(which);
        await using var watcher = await Mosquitto.SubscribeAsync(server, $"mqttv{version}", "watcher", "-t", "will", "-C", "1");
        await using var dying = await Tool.SubscribeAsync(server, version, "dying", "-t", "a", "--will-topic", "will", "--will-payload", "gone");

        dying.Kill();

        (await watcher.SucceedAsync()).Text.Should().Be("gone\n");
    }

    [Theory, MemberData(nameof(ServersAndVersions))]
    public async Task A_subscriber_that_is_stopped_says_goodbye_and_leaves_no_will(Server which, string version)
    {
        await using var server = await StartAsync(which);
        await using var watcher = await Mosquitto.SubscribeAsync(server, $"mqttv{version}", "watcher", "-t", "#", "-C", "1");
        await using var polite = await Tool.SubscribeAsync(server, version, "polite", "-t", "a", "--will-topic", "will", "--will-payload", "gone");

        await polite.SignalAsync("INT");
        var stopped = await polite.EndAsync();
        stopped.ExitCode.Should().Be(0, stopped.Error);
        await Tool.PublishAsync(server, version, "-t", "end", "-m", "nobody died", "-q", "1");

        (await watcher.SucceedAsync()).Text.Should().Be("nobody died\n");
    }

    [Fact]
    public async Task A_subscriber_whose_reader_goes_ends_quietly()
    {
        await using var server = await ToolServer.StartAsync();
        await Tool.PublishAsync(server, "5", "-t", "a", "-m", "first", "-r", "-q", "1");
        // The shell closes standard output of the subscriber once it has read a line.
        await using var shell = RunningProgram.Start(
            "sh", ["-c", $"{{ '{Tool.Path}' sub -h 127.0.0.1 -p {server.Port} -t a -i piped; echo \"ended with $?\" >&2; }} | head -n 1"], "a shell is needed");
        (await shell.NextLineAsync()).Should().Be("first");

        await Tool.PublishAsync(server, "5", "-t", "a", "-m", "second", "-q", "1");

        (await shell.ErrorLineAsync("")).Should().Be("ended with 0");
        (await shell.EndAsync()).Error.Should().Be("ended with 0\n");
    }

    private static async Task<IServer> StartAsync(Server which) => which == Server.Ours ? await ToolServer.StartAsync() : await DebianMosquitto.StartAsync();
}
