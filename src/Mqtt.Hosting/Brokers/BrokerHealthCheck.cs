using Microsoft.Extensions.Diagnostics.HealthChecks;
using Mqtt.Protocol.Channels;

namespace Mqtt.Hosting;

/// <summary>Tells whether the server of the broker runs, and whether it has memory left.</summary>
internal sealed class BrokerHealthCheck(BrokerService service, BrokerRegistration registration, MqttBroker broker) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var data = new Dictionary<string, object>
        {
            ["connected"] = broker.Statistics.Connected,
            ["sessions"] = broker.SessionCount,
            ["heldBytes"] = BufferPool.RentedBytes,
        };
        if (!service.IsRunning)
            return Task.FromResult(new HealthCheckResult(context.Registration.FailureStatus, "The server does not run.", data: data));
        return Task.FromResult(BufferPool.RentedBytes > registration.BrokerOptions.MemoryBytes
            ? HealthCheckResult.Degraded("The process holds more bytes than it may; messages are refused.", data: data)
            : HealthCheckResult.Healthy("The server runs.", data));
    }
}
