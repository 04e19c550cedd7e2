using System.IO.Pipelines;
using Mqtt.Protocol.Channels;
using Mqtt.Server.Time;

namespace Mqtt.Server.Broker.Flows;

/// <summary>
/// Paces the ends of connections. When a network breaks, thousands end in one moment, each with a will to publish and subscriptions to take
/// out; done where it happens, that would keep an event loop from everybody else. The first few of each beat end at once, the others a few at a
/// time on the scheduler, in the order in which they came. Any thread.
/// </summary>
internal sealed class EndPacer(PipeScheduler scheduler, Heartbeat heartbeat)
{
    private const int EndsPerTurn = 64;

    private readonly Lock gate = new();
    private readonly Queue<TaskCompletionSource> waiting = new();
    private long beat;
    private int count;
    private bool isRunning;

    /// <summary>Completes when it is this connection's turn to end.</summary>
    public ValueTask WaitAsync()
    {
        lock (gate)
        {
            if (heartbeat.Now != beat)
                (beat, count) = (heartbeat.Now, 0);
            if (waiting.Count == 0 && count < EndsPerTurn)
            {
                count++;
                return default;
            }

            var source = new TaskCompletionSource();
            waiting.Enqueue(source);
            if (!isRunning)
                Schedule();
            return new ValueTask(source.Task);
        }
    }

    private void Schedule()
    {
        isRunning = true;
        scheduler.Schedule(static pacer => ((EndPacer)pacer!).LetGo(), this);
    }

    // Each goes on within this call, and so within this turn.
    private void LetGo()
    {
        using (Turn.Enter(out _))
        {
            for (var left = EndsPerTurn; left > 0 && TryNext(out var source); left--)
                source.SetResult();
        }

        lock (gate)
        {
            isRunning = false;
            if (waiting.Count > 0)
                Schedule();
        }
    }

    private bool TryNext([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out TaskCompletionSource? source)
    {
        lock (gate)
            return waiting.TryDequeue(out source);
    }
}
