namespace Mqtt.Client;

/// <summary>
/// How many streams are full and ask that reading waits for them. Each inbox counts itself, under its own lock, so that the read loop
/// need only look at a number.
/// </summary>
/// <param name="goOn">Called, under no lock, when the last of them has room again.</param>
internal sealed class Backlog(Action goOn)
{
    private int fullCount;

    /// <summary>True if reading should wait.</summary>
    public bool IsAnyFull => Volatile.Read(ref fullCount) != 0;

    public void OnFull() => Interlocked.Increment(ref fullCount);

    /// <summary>True if it was the last one: <see cref="GoOn"/> is due, outside the inbox's lock.</summary>
    public bool OnDrained() => Interlocked.Decrement(ref fullCount) == 0;

    public void GoOn() => goOn();
}
