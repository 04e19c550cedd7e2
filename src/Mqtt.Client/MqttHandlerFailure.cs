namespace Mqtt.Client;

/// <summary>What becomes of a message whose handler throws. In each case the error is logged and the handler gets the next message.</summary>
public enum MqttHandlerFailure
{
    /// <summary>It is acknowledged as if it had been handled.</summary>
    Acknowledge,

    /// <summary>
    /// The acknowledgement says <see cref="ReasonCode.UnspecifiedError"/> (5.0; in 3.x the same as <see cref="Acknowledge"/>). To the
    /// server it is delivered all the same.
    /// </summary>
    Refuse,

    /// <summary>The connection ends; a session that is resumed brings the message again.</summary>
    Disconnect,
}
