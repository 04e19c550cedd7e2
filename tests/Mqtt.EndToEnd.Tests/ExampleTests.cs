using System.Diagnostics;

namespace Mqtt.EndToEnd.Tests;

/// <summary>Runs the programs of the examples that come to an end by themselves: they must do what they show.</summary>
public class ExampleTests
{
    [Fact]
    public async Task Hooks_of_the_example_allow_change_rewrite_and_are_told()
    {
        var lines = await RunAsync("Hooks");

        lines.Should().BeEquivalentTo(
            "broker: device-7 connected",
            "broker: device-7: plant/device-7/temperature = 21.5 C",
            "client: NoMatchingSubscribers, NotAuthorized");
    }

    [Fact]
    public async Task A_handler_and_its_middleware_serve_without_a_broker()
    {
        var lines = await RunAsync("Handler");

        lines.Should().StartWith(["server: Connect", "server: Subscribe", "server: Publish"]).And.Contain("client: echo/hello = world");
    }

    [Fact]
    public async Task Workers_share_the_jobs_and_one_that_leaves_loses_none()
    {
        var lines = await RunAsync("SharedSubscriptions");

        lines.Select(line => line.Split(": ")[0]).Should().Equal(Enumerable.Range(1, 9).Select(number => $"job {number}"));
        lines.Select(line => line.Split(": ")[1]).Should().OnlyContain(worker => worker == "Anna" || worker == "Bert");
        lines[6..].Should().Equal(["job 7: Anna", "job 8: Anna", "job 9: Anna"], "Bert has left by then");
    }

    [Fact]
    public async Task Who_answers_the_challenge_comes_in_and_who_does_not_know_the_key_is_refused()
    {
        var lines = await RunAsync("EnhancedAuthentication");

        lines.Should().Equal("meter-7 is in", "meter-7 is refused: NotAuthorized");
    }

    [Fact]
    public async Task Who_proves_the_password_comes_in_and_proves_it_once_more()
    {
        var lines = await RunAsync("ScramAuthentication");

        lines.Should().Equal("meter-7 is in", "meter-7 has proven it once more", "meter-7 is refused: NotAuthorized", "meter-8 is refused: NotAuthorized");
    }

    [Fact]
    public async Task A_program_is_a_client_of_its_own_broker_and_publishes_to_whom_it_likes()
    {
        var lines = await RunAsync("InProcess");

        lines.Should().Equal("app: plant/7/temperature = 21.5", "broker: 1 and 0 receivers", "device: start");
    }

    [Fact]
    public async Task A_packet_is_handled_as_if_a_client_had_sent_it()
    {
        var lines = await RunAsync("Injection");

        lines.Should().Equal(
            "broker: device-7 published",
            "device: status/device-7 = alive",
            "broker: device-8 is away",
            "broker: a second CONNECT is refused",
            "device: ProtocolError");
    }

    [Fact]
    public async Task The_program_and_a_client_answer_requests()
    {
        var lines = await RunAsync("RequestResponse");

        lines.Should().Equal("asker: plant/7/name is plant 7", "asker: sum/2/3 is 5", "asker: nobody knows");
    }

    [Fact]
    public async Task Whoever_shows_a_certificate_comes_in_and_trusts_no_other_server()
    {
        var lines = await RunAsync("ClientCertificates");

        lines.Should().Equal("meter-7 is in", "a stranger stays outside", "a doubter stays outside");
    }

    [Fact]
    public async Task A_client_comes_through_a_web_server()
    {
        var lines = await RunAsync("WebSocket");

        lines.Should().Equal("/mqtt with Bearer let-me-in", "plant/7/temperature = 21.5");
    }

    [Fact]
    public async Task A_worker_of_a_host_outlives_its_connection_and_loses_nothing()
    {
        var lines = await RunAsync("Worker");

        lines.Should().BeEquivalentTo("boiler 7: heats to 23", "app: 21", "app: 22", "app: 23");
        lines[1..].Should().Equal("app: 21", "app: 22", "app: 23");
    }

    [Fact]
    public async Task A_broker_of_a_host_takes_its_options_hooks_and_checks_from_it()
    {
        var lines = await RunAsync("HostedBroker");

        lines.Should().Equal("endpoints: 2", "anna: in", "bert: NotAuthorized", "health: Healthy");
    }

    [Fact]
    public async Task A_program_is_tested_without_a_network()
    {
        var lines = await RunAsync("TestingWithoutANetwork");

        lines.Should().Equal("31 degrees: on", "now: True", "two hours later: False", "refused: Banned", "cut: Reconnecting");
    }

    [Fact]
    public async Task A_meter_without_a_network_loses_nothing_although_its_program_ends()
    {
        var lines = await RunAsync("OfflineQueue");

        lines.Should().Equal("meter: 2 wait", "meter: 3 wait", "app: 21.5", "app: 21.6", "app: 21.7", "app: 21.8");
    }

    private static async Task<string[]> RunAsync(string example)
    {
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Name;
        var program = Repository.Path("artifacts", "bin", example, configuration, $"{example}.dll");
        using var process = Process.Start(new ProcessStartInfo("dotnet", [program]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(patience.Token);
            var errors = process.StandardError.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            (await errors).Should().BeEmpty();
            process.ExitCode.Should().Be(0);
            return (await output).Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }
}
