namespace Mqtt.Tool.Tests;

/// <summary><c>mqtt serve</c> within this process, on a free port of loopback.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly Shell shell;

    private TestServer(Shell shell, string port) => (this.shell, Port) = (shell, port);

    public string Port { get; }

    public static async Task<TestServer> StartAsync(params string[] flags)
    {
        var shell = Shell.Start(["serve", "--host", "127.0.0.1", "-p", "0", .. flags]);
        var line = await shell.NextOutputAsync();
        return new TestServer(shell, line.TrimEnd().Split(':')[^1]);
    }

    /// <summary>The command line of a client of this server.</summary>
    public string[] To(string command, params string[] flags) => [command, "-h", "127.0.0.1", "-p", Port, .. flags];

    /// <summary>Stops it; what it has said on standard error.</summary>
    public async Task<string> StopAsync()
    {
        (await shell.StopAsync()).Should().Be(0);
        return shell.Error;
    }

    public ValueTask DisposeAsync() => shell.DisposeAsync();
}
