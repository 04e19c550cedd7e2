namespace Mqtt.Client;

/// <summary>The store of a client's queue cannot be opened, read or written. The message says what is wrong with it and whether that may pass; the cause is inside.</summary>
public sealed class MqttStoreException : IOException
{
    /// <summary>Creates the error.</summary>
    public MqttStoreException()
        : base("The store of the queue failed.")
    {
    }

    /// <summary>Creates the error with a message.</summary>
    public MqttStoreException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the error with its cause.</summary>
    public MqttStoreException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
