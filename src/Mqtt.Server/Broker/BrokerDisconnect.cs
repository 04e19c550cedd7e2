using Mqtt.Protocol;

namespace Mqtt.Server.Broker;

/// <summary>How the program ends a client's connection.</summary>
public sealed record BrokerDisconnect
{
    /// <summary>What a 5.0 client is told. Default: administrative action (0x98).</summary>
    public ReasonCode ReasonCode { get; init; } = ReasonCode.AdministrativeAction;

    /// <summary>Words for a 5.0 client. Default: none.</summary>
    public string? ReasonString { get; init; }

    /// <summary>Another server for a 5.0 client, with use another server (0x9C) or server moved (0x9D). Default: none.</summary>
    public string? ServerReference { get; init; }

    /// <summary>The session ends too, also that of a client that is not connected. Default: false.</summary>
    public bool EndSession { get; init; }

    /// <summary>The client's will is published, at once or after its delay. Default: true.</summary>
    public bool PublishWill { get; init; } = true;
}
