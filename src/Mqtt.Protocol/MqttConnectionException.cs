namespace Mqtt.Protocol;

/// <summary>The network went: the connection broke, was closed or could not be made. The cause is inside.</summary>
public sealed class MqttConnectionException : IOException
{
    /// <summary>Creates the error.</summary>
    public MqttConnectionException()
        : base("The connection is closed.")
    {
    }

    /// <summary>Creates the error with a message.</summary>
    public MqttConnectionException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the error with its cause.</summary>
    public MqttConnectionException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
