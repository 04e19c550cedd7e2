using System.IO.Pipelines;

namespace Mqtt.Protocol.Channels;

/// <summary>
/// Drives in-memory channels by hand: nothing that becomes readable or writable goes on by itself; <see cref="Run"/> lets it, on
/// the calling thread, in order, until all is quiet. Client and server then run like one program, and a test of them needs no sleep.
/// <para>Scheduling is safe from all threads; one thread runs the pump.</para>
/// </summary>
public sealed class TurnPump : PipeScheduler
{
    private readonly Lock gate = new();
    private readonly Queue<(Action<object?> Action, object? State)> work = new();

    /// <summary>True if nothing waits.</summary>
    public bool IsIdle
    {
        get
        {
            lock (gate)
                return work.Count == 0;
        }
    }

    /// <inheritdoc/>
    public override void Schedule(Action<object?> action, object? state)
    {
        lock (gate)
            work.Enqueue((action, state));
    }

    /// <summary>Runs what waits, and what comes of it, until nothing is left; returns how many pieces of work that were.</summary>
    public int Run()
    {
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            var count = 0;
            while (RunOne())
                count++;
            return count;
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    /// <summary>Runs one piece of work; false if there was none.</summary>
    public bool RunOne()
    {
        (Action<object?> Action, object? State) next;
        lock (gate)
        {
            if (!work.TryDequeue(out next))
                return false;
        }

        next.Action(next.State);
        return true;
    }
}
