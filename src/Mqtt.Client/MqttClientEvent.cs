namespace Mqtt.Client;

/// <summary>Something that happened to a client's connection or to what depends on it; see <see cref="MqttClient.Happened"/>.</summary>
public abstract record MqttClientEvent
{
    /// <summary>The state of the client since this event.</summary>
    public MqttClientState State { get; init; }
}

/// <summary>The server has accepted a connection.</summary>
/// <param name="Result">What it said; <see cref="MqttConnectResult.SessionPresent"/> tells whether it has kept the session.</param>
public sealed record MqttConnectedEvent(MqttConnectResult Result) : MqttClientEvent
{
    /// <inheritdoc/>
    public override string ToString() => $"Connected, {(Result.SessionPresent ? "session resumed" : "new session")}.";
}

/// <summary>A connection that was accepted has ended.</summary>
/// <param name="Cause">Why.</param>
public sealed record MqttDisconnectedEvent(MqttDisconnectCause Cause) : MqttClientEvent
{
    /// <summary>How long it waits before it tries to connect again. Default: none, if it does not try, or with a pipeline of one's own.</summary>
    public TimeSpan? RetryIn { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"Disconnected by {Cause}.{Retry.Text(RetryIn)}";
}

/// <summary>An attempt to connect has failed, at every server.</summary>
/// <param name="Attempt">Which attempt it was since the client was last connected for a while; the first is 1.</param>
/// <param name="Error">Why it failed; with several servers, why the last one did.</param>
public sealed record MqttConnectFailedEvent(int Attempt, Exception Error) : MqttClientEvent
{
    /// <summary>How long it waits before the next attempt. Default: none, if there is no next one, or with a pipeline of one's own.</summary>
    public TimeSpan? RetryIn { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"Attempt {Attempt} to connect failed: {Error.Message}{Retry.Text(RetryIn)}";
}

/// <summary>The client does not try any more to connect.</summary>
/// <param name="Error">The reason that forbids it, or why the last attempt failed.</param>
public sealed record MqttGaveUpEvent(Exception Error) : MqttClientEvent
{
    /// <inheritdoc/>
    public override string ToString() => $"Gave up connecting: {Error.Message}";
}

/// <summary>The server has refused a filter, at first or when the subscription was renewed after the server had lost the session.</summary>
/// <param name="Filter">The filter.</param>
/// <param name="ReasonCode">Why; in 3.1.1 always <see cref="ReasonCode.UnspecifiedError"/>.</param>
public sealed record MqttSubscriptionRefusedEvent(MqttString Filter, ReasonCode ReasonCode) : MqttClientEvent
{
    /// <inheritdoc/>
    public override string ToString() => $"The server refused the subscription to {Filter}: {ReasonCode} (0x{(int)ReasonCode:X2}).";
}

/// <summary>
/// A message is lost of which no task tells any more: one that <see cref="MqttClient.EnqueueAsync(MqttMessage, CancellationToken)"/> has taken, or that an earlier run of the
/// program has left in the store.
/// </summary>
/// <param name="Topic">Its topic.</param>
/// <param name="QualityOfService">Its quality of service.</param>
/// <param name="Cause">Why.</param>
/// <param name="Reason">The same for people, with what the server said.</param>
public sealed record MqttPublishLostEvent(MqttString Topic, QualityOfService QualityOfService, MqttPublishLoss Cause, string Reason) : MqttClientEvent
{
    /// <inheritdoc/>
    public override string ToString() => $"A message to {Topic} is lost ({Cause}): {Reason}";
}

file static class Retry
{
    public static string Text(TimeSpan? delay) => delay is { } time ? $" Next attempt in {time.TotalSeconds:0.###} s." : "";
}
