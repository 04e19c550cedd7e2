namespace Mqtt.Server.Broker.Hooks;

/// <summary>Is told of clients that come and go.</summary>
public interface IConnectionObserver : IBrokerHook
{
    /// <summary>A client is connected; CONNACK is on its way.</summary>
    /// <param name="client">The client.</param>
    /// <param name="resumed">It goes on with a session that was there.</param>
    ValueTask OnConnectedAsync(BrokerClient client, bool resumed) => default;

    /// <summary>A client's connection is over. Called once for each that was connected.</summary>
    /// <param name="client">The client.</param>
    /// <param name="cause">Who ended the connection, with the error behind it if there was one.</param>
    /// <param name="sessionEnded">The session ended with it, or had ended before.</param>
    ValueTask OnDisconnectedAsync(BrokerClient client, MqttCloseCause cause, bool sessionEnded) => default;
}
