using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Mqtt.Client;
using Mqtt.Hosting;
using Mqtt.Server;
using Mqtt.Server.Broker.Hooks;

// A broker that lives with its host: options from the configuration, hooks from the container, a health check.
var builder = Host.CreateEmptyApplicationBuilder(new());
builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
{
    ["Mqtt:Server:Addresses:0"] = "mqtt://127.0.0.1:0",
    ["Mqtt:Server:Addresses:1"] = "mqtt://[::1]:0",
    ["Mqtt:Broker:Limits:MaximumSessionExpiry"] = "1.00:00:00",
});
builder.Services.AddMqttBroker(builder.Configuration.GetSection("Mqtt")).AddHook<Doorman>();
builder.Services.AddHealthChecks().AddMqttBroker();
using var host = builder.Build();
await host.StartAsync(); // fails if an address cannot be had

var server = host.Services.GetRequiredService<MqttServer>();
Console.WriteLine($"endpoints: {server.Endpoints.Count}");
Console.WriteLine($"anna: {await ConnectAsync("anna")}");
Console.WriteLine($"bert: {await ConnectAsync("bert")}");
var report = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
Console.WriteLine($"health: {report.Status}");
await host.StopAsync(); // tells every client, and lets it take what waits

async Task<string> ConnectAsync(string userName)
{
    await using var client = new MqttClient(new MqttClientOptions { Server = new($"mqtt://{server.Endpoints[0]}"), Credentials = new(userName, "secret") });
    try
    {
        await client.ConnectAsync();
        return "in";
    }
    catch (MqttRefusedException refused)
    {
        return $"{refused.ReasonCode}";
    }
}

sealed class Doorman : IAuthenticationHook
{
    public ValueTask<AuthenticationResult?> AuthenticateAsync(AuthenticationRequest request, CancellationToken cancellationToken) =>
        new(request.UserName == "anna" ? AuthenticationResult.Allowed : AuthenticationResult.Refused());
}
