using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Mqtt.Client.Sqlite;

namespace Mqtt.EndToEnd.Tests;

/// <summary>A process that publishes with a store is killed; the next one has everything that the first said was taken.</summary>
public class KillTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_publisher_that_is_killed_loses_nothing_that_was_taken_and_sends_nothing_twice_at_QoS_2(bool isConnected)
    {
        var folder = Directory.CreateTempSubdirectory("mqtt-kill-");
        await using var town = await Town.BeginAsync(Transport.Tcp);
        var received = new ConcurrentQueue<int>();
        var isOver = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var receiver = await town.ConnectedAsync("receiver");
        await receiver.SubscribeAsync("#", (message, _) =>
        {
            if (message.Topic == "end")
                isOver.TrySetResult();
            else
                received.Enqueue(int.Parse(message.GetText(), CultureInfo.InvariantCulture));
            return default;
        }, QualityOfService.ExactlyOnce);

        var store = new MqttSqliteStore(Path.Combine(folder.FullName, "queue.db"));
        var taken = await RunAndKillAsync(store.Path, isConnected ? town.Address : null, after: 300);
        var next = town.Client("publisher", change: options => options with { Queue = new() { Store = store } });
        await next.ConnectAsync().Soon();
        await next.EnqueueAsync(new MqttMessage("end", "") { QualityOfService = QualityOfService.ExactlyOnce }).Soon();
        await isOver.Task.Soon();

        var firsts = received.Distinct().ToList();
        firsts.Should().StartWith(Enumerable.Range(1, taken)).And.BeInAscendingOrder();
        received.Where(number => number % 2 == 1).Should().OnlyHaveUniqueItems();
        await next.DisposeAsync();
        folder.Delete(recursive: true);
    }

    // Kills the process, in the midst of what it does, as soon as it has said that so many messages are taken; returns how many it has said in all.
    private static async Task<int> RunAndKillAsync(string file, string? address, int after)
    {
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Name;
        var program = Repository.Path("artifacts", "bin", "Mqtt.EndToEnd.Publisher", configuration, "Mqtt.EndToEnd.Publisher.dll");
        using var process = Process.Start(new ProcessStartInfo("dotnet", [program, file, .. address is null ? [] : (string[])[address]]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        try
        {
            var errors = process.StandardError.ReadToEndAsync(patience.Token);
            var taken = 0;
            while (await process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
            {
                taken = int.Parse(line, CultureInfo.InvariantCulture);
                if (taken == after)
                    process.Kill();
            }

            (await errors).Should().BeEmpty();
            await process.WaitForExitAsync(patience.Token);
            taken.Should().BeGreaterThanOrEqualTo(after);
            return taken;
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }
}
