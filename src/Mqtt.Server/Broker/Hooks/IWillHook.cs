namespace Mqtt.Server.Broker.Hooks;

/// <summary>Has a say in wills, at the moment when they are published.</summary>
public interface IWillHook : IBrokerHook
{
    /// <summary>
    /// A will is about to be published. If the hook throws, it is dropped. The client's next connection waits for the answer; so does whatever the program does to the
    /// client meanwhile, and a hook that called <see cref="MqttBroker.DisconnectAsync"/> or <see cref="MqttBroker.SubscribeAsync"/> for it would wait for itself:
    /// these throw <see cref="InvalidOperationException"/> there.
    /// </summary>
    ValueTask OnWillAsync(WillRequest request);
}
