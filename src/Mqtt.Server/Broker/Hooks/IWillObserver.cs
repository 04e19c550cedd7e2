namespace Mqtt.Server.Broker.Hooks;

/// <summary>Is told of wills.</summary>
public interface IWillObserver : IBrokerHook
{
    /// <summary>A will was published.</summary>
    /// <param name="clientId">Whose will it was.</param>
    /// <param name="message">The message.</param>
    /// <param name="receivers">How many clients and groups it went to.</param>
    ValueTask OnWillPublishedAsync(string clientId, BrokerMessage message, int receivers) => default;
}
