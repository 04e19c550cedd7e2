using System.Net;
using System.Net.Sockets;

namespace Mqtt.Interop.Tests;

/// <summary>Debian's mosquitto as the server. It has no port 0, so it gets one that was free a moment ago, and another if somebody was faster.</summary>
internal sealed class DebianMosquitto : IServer
{
    private const int Attempts = 5;

    private readonly RunningProgram program;

    private DebianMosquitto(RunningProgram program, int port) => (this.program, Port) = (program, port);

    public int Port { get; }

    public static async Task<DebianMosquitto> StartAsync()
    {
        for (var attempt = 1; ; attempt++)
        {
            var port = FreePort();
            var program = RunningProgram.Start("mosquitto", ["-v", "-p", $"{port}"], "install Debian's package mosquitto, as ./test.sh does");
            try
            {
                // "Connections will only be possible from clients running on this machine" comes before it listens.
                await program.ErrorLineAsync(line => line.EndsWith(" running", StringComparison.Ordinal), "running");
                return new DebianMosquitto(program, port);
            }
            catch (InvalidOperationException) when (attempt < Attempts)
            {
                await program.DisposeAsync();
            }
        }
    }

    public Task SubscribedAsync(string clientId) => program.ErrorLineAsync($"Sending SUBACK to {clientId}");

    public ValueTask DisposeAsync() => program.DisposeAsync();

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
