namespace Mqtt.Server.Broker.Hooks;

/// <summary>Has a say in every message that a client publishes; not in wills, which have their own hook, and not in what the program itself publishes.</summary>
public interface IMessageHook : IBrokerHook
{
    /// <summary>
    /// A client publishes a message that it may publish; a repeated QoS 2 message does not come here again. If the hook throws, the message is refused (0x83).
    /// </summary>
    ValueTask OnPublishAsync(PublishRequest request);
}
