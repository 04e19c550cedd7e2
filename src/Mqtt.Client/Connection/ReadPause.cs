namespace Mqtt.Client;

/// <summary>
/// The pauses of one connection's read loop. The loop begins one when it must not read on for the time being, anybody ends it; a lock of its
/// own, under which no other is taken, keeps the two apart.
/// </summary>
internal sealed class ReadPause
{
    private readonly Lock gate = new();
    private readonly Wakeup end;
    private bool isOver;

    public ReadPause() => end = new Wakeup(gate);

    /// <summary>Begins a pause; it completes with <see cref="End"/>.</summary>
    public ValueTask Begin()
    {
        lock (gate)
            return isOver ? default : end.Wait(CancellationToken.None);
    }

    /// <summary>Ends the pause, if there is one.</summary>
    public void End()
    {
        lock (gate)
        {
            if (!end.Take())
                return;
        }

        end.Fire();
    }

    /// <summary>Ends the pause, and lets no other begin: the connection is closing, and the loop must see its end.</summary>
    public void EndAll()
    {
        lock (gate)
            isOver = true;
        End();
    }
}
