using Mqtt.Protocol;
using Mqtt.Server.Broker.InProcess;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>A client that asks to connect and has no session yet, as hooks see it.</summary>
internal sealed class ConnectingClient(MqttConnection connection, ConnectPacket packet, string clientId, string? userName, ClientLimits limits) : BrokerClient
{
    public override string ClientId => clientId;

    public override string? UserName => userName;

    public override MqttConnection Connection => connection;

    public override bool IsInProcess { get; } = connection.State is InProcessLogin;

    public override bool BypassesRights { get; } = connection.State is InProcessLogin { BypassesRights: true };

    public override Traffic Traffic { get; } = new();

    public override MqttProtocolVersion Version => connection.Version;

    public override ClientLimits Limits => limits;

    public override TimeSpan SessionExpiry => TimeSpan.Zero;

    public override int MaximumPacketBytes { get; } = (int)Math.Min(packet.MaximumPacketSize ?? int.MaxValue, int.MaxValue);

    public override bool IsConnected => false;
}
