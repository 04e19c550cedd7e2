namespace Mqtt.Server.Broker.Hooks;

/// <summary>Is told of the broker's own life.</summary>
public interface IBrokerObserver : IBrokerHook
{
    /// <summary>The broker is there, with all that its store has kept; no client has come yet.</summary>
    ValueTask OnStartedAsync(MqttBroker broker) => default;

    /// <summary>The broker has ended. The last that an observer is told, and waited for when the broker is disposed.</summary>
    ValueTask OnStoppedAsync(MqttBroker broker) => default;

    /// <summary>The <c>$SYS</c> topics were published anew.</summary>
    ValueTask OnSystemTickAsync(MqttBroker broker) => default;
}
