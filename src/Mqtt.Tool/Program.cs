using Mqtt.Client;
using Mqtt.Protocol;
using Mqtt.Tool.Bench;
using Mqtt.Tool.Clients;
using Mqtt.Tool.CommandLine;
using Mqtt.Tool.Serve;

namespace Mqtt.Tool;

/// <summary>The program <c>mqtt</c>.</summary>
internal static class Program
{
    private static readonly Func<Command>[] Commands = [() => new ServeCommand(), () => new PublishCommand(), () => new SubscribeCommand(), () => new BenchCommand()];

    /// <summary>Runs one command line.</summary>
    /// <returns>The exit code, one of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(string[] words, Terminal terminal, CancellationToken stop)
    {
        switch (words)
        {
            case ["--version", ..]:
                terminal.WriteLine($"mqtt {typeof(Program).Assembly.GetName().Version!.ToString(3)}");
                return ExitCode.Success;
            case ["--help"] or ["help"]:
                terminal.WriteLine(Help.Of(Commands.Select(make => make())));
                return ExitCode.Success;
            case ["help", var name] when Find(name) is { } asked:
                terminal.WriteLine(Help.Of(asked));
                return ExitCode.Success;
            case [var name, .. var rest] when Find(name) is { } command:
                return await RunAsync(command, rest, terminal, stop);
            default:
                terminal.Error.WriteLine($"mqtt: {Complaint(words)}");
                terminal.Error.WriteLine($"usage: mqtt {{{string.Join('|', Commands.Select(make => make().Name))}|help|--version}} ...");
                return ExitCode.Usage;
        }
    }

    private static async Task<int> Main(string[] words)
    {
        CompleteSocketsInline();
        using var interruption = new Interruption();
        return await RunAsync(words, Terminal.OfProcess(), interruption.Token);
    }

    /// <summary>
    /// Lets sockets complete on the thread that hears of it, in place of the thread pool: under sparse traffic that is 14 times cheaper.
    /// The runtime reads it once, before the first socket. It holds for the whole process, so that only a program may switch it on.
    /// </summary>
    private static void CompleteSocketsInline()
    {
        const string Switch = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";
        if (Environment.GetEnvironmentVariable(Switch) is null)
            Environment.SetEnvironmentVariable(Switch, "1");
    }

    private static async Task<int> RunAsync(Command command, string[] words, Terminal terminal, CancellationToken stop)
    {
        try
        {
            var flags = command.Flags;
            var helpIsAsked = false;
            flags.Add("help", "show this help", () => helpIsAsked = true);
            flags.Read(words);
            if (!helpIsAsked)
                return await command.RunAsync(terminal, stop);
            terminal.WriteLine(Help.Of(command));
            return ExitCode.Success;
        }
        catch (UsageException wrong)
        {
            terminal.Error.WriteLine($"mqtt {command.Name}: {wrong.Message}");
            terminal.Error.WriteLine($"usage: mqtt {command.Name} {command.Usage}   (more: mqtt help {command.Name})");
            return ExitCode.Usage;
        }
        catch (IOException failed) when (Terminal.IsBrokenPipe(failed))
        {
            return ExitCode.Success;
        }
        catch (Exception failed) when (failed is IOException or MqttRefusedException or MqttProtocolException)
        {
            terminal.Error.WriteLine($"mqtt {command.Name}: {failed.Message}");
            return ExitCode.Failure;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            terminal.Error.WriteLine($"mqtt {command.Name}: interrupted");
            return ExitCode.Failure;
        }
    }

    private static Command? Find(string name) => Commands.Select(make => make()).FirstOrDefault(command => command.Name == name);

    private static string Complaint(string[] words) => words switch
    {
        [] => "a command is expected",
        ["help", var name, ..] => $"there is no command '{name}'",
        _ => $"there is no command '{words[0]}'",
    };
}
