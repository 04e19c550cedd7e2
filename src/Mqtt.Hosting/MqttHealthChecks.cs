using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Mqtt.Hosting;

/// <summary>Health checks for clients and the broker of a host.</summary>
public static class MqttHealthChecks
{
    /// <summary>Healthy while the client has a connection; else the check tells what happened last.</summary>
    /// <param name="builder">Where the check is added.</param>
    /// <param name="client">The client's name, as it was given to <c>AddMqttClient</c>. Default: the one without a name.</param>
    /// <param name="name">The name of the check. Default: <c>mqtt-client</c>, with the client's name behind it if it has one.</param>
    /// <param name="failureStatus">What no connection means. Default: unhealthy.</param>
    /// <param name="tags">Tags of the check. Default: none.</param>
    public static IHealthChecksBuilder AddMqttClient(
        this IHealthChecksBuilder builder, string? client = null, string? name = null, HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        name ??= client is null ? "mqtt-client" : $"mqtt-client-{client}";
        return builder.Add(new HealthCheckRegistration(
            name, services => new ClientHealthCheck(services.GetRequiredKeyedService<ClientService>(client ?? "")), failureStatus, tags));
    }

    /// <summary>Healthy while the server of the broker takes connections; degraded while the process holds more bytes than <see cref="MqttBrokerOptions.MemoryBytes"/> allows.</summary>
    /// <param name="builder">Where the check is added.</param>
    /// <param name="name">The name of the check. Default: <c>mqtt-broker</c>.</param>
    /// <param name="failureStatus">What a server that does not run means. Default: unhealthy.</param>
    /// <param name="tags">Tags of the check. Default: none.</param>
    public static IHealthChecksBuilder AddMqttBroker(
        this IHealthChecksBuilder builder, string name = "mqtt-broker", HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(new HealthCheckRegistration(name, services => ActivatorUtilities.CreateInstance<BrokerHealthCheck>(services), failureStatus, tags));
    }
}
