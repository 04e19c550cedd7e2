namespace Mqtt.EndToEnd.Tests;

/// <summary>A wait for a signal that is sure to come; if it does not, the test fails instead of hanging.</summary>
public static class Waiting
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static Task Soon(this Task task) => task.WaitAsync(Patience);

    public static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(Patience);

    public static Task<T> Soon<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(Patience);

    public static Task Soon(this ValueTask task) => task.AsTask().WaitAsync(Patience);

    /// <summary>The next messages of a stream.</summary>
    public static async Task<List<MqttMessage>> TakeAsync(this MqttSubscription subscription, int count)
    {
        var messages = new List<MqttMessage>(count);
        using var limit = new CancellationTokenSource(Patience);
        if (count == 0)
            return messages;
        await foreach (var message in subscription.WithCancellation(limit.Token))
        {
            messages.Add(message);
            if (messages.Count == count)
                break;
        }

        return messages;
    }
}
