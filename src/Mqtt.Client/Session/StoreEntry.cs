namespace Mqtt.Client;

/// <summary>What is kept for a message beside itself, if its queue has a store or somebody waits for it to be in the queue. The session's lock guards it.</summary>
internal sealed class StoreEntry
{
    private readonly TaskCompletionSource<bool> taken = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Under which number it is stored; 0: it is not.</summary>
    public long Number { get; set; }

    /// <summary>The position of the journal that must be safe before it may be sent as it now is.</summary>
    public long SafeAt { get; set; }

    /// <summary>Under which packet identifier it is in flight.</summary>
    public ushort PacketId { get; set; }

    /// <summary>True once it is safely in the queue, false if it was dropped instead.</summary>
    public Task<bool> Taken => taken.Task;

    /// <summary>True once it was said that it is in the queue.</summary>
    public bool IsTaken => taken.Task is { IsCompletedSuccessfully: true, Result: true };

    public void OnTaken(bool isInQueue) => taken.TrySetResult(isInQueue);

    public void OnNotTaken(Exception error)
    {
        if (taken.TrySetException(error))
            _ = taken.Task.Exception; // Seen, also where nobody has asked.
    }
}
