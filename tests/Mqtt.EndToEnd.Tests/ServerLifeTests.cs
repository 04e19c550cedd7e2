namespace Mqtt.EndToEnd.Tests;

/// <summary>What servers take of the process, and that they give it back.</summary>
[Collection(Alone.Name)]
public class ServerLifeTests
{
    public static readonly TheoryData<Transport> Transports = new(Enum.GetValues<Transport>());

    [Theory, MemberData(nameof(Transports))]
    public async Task Many_servers_in_a_row_leave_no_thread_no_descriptor_and_no_buffer_behind(Transport transport)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Threads and descriptors are counted in /proc.");
        await LiveAndDie(transport);
        var buffers = new BufferLeakCheck();
        var descriptors = DescriptorCount();

        for (var i = 0; i < 50; i++)
            await LiveAndDie(transport);

        DescriptorCount().Should().BeLessThan(descriptors + 20, "the runtime may have opened some of its own, but not hundreds");
        ThreadNames().Should().NotContain(name => name.StartsWith("mqtt-loop", StringComparison.Ordinal));
        buffers.Verify();
    }

    // Two clients talk; then the server stops under them.
    private static async Task LiveAndDie(Transport transport)
    {
        await using var town = await Town.BeginAsync(transport);
        var receiver = await town.ConnectedAsync("receiver");
        var sender = await town.ConnectedAsync("sender");
        await using (var subscription = await receiver.SubscribeAsync("a", QualityOfService.AtLeastOnce))
        {
            await sender.PublishAsync("a", "x", QualityOfService.AtLeastOnce).Soon();
            (await subscription.TakeAsync(1)).Should().ContainSingle();
        }

        await town.StopServerAsync().Soon();
    }

    private static int DescriptorCount()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Directory.GetFiles("/proc/self/fd").Length;
    }

    private static IEnumerable<string> ThreadNames() =>
        Directory.GetDirectories("/proc/self/task").Select(task => File.ReadAllText(Path.Combine(task, "comm")));
}
