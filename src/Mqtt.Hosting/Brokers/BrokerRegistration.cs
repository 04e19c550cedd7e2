using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Mqtt.Server.Broker.Storage;

namespace Mqtt.Hosting;

/// <summary>What was said of a broker while services were added; broker and server are made of it once.</summary>
internal sealed class BrokerRegistration(IServiceCollection services)
{
    private readonly BrokerHooks hooks = new(services);
    private bool isCreating;

    public List<Func<MqttBrokerOptions, IServiceProvider, MqttBrokerOptions>> BrokerChanges { get; } = [];

    public List<Func<MqttServerOptions, IServiceProvider, MqttServerOptions>> ServerChanges { get; } = [];

    /// <summary>The options that the broker was made with.</summary>
    public MqttBrokerOptions BrokerOptions { get; private set; } = new();

    public MqttBroker CreateBroker(IServiceProvider provider)
    {
        // The container does not see a circle that goes through a factory, and would run into it for ever.
        if (isCreating)
            throw new InvalidOperationException("A hook needs the MqttBroker to be made, which is made of its hooks. IBrokerObserver.OnStartedAsync hands it over.");
        isCreating = true;
        try
        {
            var options = new MqttBrokerOptions
            {
                Hooks = hooks.Resolve(provider),
                Store = provider.GetService<IBrokerStore>(),
                TimeProvider = provider.GetService<TimeProvider>() ?? TimeProvider.System,
                Logger = LoggerOf(provider, "Mqtt.Broker"),
            };
            foreach (var change in BrokerChanges)
                options = change(options, provider);
            BrokerOptions = options;
            return new MqttBroker(options);
        }
        finally
        {
            isCreating = false;
        }
    }

    public MqttServer CreateServer(IServiceProvider provider)
    {
        var options = new MqttServerOptions
        {
            PacketHooks = [.. provider.GetServices<IMqttPacketHook>()],
            TimeProvider = provider.GetService<TimeProvider>() ?? TimeProvider.System,
            Logger = LoggerOf(provider, "Mqtt.Server"),
        };
        foreach (var change in ServerChanges)
            options = change(options, provider);
        return new MqttServer(provider.GetRequiredService<MqttBroker>(), options);
    }

    public static ILogger LoggerOf(IServiceProvider provider, string category) =>
        provider.GetService<ILoggerFactory>()?.CreateLogger(category) ?? (ILogger)NullLogger.Instance;
}
