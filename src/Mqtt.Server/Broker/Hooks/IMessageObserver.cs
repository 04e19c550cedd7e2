using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>Is told of messages that were published.</summary>
public interface IMessageObserver : IBrokerHook
{
    /// <summary>A message is with everybody who gets it.</summary>
    /// <param name="client">Who published it; <see langword="null"/> for the program itself, and for wills.</param>
    /// <param name="message">The message.</param>
    /// <param name="receivers">How many clients and groups it went to.</param>
    ValueTask OnPublishedAsync(BrokerClient? client, BrokerMessage message, int receivers) => default;

    /// <summary>A client's message was refused, or dropped before anybody got it.</summary>
    /// <param name="client">Who published it.</param>
    /// <param name="topic">The topic that the client named.</param>
    /// <param name="reasonCode">The refusal; success for a message that a hook dropped.</param>
    ValueTask OnPublishRefusedAsync(BrokerClient client, MqttString topic, ReasonCode reasonCode) => default;
}
