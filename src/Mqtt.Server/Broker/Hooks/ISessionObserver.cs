namespace Mqtt.Server.Broker.Hooks;

/// <summary>Is told of sessions.</summary>
public interface ISessionObserver : IBrokerHook
{
    /// <summary>A session began.</summary>
    ValueTask OnSessionCreatedAsync(string clientId) => default;

    /// <summary>A client went on with its session.</summary>
    ValueTask OnSessionResumedAsync(string clientId) => default;

    /// <summary>A session ended.</summary>
    ValueTask OnSessionEndedAsync(string clientId, SessionEnd cause) => default;
}
