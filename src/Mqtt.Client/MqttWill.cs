namespace Mqtt.Client;

/// <summary>The will: a message that the server publishes when the connection ends without a DISCONNECT (section 3.1.2.5).</summary>
/// <param name="Message">The message, with its quality of service, RETAIN and properties.</param>
public sealed record MqttWill(MqttMessage Message)
{
    /// <summary>
    /// How long the server waits before it publishes the will, in whole seconds; a connection that resumes the session meanwhile cancels
    /// it (5.0). Default: zero.
    /// </summary>
    public TimeSpan Delay { get; init; }
}
