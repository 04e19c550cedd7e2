namespace Mqtt.Interop.Tests;

/// <summary>aedes as the server, in a process of its own, over TCP and WebSocket; everything is in its memory. It speaks 3.1 and 3.1.1.</summary>
internal sealed class AedesServer : IServer
{
    private readonly HeldPort port = new();
    private readonly HeldPort webSocketPort = new();
    private RunningProgram program = null!;

    private AedesServer()
    {
    }

    public int Port => port.Number;

    public int WebSocketPort => webSocketPort.Number;

    public static async Task<AedesServer> StartAsync()
    {
        var server = new AedesServer();
        try
        {
            await server.StartProgramAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public Task SubscribedAsync(string clientId) => program.ErrorLineAsync($"{clientId} subscribed");

    /// <summary>Ends it at once, and with it all that it knew.</summary>
    public ValueTask StopAsync() => program.DisposeAsync();

    /// <summary>Starts it anew, where it was.</summary>
    public Task StartAgainAsync() => StartProgramAsync();

    public async ValueTask DisposeAsync()
    {
        if (program is not null)
            await program.DisposeAsync();
        port.Dispose();
        webSocketPort.Dispose();
    }

    private async Task StartProgramAsync()
    {
        if (!Directory.Exists(Repository.Path("tests", "interop", "node_modules", "aedes")))
            throw new InvalidOperationException("aedes is missing: run npm ci in tests/interop, as ./test.sh does.");
        program = RunningProgram.Start("node", ["server.js", $"{Port}", $"{WebSocketPort}"], "install Debian's packages nodejs and npm, as ./test.sh does");
        await program.NextLineAsync();
    }
}
