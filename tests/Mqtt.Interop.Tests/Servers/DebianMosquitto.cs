using System.Text;

namespace Mqtt.Interop.Tests;

/// <summary>Debian's mosquitto as the server, and as a bridge to ours.</summary>
internal sealed class DebianMosquitto : IServer
{
    // It knows no port 0.
    private readonly HeldPort port = new();
    private readonly HeldPort webSocketPort = new();
    private readonly byte[] configuration;
    private RunningProgram program;

    private DebianMosquitto(IEnumerable<string> configuration, bool byWebSocket)
    {
        // Started by root, it would become a user who can read nothing of what a test has written.
        List<string> lines = ["user root", $"listener {port.Number} 127.0.0.1", "allow_anonymous true"];
        if (byWebSocket)
            lines.AddRange([$"listener {webSocketPort.Number} 127.0.0.1", "protocol websockets"]);
        this.configuration = Encoding.UTF8.GetBytes(string.Join('\n', [.. lines, .. configuration, ""]));
        program = StartProgram();
    }

    public int Port => port.Number;

    public int WebSocketPort => webSocketPort.Number;

    /// <summary>Starts it.</summary>
    /// <param name="configuration">Lines of its configuration beside its address.</param>
    public static Task<DebianMosquitto> StartAsync(params IEnumerable<string> configuration) => StartAsync(byWebSocket: false, configuration);

    /// <summary>Starts it.</summary>
    /// <param name="byWebSocket">With a second listener, for WebSockets: it refuses to have that alone.</param>
    /// <param name="configuration">Further lines of its configuration; what they say of a listener is said of the last one.</param>
    public static async Task<DebianMosquitto> StartAsync(bool byWebSocket, params IEnumerable<string> configuration)
    {
        var started = new DebianMosquitto(configuration, byWebSocket);
        try
        {
            await started.RunsAsync();
            return started;
        }
        catch
        {
            await started.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it as a bridge to one of our brokers, and waits until it has connected there and its SUBSCRIBEs were answered.</summary>
    /// <param name="remote">Our broker; the bridge comes as the client <c>bridge</c>.</param>
    /// <param name="version">The version of the bridge.</param>
    /// <param name="isPrivate">Whether it says that it is a bridge: <c>try_private</c>.</param>
    /// <param name="configuration">The topics and whatever else it needs.</param>
    public static async Task<DebianMosquitto> BridgeAsync(OurBroker remote, string version, bool isPrivate, params string[] configuration)
    {
        var bridge = await StartAsync([
            "connection test",
            $"address 127.0.0.1:{remote.Port}",
            "remote_clientid bridge",
            $"bridge_protocol_version {(version == "mqttv5" ? "mqttv50" : version)}",
            $"try_private {(isPrivate ? "true" : "false")}",
            "restart_timeout 1",
            .. configuration]);
        try
        {
            await bridge.BridgedAsync(remote, configuration);
            return bridge;
        }
        catch
        {
            await bridge.DisposeAsync();
            throw;
        }
    }

    public Task SubscribedAsync(string clientId) => program.ErrorLineAsync($"Sending SUBACK to {clientId}");

    /// <summary>Ends it at once.</summary>
    public void Kill() => program.Kill();

    /// <summary>Sends its process a signal, such as <c>STOP</c>.</summary>
    public Task SignalAsync(string name) => program.SignalAsync(name);

    /// <summary>Ends it as a system does that shuts down: if it keeps anything, it writes it to its file.</summary>
    public async Task StopAsync()
    {
        await program.SignalAsync("TERM");
        await program.EndAsync();
    }

    /// <summary>Starts it anew, where it was and with the same configuration.</summary>
    public async Task StartAgainAsync()
    {
        await program.DisposeAsync();
        program = StartProgram();
        await RunsAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await program.DisposeAsync();
        port.Dispose();
        webSocketPort.Dispose();
    }

    private static RunningProgram StartProgram() => RunningProgram.Start("mosquitto", ["-v", "-c", "/dev/stdin"], "install Debian's package mosquitto, as ./test.sh does");

    private async Task RunsAsync()
    {
        await program.Input.WriteAsync(configuration);
        program.Input.Close();

        // Its first lines may speak of running, too.
        await program.ErrorLineAsync(line => line.EndsWith(" running", StringComparison.Ordinal), "running");
    }

    // One SUBSCRIBE for each topic whose messages come to the bridge.
    private async Task BridgedAsync(OurBroker remote, string[] configuration)
    {
        await program.CauseAsync(remote.ConnectedAsync("bridge"));
        foreach (var _ in configuration.Where(line => line.Contains(" in ", StringComparison.Ordinal) || line.Contains(" both ", StringComparison.Ordinal)))
            await program.CauseAsync(remote.SubscribedAsync("bridge"));
    }
}
