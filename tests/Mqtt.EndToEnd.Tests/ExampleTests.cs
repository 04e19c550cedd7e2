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

        lines.Should().BeEquivalentTo("server: Publish in time", "client: echo/hello = world");
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
