using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Flows;

/// <summary>Makes a CONNECT outlive its buffer.</summary>
internal static class ConnectParts
{
    /// <summary>A copy that owns its memory.</summary>
    public static ConnectPacket ToOwned(this ConnectPacket packet) => new()
    {
        Version = packet.Version,
        IsBridge = packet.IsBridge,
        ClientId = packet.ClientId.ToOwned(),
        CleanStart = packet.CleanStart,
        KeepAliveSeconds = packet.KeepAliveSeconds,
        Will = packet.Will?.ToOwned(),
        UserName = packet.UserName?.ToOwned(),
        Password = packet.Password is { } password ? password.ToArray() : default(ReadOnlyMemory<byte>?),
        Properties = packet.Properties.ToOwned(),
    };
}
