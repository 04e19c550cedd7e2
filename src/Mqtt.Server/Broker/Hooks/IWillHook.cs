namespace Mqtt.Server.Broker.Hooks;

/// <summary>Has a say in wills, at the moment when they are published.</summary>
public interface IWillHook : IBrokerHook
{
    /// <summary>A will is about to be published. If the hook throws, it is dropped.</summary>
    ValueTask OnWillAsync(WillRequest request);
}
