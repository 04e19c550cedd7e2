using Mqtt.Protocol;
using Mqtt.Server.Broker.Messages;

namespace Mqtt.Server.Broker.Retained;

/// <summary>A topic that has a retained message; the message changes, the topic stays in its place.</summary>
internal sealed class RetainedTopic
{
    /// <summary>The topic name. Its bytes are those of the message: who needs it for longer than the message is held copies it.</summary>
    public MqttString Name => MqttString.FromUtf8(Message.Topic);

    /// <summary>Its last message, held.</summary>
    public required StoredMessage Message { get; set; }

    /// <summary>The number of that message among all that were retained.</summary>
    public long Number { get; set; }
}
