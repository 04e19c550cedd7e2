using System.Globalization;
using Mqtt.Tool.CommandLine;

namespace Mqtt.Tool.Bench;

/// <summary><c>mqtt bench</c>: puts load on a server, and says how it bears it.</summary>
internal sealed class BenchCommand : Command
{
    private readonly BenchSettings settings = new();

    public BenchCommand() => settings.Flags.Word = word =>
        settings.Shape = Enum.GetValues<BenchShape>().Where(shape => BenchReport.NameOf(shape) == word).Select(static shape => (BenchShape?)shape).SingleOrDefault()
            ?? throw new FormatException($"one of {string.Join(", ", Enum.GetValues<BenchShape>().Select(BenchReport.NameOf))} is expected");

    public override string Name => "bench";

    public override string Summary => "put load on a server and measure it";

    public override string Usage => "{connect|pub|sub|pairs|fanin|fanout|mesh|echo} [-n CLIENTS] [-d TIME | -c COUNT] [-q QOS] [-s SIZE] [-r RATE] [-h HOST] ...";

    public override string Notes =>
        """
        connect: clients connect and stay. pub: they publish, and nobody subscribes. sub: they subscribe. pairs: each publisher has a subscriber. fanin: many
        publish to one. fanout: one publishes to many. mesh: everybody to everybody. echo: everybody to itself.
        Without --rate a publisher sends when others have gone (--window, --max-inflight), so that nothing need be dropped, and latency is that of a full pipe.
        Payloads begin with 16 bytes of sender, number and time; what comes twice or behind a later one is counted. SIGINT ends the run and shows what was measured.
        Exit codes: 0 done, 1 if connections were refused or lost, 2 for a wrong command line.
        """;

    public override FlagSet Flags => settings.Flags;

    public override async Task<int> RunAsync(Terminal terminal, CancellationToken stop)
    {
        var progress = new ProgressLine(settings.IsQuiet || !terminal.IsErrorShown ? TextWriter.Null : terminal.Error);
        await using var run = new BenchRun(settings, settings.ToOptions(), progress.Show);
        var result = await run.RunAsync(stop);
        progress.Clear();
        terminal.WriteLine(BenchReport.Write(result, settings.Format));
        return result.Failures.Count == 0 ? ExitCode.Success : ExitCode.Failure;
    }

    /// <summary>One line on a terminal, written over once a second.</summary>
    private sealed class ProgressLine(TextWriter output)
    {
        private const int Width = 100;

        private BenchProgress last;

        public void Show(BenchProgress now)
        {
            var passed = (now.Since - last.Since).TotalSeconds;
            if (now.Doing == last.Doing && passed < 1)
                return;
            var rates = now.Doing != last.Doing || now.Sent == 0 ? ""
                : string.Create(CultureInfo.InvariantCulture, $"  {(now.Sent - last.Sent) / passed:N0} out, {(now.Received - last.Received) / passed:N0} in a second");
            output.Write(string.Create(CultureInfo.InvariantCulture, $"\r{$"{now.Since.TotalSeconds:0} s  {now.Doing}, {now.Connected:N0} connected{rates}",-Width}"));
            last = now;
        }

        public void Clear() => output.Write($"\r{"",Width}\r");
    }
}
