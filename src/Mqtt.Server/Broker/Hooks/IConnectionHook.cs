namespace Mqtt.Server.Broker.Hooks;

/// <summary>Has a say in who may connect; authentication has its own hooks, and is over then.</summary>
public interface IConnectionHook : IBrokerHook
{
    /// <summary>A client asks to connect; nothing has changed yet. If the hook throws, the client is refused (0x83).</summary>
    ValueTask OnConnectAsync(ConnectRequest request);
}
