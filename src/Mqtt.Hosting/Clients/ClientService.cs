using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mqtt.Hosting;

/// <summary>Connects one client when the host starts and disconnects it when the host stops. The container owns the client, and disposes it after that.</summary>
internal sealed class ClientService : IHostedService, IDisposable
{
    private readonly ClientRegistration registration;
    private readonly ILogger logger;
    private readonly CancellationTokenSource stopping = new();
    private Task connecting = Task.CompletedTask;
    private volatile MqttClientEvent? lastEvent;

    public ClientService(ClientRegistration registration, IServiceProvider services)
    {
        this.registration = registration;
        logger = services.GetService<ILoggerFactory>()?.CreateLogger("Mqtt.Hosting") ?? (ILogger)NullLogger.Instance;
        Client = registration.Get(services);
        Client.Happened += (_, what) => lastEvent = what;
    }

    public MqttClient Client { get; }

    /// <summary>What happened last to the client's connection.</summary>
    public MqttClientEvent? LastEvent => lastEvent;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (registration.WaitsForConnection)
            await Client.ConnectAsync(cancellationToken).ConfigureAwait(false);
        else
            connecting = ConnectAsync();
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await connecting.ConfigureAwait(false);
        await Client.DisconnectAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    public void Dispose() => stopping.Dispose();

    private async Task ConnectAsync()
    {
        try
        {
            await Client.ConnectAsync(stopping.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The host stops.
        }
        catch (Exception error)
        {
            logger.ClientNotConnected(error, registration.Key, HostedName.Of(Client.Options.Server));
        }
    }
}
