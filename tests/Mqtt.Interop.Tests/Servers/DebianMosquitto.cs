using System.Text;

namespace Mqtt.Interop.Tests;

/// <summary>Debian's mosquitto as the server, and as a bridge to ours.</summary>
internal sealed class DebianMosquitto : IServer
{
    private readonly RunningProgram program;
    private readonly HeldPort port;

    private DebianMosquitto(RunningProgram program, HeldPort port) => (this.program, this.port) = (program, port);

    public int Port => port.Number;

    /// <summary>Starts it.</summary>
    /// <param name="configuration">Lines of its configuration beside its address.</param>
    public static async Task<DebianMosquitto> StartAsync(params IEnumerable<string> configuration)
    {
        // It knows no port 0.
        var port = new HeldPort();
        var program = RunningProgram.Start("mosquitto", ["-v", "-c", "/dev/stdin"], "install Debian's package mosquitto, as ./test.sh does");
        var started = new DebianMosquitto(program, port);
        try
        {
            string[] lines = [$"listener {port.Number} 127.0.0.1", "allow_anonymous true", .. configuration, ""];
            await program.Input.WriteAsync(Encoding.UTF8.GetBytes(string.Join('\n', lines)));
            program.Input.Close();

            // Its first lines may speak of running, too.
            await program.ErrorLineAsync(line => line.EndsWith(" running", StringComparison.Ordinal), "running");
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

    public async ValueTask DisposeAsync()
    {
        await program.DisposeAsync();
        port.Dispose();
    }

    // One SUBSCRIBE for each topic whose messages come to the bridge.
    private async Task BridgedAsync(OurBroker remote, string[] configuration)
    {
        await program.CauseAsync(remote.ConnectedAsync("bridge"));
        foreach (var _ in configuration.Where(line => line.Contains(" in ", StringComparison.Ordinal) || line.Contains(" both ", StringComparison.Ordinal)))
            await program.CauseAsync(remote.SubscribedAsync("bridge"));
    }
}
