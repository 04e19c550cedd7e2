using System.Net;
using System.Runtime.InteropServices;
using Mqtt.Server;
using Mqtt.Tool.CommandLine;

namespace Mqtt.Tool.Serve;

/// <summary><c>mqtt serve</c>: a broker until SIGINT or SIGTERM.</summary>
internal sealed class ServeCommand
{
    private int port = 1883;
    private string host = "localhost";

    private FlagSet Flags => new()
    {
        { "port", 'p', "PORT", "port to listen on (1883)", value => port = Values.Number(value, 0, ushort.MaxValue) },
        { "host", "HOST", "host name or address to listen on (localhost: loopback, IPv4 and IPv6)", value => host = value },
        { "memory", null, "keep everything in memory (at present the only way)", _ => { } },
    };

    public async Task<int> RunAsync(string[] words)
    {
        Flags.Read(words);
        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

        await using var broker = new MqttBroker();
        await using var server = new MqttServer(broker, $"mqtt://{host}:{port}");
        await server.StartAsync();
        foreach (var address in server.Endpoints)
            Console.Out.WriteLine($"listening on mqtt://{(IPEndPoint)address}");
        await Task.Delay(Timeout.Infinite, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await server.StopAsync();
        return 0;

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
    }
}
