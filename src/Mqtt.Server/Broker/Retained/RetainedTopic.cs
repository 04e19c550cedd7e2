using Mqtt.Protocol;
using Mqtt.Server.Broker.Messages;

namespace Mqtt.Server.Broker.Retained;

/// <summary>A topic that has a retained message; the message changes, the topic stays in its place.</summary>
/// <param name="name">The topic name; it owns its bytes.</param>
internal sealed class RetainedTopic(MqttString name)
{
    /// <summary>The topic name.</summary>
    public MqttString Name => name;

    /// <summary>Its last message, held.</summary>
    public required StoredMessage Message { get; set; }

    /// <summary>The number of that message among all that were retained.</summary>
    public long Number { get; set; }
}
