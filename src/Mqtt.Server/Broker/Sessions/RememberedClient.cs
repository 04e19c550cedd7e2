using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>A client that has not been here since the broker began anew, as hooks see it: what its session knows of it.</summary>
internal sealed class RememberedClient(Session session) : BrokerClient
{
    public override string ClientId => session.ClientId;

    public override string? UserName => session.Owner;

    public override MqttConnection Connection => throw new InvalidOperationException("The client has not been here since the broker began anew.");

    public override bool IsInProcess => false;

    public override bool BypassesRights => false;

    public override Traffic Traffic { get; } = new();

    public override MqttProtocolVersion Version => MqttProtocolVersion.V500;

    public override ClientLimits Limits => session.Limits;

    public override TimeSpan SessionExpiry => session.ExpirySeconds == uint.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(session.ExpirySeconds);

    public override int MaximumPacketBytes => int.MaxValue;

    public override bool IsConnected => false;
}
