namespace Mqtt.Interop.Tests;

/// <summary><c>mqtt serve</c> in a process of its own, on a free port.</summary>
internal sealed class ToolServer : IServer
{
    private ToolServer(RunningProgram program, int port) => (Program, Port) = (program, port);

    public RunningProgram Program { get; }

    public int Port { get; }

    public static async Task<ToolServer> StartAsync(params string[] flags)
    {
        var program = Tool.Start(["serve", "-v", "--memory", .. flags.Length > 0 ? flags : ["--host", "127.0.0.1", "-p", "0"]]);
        try
        {
            return new ToolServer(program, int.Parse((await program.NextLineAsync()).Split(':')[^1]));
        }
        catch
        {
            await program.DisposeAsync();
            throw;
        }
    }

    public Task SubscribedAsync(string clientId) => Program.ErrorLineAsync($"'{clientId}' subscribed");

    public ValueTask DisposeAsync() => Program.DisposeAsync();
}
