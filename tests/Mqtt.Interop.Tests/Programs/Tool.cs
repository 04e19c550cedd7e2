namespace Mqtt.Interop.Tests;

/// <summary>Our own program <c>mqtt</c>, as it was built, in a process of its own.</summary>
internal static class Tool
{
    /// <summary>The versions as mosquitto's tools and ours call them.</summary>
    public static readonly string[] Versions = ["31", "311", "5"];

    // artifacts/bin/<project>/<configuration>/
    private static readonly string Configuration = System.IO.Path.GetFileName(AppContext.BaseDirectory.TrimEnd(System.IO.Path.DirectorySeparatorChar));
    /// <summary>Where the program is.</summary>
    public static readonly string Path = Repository.Path("artifacts", "bin", "Mqtt.Tool", Configuration, "mqtt");

    public static RunningProgram Start(params string[] arguments) => RunningProgram.Start(Path, arguments, "build the solution");

    /// <summary>Starts <c>mqtt sub</c>, and waits until its SUBSCRIBE was answered.</summary>
    public static async Task<RunningProgram> SubscribeAsync(IServer server, string version, string clientId, params string[] flags)
    {
        var subscriber = Start(["sub", "-h", "127.0.0.1", "-p", $"{server.Port}", "-V", version, "-i", clientId, .. flags]);
        try
        {
            await subscriber.CauseAsync(server.SubscribedAsync(clientId));
            return subscriber;
        }
        catch
        {
            await subscriber.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs <c>mqtt pub</c>.</summary>
    public static Task PublishAsync(IServer server, string version, params string[] flags) => PublishAsync(server, version, [], flags);

    /// <summary>Runs <c>mqtt pub</c> with something on standard input.</summary>
    public static async Task PublishAsync(IServer server, string version, byte[] input, params string[] flags)
    {
        await using var publisher = Start(["pub", "-h", "127.0.0.1", "-p", $"{server.Port}", "-V", version, .. flags]);
        await publisher.Input.WriteAsync(input);
        publisher.Input.Close();
        await publisher.SucceedAsync();
    }
}
