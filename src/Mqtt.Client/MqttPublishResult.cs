namespace Mqtt.Client;

/// <summary>
/// How a publish ended. At QoS 0 nobody answers: success means that the message was handed over to the connection. At QoS 1 and 2
/// it is the server's answer.
/// </summary>
/// <param name="ReasonCode">
/// The reason code of PUBACK, or of PUBREC at QoS 2. <see cref="ReasonCode.NoMatchingSubscribers"/> counts as success. In 3.x always success.
/// </param>
/// <param name="ReasonString">The server's text for people who look for a cause (5.0). Default: none.</param>
public readonly record struct MqttPublishResult(ReasonCode ReasonCode, string? ReasonString = null)
{
    /// <summary>The server's name-value pairs (5.0). Default: none.</summary>
    public UserProperties UserProperties { get; init; }

    /// <summary>True if the server took the message.</summary>
    public bool IsSuccess => ReasonCode < ReasonCode.UnspecifiedError;

    /// <summary>Returns the result, or throws if the server refused the message.</summary>
    /// <exception cref="MqttRefusedException">The reason code is 0x80 or above.</exception>
    public MqttPublishResult EnsureSuccess() =>
        IsSuccess ? this : throw MqttRefusedException.For("The server refused the message", ReasonCode, ReasonString is null ? null : new MqttString?(ReasonString));
}
