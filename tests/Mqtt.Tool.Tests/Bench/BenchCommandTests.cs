using System.Text.Json;

namespace Mqtt.Tool.Tests.Bench;

public class BenchCommandTests
{
    public static TheoryData<string, string, string> Runs()
    {
        var runs = new TheoryData<string, string, string>();
        foreach (var shape in (string[])["pairs", "fanin", "fanout", "mesh", "echo"])
        {
            foreach (var quality in (string[])["0", "1", "2"])
                runs.Add(shape, quality, "5");
        }

        runs.Add("pairs", "2", "31");
        runs.Add("mesh", "1", "311");
        return runs;
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public async Task Every_message_comes_to_each_of_its_receivers_once(string shape, string quality, string version)
    {
        await using var server = await TestServer.StartAsync();
        await using var bench = await Shell.RunAsync(server.To("bench", shape, "-n", "3", "-c", "500", "-q", quality, "-V", version, "--json"));

        var figures = Figures(bench);
        var publishers = shape == "fanout" ? 1 : 3;
        var receivers = shape is "fanout" or "mesh" ? 3 : 1;
        figures["published"].Should().Be(publishers * 500);
        figures["received"].Should().Be(publishers * 500 * receivers);
        (figures["lost"], figures["duplicates"], figures["late"], figures["connections_lost"]).Should().Be((0, 0, 0, 0));
        figures["latency_p50_us"].Should().BePositive().And.BeLessThanOrEqualTo(figures["latency_p99_us"]);
        figures["answer_p50_us"].Should().Match(time => quality == "0" ? time == 0 : time > 0, "there are answers at QoS 1 and 2 only");
    }

    [Theory]
    [InlineData("0")]
    [InlineData("1")]
    public async Task Publishing_alone_needs_no_receiver(string quality)
    {
        await using var server = await TestServer.StartAsync();
        await using var bench = await Shell.RunAsync(server.To("bench", "pub", "-n", "2", "-c", "100", "-q", quality, "--json"));

        var figures = Figures(bench);
        (figures["operations"], figures["received"], figures["lost"]).Should().Be((200, 0, 0));
    }

    [Fact]
    public async Task Subscribing_alone_counts_filters()
    {
        await using var server = await TestServer.StartAsync();
        await using var bench = await Shell.RunAsync(server.To("bench", "sub", "-n", "3", "--filters", "250", "--json"));

        Figures(bench)["operations"].Should().Be(750);
    }

    [Fact]
    public async Task Connections_are_held_for_a_time()
    {
        await using var server = await TestServer.StartAsync();
        await using var bench = await Shell.RunAsync(server.To("bench", "connect", "-n", "250", "-d", "1ms", "--json"));

        var figures = Figures(bench);
        (figures["clients"], figures["connections_lost"]).Should().Be((250, 0));
        figures["answer_p99_us"].Should().BePositive();
    }

    [Fact]
    public async Task A_time_ends_a_run_and_a_rate_bounds_it()
    {
        await using var server = await TestServer.StartAsync();
        await using var bench = await Shell.RunAsync(server.To("bench", "pairs", "-n", "2", "-d", "300ms", "-r", "1000", "--json"));

        var figures = Figures(bench);
        figures["published"].Should().BePositive().And.BeLessThanOrEqualTo((figures["seconds"] * 1000) + 1);
        figures["received"].Should().Be(figures["published"]);
    }

    [Fact]
    public async Task A_preset_is_a_set_of_flags_that_later_ones_change()
    {
        await using var server = await TestServer.StartAsync();
        await using var bench = await Shell.RunAsync(server.To("bench", "--preset", "stresser-10x1000", "-n", "2", "--json"));

        var figures = Figures(bench);
        (figures["clients"], figures["published"], figures["payload_bytes"]).Should().Be((2, 2000, 16));
    }

    [Fact]
    public async Task For_people_there_are_lines_and_for_tables_there_is_CSV()
    {
        await using var server = await TestServer.StartAsync();
        await using var text = await Shell.RunAsync(server.To("bench", "pairs", "-c", "10"));
        await using var csv = await Shell.RunAsync(server.To("bench", "pairs", "-c", "10", "--csv"));

        text.Output.Should().Contain("published  10 in").And.Contain("0 lost, 0 duplicates, 0 late");
        var lines = csv.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Should().HaveCount(2);
        lines[0].Split(',').Should().HaveSameCount(lines[1].Split(',')).And.StartWith("shape");
    }

    [Fact]
    public async Task What_the_server_refuses_is_said()
    {
        await using var server = await TestServer.StartAsync("--max-subscriptions", "1");
        await using var bench = await Shell.RunAsync(server.To("bench", "sub", "--filters", "2"));

        (await bench.ExitCodeAsync()).Should().Be(1);
        bench.Error.Should().Contain("refused a subscription");
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_named()
    {
        await using var bench = await Shell.RunAsync("bench", "pairs", "--unix", "/there/is/no/such/socket");

        (await bench.ExitCodeAsync()).Should().Be(1);
        bench.Error.Should().Contain("/there/is/no/such/socket");
    }

    [Theory]
    [InlineData("triangle")]
    [InlineData("pairs", "-s", "15")]
    [InlineData("--preset", "none")]
    [InlineData("pairs", "-t", "a/#")]
    public async Task A_wrong_command_line_is_told(params string[] flags)
    {
        await using var bench = await Shell.RunAsync(["bench", .. flags]);

        (await bench.ExitCodeAsync()).Should().Be(2);
        bench.Error.Should().Contain(flags[^1]);
    }

    private static Dictionary<string, double> Figures(Shell bench)
    {
        bench.Error.Should().BeEmpty();
        return JsonDocument.Parse(bench.Output).RootElement.EnumerateObject().Where(one => one.Value.ValueKind == JsonValueKind.Number)
            .ToDictionary(one => one.Name, one => one.Value.GetDouble());
    }
}
