using Microsoft.Extensions.Hosting;

namespace Mqtt.Hosting;

/// <summary>Starts the server when the host starts, and stops it when the host stops. The container owns server and broker, and disposes them in this order.</summary>
internal sealed class BrokerService(MqttServer server, IServiceProvider services) : IHostedService
{
    private volatile bool isRunning;

    /// <summary>True from the start to the stop.</summary>
    public bool IsRunning => isRunning;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await server.StartAsync().ConfigureAwait(false);
        isRunning = true;
        var logger = BrokerRegistration.LoggerOf(services, "Mqtt.Hosting");
        foreach (var endPoint in server.Endpoints)
            logger.BrokerListens(endPoint);
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        isRunning = false;
        return server.StopAsync(cancellationToken);
    }
}
