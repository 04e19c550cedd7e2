namespace Mqtt.Client;

/// <summary>How long a client waits. <see cref="Timeout.InfiniteTimeSpan"/> turns a limit off.</summary>
public sealed record MqttClientTimeouts
{
    /// <summary>From the beginning of dialling to CONNACK. Default: 30 s.</summary>
    public TimeSpan Connect { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// From PINGREQ to PINGRESP, whatever else arrives meanwhile; never more than half the keep-alive. So a connection that is dead is found at the
    /// latest after the keep-alive and this time, and never later than after 1.5 keep-alives. Default: 20 s.
    /// </summary>
    public TimeSpan PingResponse { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// From PUBLISH, PUBREL, SUBSCRIBE or UNSUBSCRIBE to its acknowledgement. One that does not come ends the connection: on a living
    /// connection nothing is sent again. It is noticed up to a quarter of this time late. Default: 60 s.
    /// </summary>
    public TimeSpan Acknowledgement { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>From a request (<see cref="MqttClient.RequestAsync(MqttMessage, TimeSpan?, CancellationToken)"/>) to its response. Default: 30 s.</summary>
    public TimeSpan Response { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>From DISCONNECT to the end of the stream; then the connection is aborted. Default: 5 s.</summary>
    public TimeSpan Close { get; init; } = TimeSpan.FromSeconds(5);
}
