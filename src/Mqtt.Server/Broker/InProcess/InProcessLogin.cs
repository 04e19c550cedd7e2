namespace Mqtt.Server.Broker.InProcess;

/// <summary>Stands in the state of a connection that this program made, until its CONNECT is accepted.</summary>
internal sealed record InProcessLogin(bool BypassesRights);
