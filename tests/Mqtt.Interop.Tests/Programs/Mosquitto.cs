namespace Mqtt.Interop.Tests;

/// <summary>Debian's <c>mosquitto_pub</c>, <c>mosquitto_sub</c> and <c>mosquitto_rr</c>.</summary>
internal static class Mosquitto
{
    private const string Whence = "install Debian's package mosquitto-clients, as ./test.sh does";

    /// <summary>The versions as these programs call them.</summary>
    public static readonly string[] Versions = ["mqttv31", "mqttv311", "mqttv5"];

    /// <summary>Starts a subscriber, and waits until its SUBSCRIBE was answered.</summary>
    public static async Task<RunningProgram> SubscribeAsync(IServer server, string version, string clientId, params string[] flags)
    {
        var subscriber = RunningProgram.Start("mosquitto_sub", ["-h", "127.0.0.1", "-p", $"{server.Port}", "-V", version, "-i", clientId, .. flags], Whence);
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

    /// <summary>Starts a subscriber that has to get all it wants by itself, and waits for its end.</summary>
    public static async Task<ProgramResult> ReceiveAsync(IServer server, string version, string clientId, params string[] flags)
    {
        await using var subscriber = await SubscribeAsync(server, version, clientId, flags);
        return await subscriber.SucceedAsync();
    }

    /// <summary>Publishes, and waits until that is done.</summary>
    public static async Task PublishAsync(IServer server, string version, params string[] flags)
    {
        await using var publisher = Publish(server, version, flags);
        publisher.Input.Close();
        await publisher.SucceedAsync();
    }

    /// <summary>Publishes what comes on standard input.</summary>
    public static async Task PublishAsync(IServer server, string version, byte[] input, params string[] flags)
    {
        await using var publisher = Publish(server, version, flags);
        await publisher.Input.WriteAsync(input);
        publisher.Input.Close();
        await publisher.SucceedAsync();
    }

    /// <summary>Starts a publisher, however it may end.</summary>
    public static RunningProgram Publish(IServer server, string version, string[] flags) =>
        RunningProgram.Start("mosquitto_pub", ["-h", "127.0.0.1", "-p", $"{server.Port}", "-V", version, .. flags], Whence);

    /// <summary>Starts a request, which ends with its answer.</summary>
    public static RunningProgram Request(IServer server, string version, params string[] flags) =>
        RunningProgram.Start("mosquitto_rr", ["-h", "127.0.0.1", "-p", $"{server.Port}", "-V", version, .. flags], Whence);

    /// <summary>All lines of a subscriber before the one that says <c>end</c>.</summary>
    public static async Task<List<string>> LinesToEndAsync(RunningProgram subscriber)
    {
        var lines = new List<string>();
        while (await subscriber.NextLineAsync() is not "end" and var line)
            lines.Add(line);
        return lines;
    }
}
