namespace Mqtt.Architecture.Tests;

/// <summary>
/// Which assembly may name which, and which part of an assembly must not name which other. ARCHITECTURE.md draws it; this is the
/// drawing's one source of truth. Arrows run down only: tool, then hosts and stores, then client and server, then protocol.
/// </summary>
public static class LayerTable
{
    /// <summary>One line for each project of <c>src</c>; a project without a line fails the test.</summary>
    public static readonly IReadOnlyList<Layer> Layers =
    [
        new("Mqtt.Protocol", Projects: [], Packages: []) { Banned = ["System.Net.Sockets", "System.Net.Http", "System.Net.WebSockets"] },
        new("Mqtt.Testing", Projects: ["Mqtt.Protocol"], Packages: []),
        new("Mqtt.Client", Projects: ["Mqtt.Protocol"], Packages: ["Microsoft.Extensions.Logging.Abstractions", "Polly.Core"]),
        new("Mqtt.Server", Projects: ["Mqtt.Protocol"], Packages: ["Microsoft.Extensions.Logging.Abstractions"]),
        new("Mqtt.Hosting", Projects: ["Mqtt.Protocol", "Mqtt.Client", "Mqtt.Server"], Packages: ["Microsoft.Extensions.*"]),
        new("Mqtt.AspNetCore", Projects: ["Mqtt.Protocol", "Mqtt.Server"], Packages: ["Microsoft.AspNetCore.*", "Microsoft.Extensions.*"]),
        new("Mqtt.Storage.Sqlite", Projects: ["Mqtt.Protocol", "Mqtt.Server"], Packages: ["Microsoft.Data.Sqlite", "SQLitePCLRaw.*", "Microsoft.Extensions.Logging.Abstractions"]),
        new("Mqtt.Cluster", Projects: ["Mqtt.Protocol", "Mqtt.Client", "Mqtt.Server"], Packages: ["Npgsql", "RabbitMQ.Client", "Microsoft.Extensions.Logging.Abstractions"]),
        new("Mqtt.Tool", Projects: ["Mqtt.Protocol", "Mqtt.Client", "Mqtt.Server", "Mqtt.Hosting", "Mqtt.AspNetCore", "Mqtt.Storage.Sqlite", "Mqtt.Cluster"],
            Packages: ["Microsoft.Extensions.*"]),
    ];

    /// <summary>Walls inside an assembly, between namespaces.</summary>
    public static readonly IReadOnlyList<Wall> Walls =
    [
        new("Mqtt.Server", From: "Mqtt.Server", ExceptUnder: "Mqtt.Server.Broker", Never: "Mqtt.Server.Broker", "the listening part knows no broker: a broker is one handler among others"),
        new("Mqtt.Server", From: "Mqtt.Server.Broker.Routing", ExceptUnder: null, Never: "Mqtt.Server.Broker.Sessions", "a router sees subscribers, not sessions"),
        new("Mqtt.Server", From: "Mqtt.Server.Broker.Sessions", ExceptUnder: null, Never: "Mqtt.Server.Broker.Routing", "a session sees messages, not who else gets them"),
    ];
}
