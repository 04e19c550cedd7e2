using Mqtt.Protocol;
using Mqtt.Server.Broker.Messages;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>A message as an observer sees it. Its memory is borrowed: copy what must outlive the task that the observer returns.</summary>
public readonly record struct BrokerMessage
{
    internal BrokerMessage(in MessageParts parts, long now)
    {
        Topic = MqttString.FromUtf8(parts.Topic);
        Payload = parts.Payload;
        QualityOfService = parts.QualityOfService;
        Retain = parts.Retain;
        Properties = MqttProperties.FromEncoded(parts.Properties);
        ExpirySeconds = parts.ExpiryAt(now);
    }

    /// <summary>The topic name.</summary>
    public MqttString Topic { get; }

    /// <summary>The application's bytes.</summary>
    public ReadOnlyMemory<byte> Payload { get; }

    /// <summary>The QoS with which it was published.</summary>
    public QualityOfService QualityOfService { get; }

    /// <summary>The RETAIN flag with which it was published.</summary>
    public bool Retain { get; }

    /// <summary>The properties that travel with it: no topic alias, no subscription identifier, no expiry.</summary>
    public MqttProperties Properties { get; }

    /// <summary>How long the message is still of use, in seconds; <see langword="null"/> for ever.</summary>
    public uint? ExpirySeconds { get; }
}
