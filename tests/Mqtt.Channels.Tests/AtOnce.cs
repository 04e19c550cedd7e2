namespace Mqtt.Channels.Tests;

/// <summary>For what must complete without waiting. Allocates nothing.</summary>
public static class AtOnce
{
    public static void Done(ValueTask task)
    {
        if (!task.IsCompleted)
            throw new InvalidOperationException("It waits.");
        task.GetAwaiter().GetResult();
    }

    public static T Value<T>(ValueTask<T> task)
    {
        if (!task.IsCompleted)
            throw new InvalidOperationException("It waits.");
        return task.GetAwaiter().GetResult();
    }
}
