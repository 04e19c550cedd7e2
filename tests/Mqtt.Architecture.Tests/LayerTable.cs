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
        new("Mqtt.Protocol", Projects: [], Packages: []) { Banned = ["System.Net.Sockets", "System.Net.Http"] },
        new("Mqtt.Client", Projects: ["Mqtt.Protocol"], Packages: ["Microsoft.Extensions.Logging.Abstractions", "Polly.Core"]),
        new("Mqtt.Client.Sqlite", Projects: ["Mqtt.Protocol", "Mqtt.Client"], Packages: ["Microsoft.Data.Sqlite", "SQLitePCLRaw.*"]),
        new("Mqtt.Server", Projects: ["Mqtt.Protocol"], Packages: ["Microsoft.Extensions.Logging.Abstractions"]),
        new("Mqtt.Testing", Projects: ["Mqtt.Protocol", "Mqtt.Client", "Mqtt.Server"], Packages: ["Microsoft.Extensions.Logging.Abstractions"]),
        new("Mqtt.Hosting", Projects: ["Mqtt.Protocol", "Mqtt.Client", "Mqtt.Server"], Packages: ["Microsoft.Extensions.*"]),
        new("Mqtt.AspNetCore", Projects: ["Mqtt.Protocol", "Mqtt.Server"], Packages: ["Microsoft.AspNetCore.*", "Microsoft.Extensions.*"]),
        new("Mqtt.Storage.Sqlite", Projects: ["Mqtt.Protocol", "Mqtt.Server"], Packages: ["Microsoft.Data.Sqlite", "SQLitePCLRaw.*", "Microsoft.Extensions.Logging.Abstractions"]),
        new("Mqtt.Cluster", Projects: ["Mqtt.Protocol", "Mqtt.Client", "Mqtt.Server"], Packages: ["Npgsql", "RabbitMQ.Client", "Microsoft.Extensions.Logging.Abstractions"]),
        new("Mqtt.Tool", Projects: ["Mqtt.Protocol", "Mqtt.Client", "Mqtt.Server", "Mqtt.Hosting", "Mqtt.AspNetCore", "Mqtt.Storage.Sqlite", "Mqtt.Cluster"],
            Packages: ["Microsoft.Extensions.*"]),
    ];

    /// <summary>Walls inside an assembly.</summary>
    public static readonly IReadOnlyList<Wall> Walls =
    [
        new("Mqtt.Server", From: Listening, To: Broker, "a broker is one handler among others"),
        new("Mqtt.Server", From: Broker, To: Listening, "a broker has no better seam than anybody's handler") { PublicMayPass = true },
        new("Mqtt.Server", From: Time, To: new Part([.. Listening.Names, .. Broker.Names]) { Except = Time }, "a clock knows nobody who reads it"),
        new("Mqtt.Server", From: Routing, To: Sessions, "a router sees subscribers, not sessions"),
        new("Mqtt.Server", From: Sessions, To: Routing, "a session sees messages, not who else gets them"),
    ];

    private static Part Broker => new("Mqtt.Server.Broker.*", "Mqtt.Server.MqttBroker", "Mqtt.Server.MqttBrokerOptions");

    private static Part Listening => new("Mqtt.Server.*") { Except = new Part([.. Broker.Names, .. Time.Names]) };

    private static Part Time => new("Mqtt.Server.Time.*");

    private static Part Routing => new("Mqtt.Server.Broker.Routing.*");

    private static Part Sessions => new("Mqtt.Server.Broker.Sessions.*");
}
