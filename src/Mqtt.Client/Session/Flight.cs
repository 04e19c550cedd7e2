namespace Mqtt.Client;

/// <summary>What the session keeps for a packet that waits for its acknowledgement. The session's lock guards it.</summary>
internal abstract class Flight
{
    /// <summary><see cref="SentAt"/> of what has not been sent on the present connection.</summary>
    public const long NotSent = long.MaxValue;

    /// <summary>When it was sent on the present connection, as a timestamp of the client's clock.</summary>
    public long SentAt { get; set; } = NotSent;
}

/// <summary>A SUBSCRIBE that waits for its SUBACK.</summary>
internal sealed class SubscribeFlight(FilterEntry[] entries) : Flight
{
    /// <summary>The filters, in the order of the packet.</summary>
    public FilterEntry[] Entries { get; } = entries;
}

/// <summary>An UNSUBSCRIBE of one filter that waits for its UNSUBACK.</summary>
internal sealed class UnsubscribeFlight(FilterEntry entry, MqttSubscription[] leaving) : Flight
{
    private readonly TaskCompletionSource<(ReasonCode ReasonCode, Exception? Error)> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The filter.</summary>
    public FilterEntry Entry { get; } = entry;

    /// <summary>The subscriptions that lose the filter with the answer.</summary>
    public MqttSubscription[] Leaving { get; } = leaving;

    /// <summary>The server's answer, or the error if the connection ended before.</summary>
    public Task<(ReasonCode ReasonCode, Exception? Error)> Answer => answer.Task;

    public void OnAnswer(ReasonCode reasonCode) => answer.TrySetResult((reasonCode, null));

    public void OnNoAnswer(Exception error) => answer.TrySetResult((default, error));
}

/// <summary>A SUBSCRIBE or UNSUBSCRIBE that the application itself has made: its answer is handed back as it is.</summary>
internal sealed class RawFlight(MqttPacketType answerType) : Flight
{
    private readonly TaskCompletionSource<MqttPacket?> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The server's answer, or the error if the connection ended before.</summary>
    public Task<MqttPacket?> Answer => answer.Task;

    /// <summary>Which packet answers it.</summary>
    public MqttPacketType AnswerType { get; } = answerType;

    /// <summary>Takes the answer, which must own its bytes.</summary>
    public void OnAnswer(MqttPacket packet) => answer.TrySetResult(packet);

    public void OnNoAnswer(Exception error)
    {
        if (answer.TrySetException(error))
            _ = answer.Task.Exception; // Seen, even where whoever asked has given up.
    }
}
