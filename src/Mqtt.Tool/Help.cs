using System.Text;
using Mqtt.Tool.CommandLine;

namespace Mqtt.Tool;

/// <summary>Writes the help from what the commands say of themselves.</summary>
internal static class Help
{
    private const int NameWidth = 36;

    /// <summary>All commands, a line each.</summary>
    public static string Of(IEnumerable<Command> commands)
    {
        var text = new StringBuilder("usage: mqtt COMMAND [FLAG ...]\n\n");
        foreach (var command in commands)
            text.Append($"  {command.Name,-12}{command.Summary}\n");
        text.Append($"  {"help CMD",-12}all flags of a command\n");
        text.Append($"  {"--version",-12}the version\n\n");
        text.Append($"Exit codes: {ExitCode.Success} done, {ExitCode.Failure} failed or refused, {ExitCode.Usage} wrong command line, {ExitCode.Timeout} time over (sub -W).");
        return text.ToString();
    }

    /// <summary>One command with all its flags.</summary>
    public static string Of(Command command)
    {
        var text = new StringBuilder($"mqtt {command.Name}: {command.Summary}\n\nusage: mqtt {command.Name} {command.Usage}\n\n");
        foreach (var flag in command.Flags)
            text.Append($"{Names(flag),-NameWidth} {flag.Help}\n");
        if (command.Notes.Length > 0)
            text.Append($"\n{command.Notes}\n");
        return text.ToString().TrimEnd();
    }

    private static string Names(Flag flag)
    {
        var letter = flag.Letter == '\0' ? "    " : $"-{flag.Letter}, ";
        return $"  {letter}--{flag.Name}{(flag.Value is null ? "" : $" {flag.Value}")}";
    }
}
