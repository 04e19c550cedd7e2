using Mqtt.Server;
using Mqtt.Tool.CommandLine;

namespace Mqtt.Tool.Serve;

/// <summary><c>mqtt serve</c>: a broker until it is told to stop.</summary>
internal sealed class ServeCommand : Command
{
    private readonly ServeSettings settings = new();

    public override string Name => "serve";

    public override string Summary => "run a broker until Ctrl-C";

    public override string Usage => "[-p PORT] [--host HOST] [--listen ADDRESS ...] [--cert FILE [--key FILE]] [-v] [bounds]";

    public override string Notes =>
        """
        Prints one line for each address on standard output, errors on standard error. SIGINT and SIGTERM end it in good order, with exit code 0.
        A SIZE is bytes, or has a suffix: K, M, G (1,024 each). A TIME is seconds, or has a suffix: ms, s, m, h, d. 'off' lifts a bound.
        """;

    public override FlagSet Flags => settings.Flags;

    public override async Task<int> RunAsync(Terminal terminal, CancellationToken stop)
    {
        var log = new TerminalLogger(terminal.Error, settings.IsVerbose);
        await using var broker = new MqttBroker(settings.Broker with { Logger = log });
        IMqttHandler handler = settings.IsVerbose ? new ConnectionLog(broker, log) : broker;
        await using var server = Create(handler, settings.Server with { Logger = log });

        await server.StartAsync();
        foreach (var address in server.Endpoints)
            terminal.WriteLine($"listening on {address}");
        await Task.Delay(Timeout.Infinite, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await server.StopAsync(CancellationToken.None);
        return ExitCode.Success;
    }

    // The flags have checked every bound; what is left to be wrong is an address.
    private static MqttServer Create(IMqttHandler handler, MqttServerOptions options)
    {
        try
        {
            return new MqttServer(handler, options);
        }
        catch (ArgumentException wrong)
        {
            throw new UsageException(wrong.Message.Replace($" (Parameter '{wrong.ParamName}')", "", StringComparison.Ordinal));
        }
    }
}
