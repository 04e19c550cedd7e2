using System.Text;
using Mqtt.Client;
using Mqtt.Protocol;
using Mqtt.Tool.CommandLine;

namespace Mqtt.Tool.Clients;

/// <summary><c>mqtt pub</c>: publishes one message, or one for each line of standard input.</summary>
internal sealed class PublishCommand : Command
{
    private const int DefaultInFlight = 20;

    private readonly ClientSettings client = new();
    private string? topic;
    private Func<Terminal, CancellationToken, IAsyncEnumerable<ReadOnlyMemory<byte>>>? payloads;
    private QualityOfService quality;
    private bool retain;
    private int repeat = 1;
    private int inFlight = DefaultInFlight;

    public PublishCommand()
    {
        Flags = new FlagSet
        {
            { "topic", 't', "TOPIC", "topic to publish to", value => topic = value },
            { "message", 'm', "TEXT", "payload", value => Take(Payloads.One(Encoding.UTF8.GetBytes(value))) },
            { "null-message", 'n', "publish an empty payload", () => Take(Payloads.One(default)) },
            { "stdin-line", 'l', "publish each line of standard input as a message of its own", () => Take((terminal, stop) => Payloads.LinesAsync(terminal.Input, stop)) },
            { "stdin-file", 's', "publish all of standard input as one message", () => Take((terminal, stop) => Payloads.WholeAsync(terminal.Input, stop)) },
            { "file", 'f', "FILE", "publish the content of a file", value => Take((_, stop) => Payloads.FileAsync(value, stop)) },
            { "qos", 'q', "QOS", "quality of service: 0, 1 or 2 (0)", value => quality = ClientSettings.Quality(value) },
            { "retain", 'r', "retain the message", () => retain = true },
            { "repeat", "N", "publish the message so often (1)", value => repeat = Values.Number(value, 1, int.MaxValue) },
            { "max-inflight", 'M', "N", $"messages under way at once ({DefaultInFlight})", value => inFlight = Values.Number(value, 1, ushort.MaxValue) },
        };
        client.AddTo(Flags, value => topic = value);
    }

    public override string Name => "pub";

    public override string Summary => "publish a message";

    public override string Usage => "[-h HOST] [-p PORT] -t TOPIC {-m TEXT | -n | -l | -s | -f FILE} [-q QOS] [-r] [-V VERSION] ...";

    public override string Notes => "Exit codes: 0 if the server has taken every message, 1 if it refused one or cannot be reached (the reason is on standard error), 2 for a wrong command line.";

    public override FlagSet Flags { get; }

    public override async Task<int> RunAsync(Terminal terminal, CancellationToken stop)
    {
        if (topic is null || payloads is null)
            throw new UsageException("a topic (-t) and one of -m, -n, -l, -s and -f are needed");
        if (!MqttTopic.IsValidName(Encoding.UTF8.GetBytes(topic)))
            throw new UsageException($"'{topic}' is no topic to publish to");

        await using var run = await ClientRun.ConnectAsync(client.ToOptions(), _ => { }, stop);
        var refusal = await PublishAllAsync(run, topic, payloads(terminal, run.Over), stop);
        await run.DisconnectAsync();
        return refusal is null ? ExitCode.Success : throw refusal;
    }

    private void Take(Func<Terminal, CancellationToken, IAsyncEnumerable<ReadOnlyMemory<byte>>> source) =>
        payloads = payloads is null ? source : throw new FormatException("only one of -m, -n, -l, -s and -f can be used");

    // Several are under way at once; the answers are looked at in order. A refusal of one does not keep the others back.
    private async Task<MqttRefusedException?> PublishAllAsync(ClientRun run, MqttString to, IAsyncEnumerable<ReadOnlyMemory<byte>> messages, CancellationToken stop)
    {
        var underWay = new Queue<Task<MqttPublishResult>>();
        MqttRefusedException? refusal = null;
        try
        {
            await foreach (var payload in messages)
            {
                for (var copy = 0; copy < repeat; copy++)
                {
                    if (underWay.Count == inFlight)
                        refusal = await OutcomeAsync(underWay.Dequeue(), stop) ?? refusal;
                    underWay.Enqueue(run.Client.PublishAsync(to, payload, quality, retain, stop).AsTask());
                }
            }

            while (underWay.TryDequeue(out var next))
                refusal = await OutcomeAsync(next, stop) ?? refusal;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            // The connection went while it read; the run knows why.
        }
        finally
        {
            // If one has failed, so have those behind it.
            await ((Task)Task.WhenAll(underWay)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return refusal;
    }

    private static async Task<MqttRefusedException?> OutcomeAsync(Task<MqttPublishResult> publish, CancellationToken stop)
    {
        try
        {
            (await publish.WaitAsync(stop)).EnsureSuccess();
            return null;
        }
        catch (MqttRefusedException refused)
        {
            return refused;
        }
    }
}
