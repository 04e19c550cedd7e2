using System.Text;
using Mqtt.Client;
using Mqtt.Protocol;
using Mqtt.Tool.CommandLine;

namespace Mqtt.Tool.Clients;

/// <summary><c>mqtt sub</c>: prints the messages of some filters, as mosquitto_sub does.</summary>
internal sealed class SubscribeCommand : Command
{
    // Nothing is dropped because a terminal is slow, within what a machine can hold.
    private const int StreamBytes = 256 * 1024 * 1024;

    private readonly ClientSettings client = new();
    private readonly List<string> filters = [];
    private readonly MessageFormat format = new();
    private QualityOfService quality;
    private int? count;
    private TimeSpan? patience;
    private bool endWhenSubscribed;

    public SubscribeCommand()
    {
        Flags = new FlagSet
        {
            { "topic", 't', "FILTER", "topic filter to subscribe to; may be repeated", AddFilter },
            { "qos", 'q', "QOS", "highest quality of service: 0, 1 or 2 (0)", value => quality = ClientSettings.Quality(value) },
            { "verbose", 'v', "print the topic before the payload", () => format.ShowTopic = true },
            { "no-newline", 'N', "print no newline after a payload", () => format.EndLine = false },
            { "no-retained", 'R', "do not print retained messages", () => format.SkipRetained = true },
            { "filter-out", 'T', "FILTER", "do not print messages to these topics; may be repeated", value => format.SkipTopics.Add(Filter(value)) },
            { "count", 'C', "N", "end after so many messages", value => count = Values.Number(value, 1, int.MaxValue) },
            { "exit-when-subscribed", 'E', "end once the server has answered; with -c, to leave a session behind", () => endWhenSubscribed = true },
            { "timeout", 'W', "SECONDS", $"end after so long, with exit code {ExitCode.Timeout}", value => patience = TimeSpan.FromSeconds(Values.Number(value, 1, int.MaxValue / 1000)) },
        };
        client.AddTo(Flags, AddFilter);
    }

    public override string Name => "sub";

    public override string Summary => "subscribe and print messages";

    public override string Usage => "[-h HOST] [-p PORT] -t FILTER ... [-q QOS] [-v] [-C N] [-W SECONDS] [-V VERSION] ...";

    public override string Notes =>
        $"""
        Prints each payload, byte for byte, and a newline. An empty payload prints nothing, or '(null)' with -v, as mosquitto_sub does.
        A connection that is lost is made again, and what was subscribed is renewed; what came meanwhile is missed unless -c keeps the session.
        Exit codes: 0 after -C messages, -E, SIGINT or SIGTERM; 1 if the server cannot be reached at first, or refuses (the reason is on standard error); 2 for a wrong
        command line; {ExitCode.Timeout} when the time of -W is over.
        """;

    public override FlagSet Flags { get; }

    public override async Task<int> RunAsync(Terminal terminal, CancellationToken stop)
    {
        if (filters.Count == 0)
            throw new UsageException("a topic filter (-t) is needed");
        var options = client.ToOptions();
        options = options with { Limits = options.Limits with { StreamMessageCount = int.MaxValue, StreamBytes = StreamBytes } };

        using var time = new CancellationTokenSource(patience ?? Timeout.InfiniteTimeSpan);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop, time.Token);
        MqttSubscription? subscription = null;
        try
        {
            await using var run = await ClientRun.ConnectAsync(
                options, to => subscription = Subscribe(to), end.Token, loss => terminal.Error.WriteLine($"mqtt sub: {loss}"));
            await Task.WhenAll(
                WatchAnswersAsync(run, subscription!, terminal.Error),
                PrintAllAsync(run, subscription!, new MessagePrinter(terminal.Output, format, count)));
            var isLate = time.IsCancellationRequested;
            if (subscription!.DroppedCount > 0)
                terminal.Error.WriteLine($"mqtt sub: {subscription.DroppedCount} messages were dropped, since standard output was too slow");
            await run.DisconnectAsync();
            return isLate ? TimedOut(terminal) : ExitCode.Success;
        }
        catch (OperationCanceledException) when (time.IsCancellationRequested)
        {
            return TimedOut(terminal); // before the server answered
        }
    }

    private static int TimedOut(Terminal terminal)
    {
        terminal.Error.WriteLine("mqtt sub: timed out");
        return ExitCode.Timeout;
    }

    private void AddFilter(string value) => filters.Add(Filter(value));

    private static string Filter(string value) =>
        MqttTopic.IsValidFilter(Encoding.UTF8.GetBytes(value)) ? value : throw new FormatException("that is no topic filter");

    // Registered before CONNECT: what a kept session holds finds its way here. All filters share one stream, so that the order stays. The
    // session keeps its subscriptions when this program ends; the server ends those of a clean one by itself.
    private MqttSubscription Subscribe(MqttClient to) => to.Subscribe(
        filters.Distinct().Select(filter => new TopicSubscription(filter, quality)), options: new MqttSubscriptionOptions { UnsubscribeOnDispose = false });

    // A kept session may also hold messages of earlier filters.
    private async Task PrintAllAsync(ClientRun run, MqttSubscription subscription, MessagePrinter printer)
    {
        MqttSubscription[] sources = client.KeepsSession ? [subscription, run.Client.Unclaimed] : [subscription];
        await Task.WhenAll(sources.Select(source => PrintAsync(run, source, printer)));
    }

    private static async Task PrintAsync(ClientRun run, MqttSubscription source, MessagePrinter printer)
    {
        try
        {
            await using var messages = source.GetAsyncEnumerator(run.Over);
            while (true)
            {
                var next = messages.MoveNextAsync();
                if (!next.IsCompleted)
                    printer.Flush();
                if (!await next || !printer.Print(messages.Current))
                    return;
            }
        }
        catch (OperationCanceledException) when (run.Over.IsCancellationRequested)
        {
            // The end of the run; whose fault it was, the run knows.
        }
        finally
        {
            printer.Flush();
            run.End();
        }
    }

    // If every filter is refused, the stream ends with the reason.
    private async Task WatchAnswersAsync(ClientRun run, MqttSubscription subscription, TextWriter error)
    {
        try
        {
            await subscription.WaitForAnswersAsync(run.Over);
        }
        catch (Exception none) when (none is OperationCanceledException or MqttConnectionException)
        {
            // The run is over, and knows why. What was answered until then is told all the same.
        }

        var refused = subscription.Filters.Zip(subscription.ReasonCodes).Where(one => one.Second >= ReasonCode.UnspecifiedError).ToList();
        if (refused.Count < subscription.Filters.Count)
            refused.ForEach(one => error.WriteLine($"mqtt sub: the server refused the subscription to {one.First.Filter}: {one.Second} (0x{(int)one.Second!:X2})"));
        if (endWhenSubscribed)
            run.End();
    }
}
