using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Mqtt.Hosting;

/// <summary>Tells whether a client has a connection, and if not, what happened last.</summary>
internal sealed class ClientHealthCheck(ClientService service) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var client = service.Client;
        var state = client.State;
        var data = new Dictionary<string, object>
        {
            ["server"] = HostedName.Of(client.Options.Server),
            ["clientId"] = client.ClientId,
            ["state"] = state.ToString(),
        };
        return Task.FromResult(state == MqttClientState.Connected
            ? HealthCheckResult.Healthy("Connected.", data)
            : new HealthCheckResult(context.Registration.FailureStatus, service.LastEvent?.ToString() ?? "Not connected.", data: data));
    }
}
