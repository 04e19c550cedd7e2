using System.Collections.Concurrent;
using System.Diagnostics;
using Mqtt.Client;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;

namespace Mqtt.Tool.Bench;

/// <summary>One run: all clients connect, then subscribe, then publish for a time; then what is under way comes in, and all is counted.</summary>
internal sealed class BenchRun : IAsyncDisposable
{
    private const int ConnectingAtOnce = 200;

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(100);

    // What has not come after so long does not come.
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(2);

    private readonly BenchClient[] clients;
    private readonly Action<BenchProgress> show;
    private readonly ThreadLocal<BenchTally> tallies = new(static () => new BenchTally(), trackAllValues: true);
    private readonly ConcurrentQueue<Exception> failures = new();
    private BenchPublisher[] publishers = [];
    private volatile bool isSending;
    private volatile bool isOver;

    /// <summary>Makes the clients; nothing is connected yet.</summary>
    /// <param name="settings">What is to be done.</param>
    /// <param name="options">The way to the server.</param>
    /// <param name="show">Told ten times a second how it goes.</param>
    public BenchRun(BenchSettings settings, MqttClientOptions options, Action<BenchProgress> show)
    {
        (Settings, Options, this.show) = (settings, options, show);
        var roles = BenchRole.Plan(settings);
        PublisherCount = roles.Count(role => role.Topic is not null);
        HasMany = roles.Count > ConnectingAtOnce;

        // Publishers have the first numbers, which their messages carry.
        var (publisher, other) = (0, PublisherCount);
        clients = [.. roles.Select(role => new BenchClient(this, role, role.Topic is null ? other++ : publisher++))];
    }

    public BenchSettings Settings { get; }

    public MqttClientOptions Options { get; }

    public int PublisherCount { get; }

    /// <summary>So many connections that an idle one must not own a buffer.</summary>
    public bool HasMany { get; }

    /// <summary>The messages come at times of their own, and not when others have gone.</summary>
    public bool IsPaced => Settings.Rate > 0;

    /// <summary>What this thread counts.</summary>
    public BenchTally TallyOfThread => tallies.Value!;

    /// <summary>A time of the stopwatch in nanoseconds.</summary>
    public static long Nanoseconds(long ticks) => (long)(ticks * (1e9 / Stopwatch.Frequency));

    /// <summary>True if a publisher that has sent so many may send one more.</summary>
    public bool MaySend(uint sent) => isSending && (Settings.Count == 0 || sent < Settings.Count);

    /// <summary>The publisher of a number; <see langword="null"/> before publishing has begun.</summary>
    public BenchPublisher? PublisherOf(int number) => number < publishers.Length ? publishers[number] : null;

    /// <summary>A connection has ended.</summary>
    public void OnEnded(Exception error)
    {
        if (!isOver)
            failures.Enqueue(error);
    }

    /// <summary>Does all of it.</summary>
    /// <exception cref="MqttConnectionException">The clients cannot connect or subscribe.</exception>
    public async Task<BenchResult> RunAsync(CancellationToken stop)
    {
        var connecting = Stopwatch.GetTimestamp();
        var cost = ProcessorTime.Of(Settings.ServerProcess);
        await ConnectAsync(stop);
        var connected = Stopwatch.GetElapsedTime(connecting);
        if (Settings.Shape == BenchShape.Connect)
        {
            var result = Result(connected, connected, cost.Elapsed());
            await HoldAsync(stop);
            return result with { Failures = [.. failures] };
        }

        var begun = Stopwatch.GetTimestamp();
        if (Settings.Shape == BenchShape.Subscribe)
        {
            Reset();
            cost = ProcessorTime.Of(Settings.ServerProcess);
        }

        foreach (var batch in clients.Chunk(ConnectingAtOnce))
            await Task.WhenAll(batch.Select(client => client.SubscribeAsync(stop)));
        if (Settings.Shape == BenchShape.Subscribe)
            return Result(connected, Stopwatch.GetElapsedTime(begun), cost.Elapsed());

        Reset();
        cost = ProcessorTime.Of(Settings.ServerProcess);
        begun = Stopwatch.GetTimestamp();
        var sending = await PublishAsync(begun, stop);
        await DrainAsync(begun, stop);
        return Result(connected, sending, cost.Elapsed()) with { ReceivingFor = TimeSpan.FromTicks(Math.Max(sending.Ticks, Nanoseconds(Total().LatestAt - begun) / 100)) };
    }

    /// <summary>Closes every connection.</summary>
    public async ValueTask DisposeAsync()
    {
        isSending = false;
        isOver = true;
        foreach (var batch in clients.Chunk(ConnectingAtOnce))
            await Task.WhenAll(batch.Select(client => client.DisposeAsync().AsTask()));
        tallies.Dispose();
    }

    private async Task ConnectAsync(CancellationToken stop)
    {
        using var places = new SemaphoreSlim(ConnectingAtOnce);
        var begun = Stopwatch.GetTimestamp();
        var under = new List<Task>(clients.Length);
        for (var at = 0; at < clients.Length && failures.IsEmpty; at++)
        {
            if (Settings.Ramp > 0 && TimeSpan.FromSeconds((double)at / Settings.Ramp) - Stopwatch.GetElapsedTime(begun) is { Ticks: > 0 } early)
                await Task.Delay(early, stop);
            await places.WaitAsync(stop);
            under.Add(ConnectAsync(clients[at], places, stop));
            if (at % ConnectingAtOnce == 0)
                Show("connecting", begun);
        }

        await Task.WhenAll(under);
        publishers = [.. clients.Select(client => client.Publisher).OfType<BenchPublisher>()];
    }

    private static async Task ConnectAsync(BenchClient client, SemaphoreSlim places, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(ConnectTimeout);
        try
        {
            await client.ConnectAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new MqttConnectionException($"The server did not answer within {ConnectTimeout.TotalSeconds} s.");
        }
        finally
        {
            places.Release();
        }
    }

    private async Task HoldAsync(CancellationToken stop)
    {
        var begun = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begun) < Settings.Duration && !stop.IsCancellationRequested)
        {
            await Task.Delay(Beat, CancellationToken.None);
            Show("holding", begun);
        }
    }

    // SIGINT ends the sending, and what was measured until then is shown.
    private async Task<TimeSpan> PublishAsync(long begun, CancellationToken stop)
    {
        isSending = true;
        var pacing = IsPaced ? PaceAsync(begun, stop) : Task.CompletedTask;
        if (!IsPaced)
            PumpAll(static (publisher, turn) => publisher.Pump(turn));
        var (lastCount, lastAt) = (0L, begun);
        while (!stop.IsCancellationRequested && failures.Count < clients.Length && !IsSent(begun))
        {
            await Task.Delay(Beat, CancellationToken.None);
            Show("publishing", begun);
            var count = Total().Received + publishers.Sum(publisher => publisher.Sent);
            if (count != lastCount)
                (lastCount, lastAt) = (count, Stopwatch.GetTimestamp());
            else if (Stopwatch.GetElapsedTime(lastAt) > Silence && !IsPaced)
                PumpAll(static (publisher, turn) => publisher.GiveUpLost(turn));
        }

        isSending = false;
        await pacing;
        return Stopwatch.GetElapsedTime(begun);
    }

    private bool IsSent(long begun) => Settings.Count > 0
        ? Array.TrueForAll(publishers, publisher => publisher.Sent == Settings.Count)
        : Stopwatch.GetElapsedTime(begun) >= Settings.Duration;

    private void PumpAll(Action<BenchPublisher, Turn> pump)
    {
        foreach (var publisher in publishers)
        {
            using (Turn.Enter(out var turn))
                pump(publisher, turn);
        }
    }

    // Each millisecond what is due by then, the publishers in turn. What a full window held back is made up for later.
    private async Task PaceAsync(long begun, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        var (done, next) = (0L, 0);
        while (isSending && !stop.IsCancellationRequested && await timer.WaitForNextTickAsync(CancellationToken.None))
        {
            var due = (long)(Stopwatch.GetElapsedTime(begun).TotalSeconds * Settings.Rate);
            using (Turn.Enter(out var turn))
            {
                for (var refused = 0; done < due && refused < publishers.Length; next = (next + 1) % publishers.Length)
                    (done, refused) = publishers[next].TrySend(turn) ? (done + 1, 0) : (done, refused + 1);
            }
        }
    }

    private async Task DrainAsync(long begun, CancellationToken stop)
    {
        var (lastCount, lastAt) = (-1L, Stopwatch.GetTimestamp());
        while (!stop.IsCancellationRequested)
        {
            var total = Total();
            var unacknowledged = publishers.Sum(publisher => publisher.UnacknowledgedCount);
            if (total.Received - total.Duplicates >= publishers.Sum(publisher => publisher.Expected) && unacknowledged == 0)
                return;
            if (total.Received - unacknowledged != lastCount)
                (lastCount, lastAt) = (total.Received - unacknowledged, Stopwatch.GetTimestamp());
            else if (Stopwatch.GetElapsedTime(lastAt) > Silence)
                return;
            Show("waiting for the rest", begun);
            await Task.Delay(TimeSpan.FromMilliseconds(5), CancellationToken.None);
        }
    }

    // The answers to CONNECT and SUBSCRIBE are no part of what is measured.
    private void Reset()
    {
        foreach (var tally in tallies.Values)
            tally.Answers.Clear();
    }

    private BenchTally Total()
    {
        var total = new BenchTally();
        foreach (var tally in tallies.Values)
            total.Add(tally);
        return total;
    }

    private void Show(string what, long begun) =>
        show(new BenchProgress(what, Stopwatch.GetElapsedTime(begun), clients.Count(client => client.IsConnected), publishers.Sum(publisher => publisher.Sent), Total().Received));

    private BenchResult Result(TimeSpan connectedIn, TimeSpan took, ProcessorTime cost)
    {
        var total = Total();
        return new BenchResult(Settings, clients.Length, connectedIn, took, publishers.Sum(publisher => publisher.Sent), publishers.Sum(publisher => publisher.Expected), total, cost)
        {
            ReceivingFor = took,
            Failures = [.. failures],
        };
    }
}
