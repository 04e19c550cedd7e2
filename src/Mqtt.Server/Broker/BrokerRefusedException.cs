using Mqtt.Protocol;

namespace Mqtt.Server.Broker;

/// <summary>The broker said no to its own program: to an <see cref="InProcessClient"/> that connects or subscribes.</summary>
public sealed class BrokerRefusedException : Exception
{
    /// <summary>Creates the error.</summary>
    public BrokerRefusedException()
        : this("The broker refused.", ReasonCode.UnspecifiedError)
    {
    }

    /// <summary>Creates the error with a message.</summary>
    public BrokerRefusedException(string message)
        : this(message, ReasonCode.UnspecifiedError)
    {
    }

    /// <summary>Creates the error with its cause.</summary>
    public BrokerRefusedException(string message, Exception? innerException)
        : base(message, innerException) => ReasonCode = ReasonCode.UnspecifiedError;

    /// <summary>Creates the error with the broker's reason.</summary>
    public BrokerRefusedException(string message, ReasonCode reasonCode)
        : base($"{message} ({reasonCode}).") => ReasonCode = reasonCode;

    /// <summary>Why.</summary>
    public ReasonCode ReasonCode { get; }
}
