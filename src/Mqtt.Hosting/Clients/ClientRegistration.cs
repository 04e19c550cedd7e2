using Microsoft.Extensions.Logging;

namespace Mqtt.Hosting;

/// <summary>What was said of a client while services were added; the client is made of it once.</summary>
internal sealed class ClientRegistration(string? name)
{
    public string? Name { get; } = name;

    /// <summary>The key of what belongs to this client and is no client.</summary>
    public string Key { get; } = name ?? "";

    public List<Func<MqttClientOptions, IServiceProvider, MqttClientOptions>> Changes { get; } = [];

    public List<Action<MqttClient, IServiceProvider>> Subscribers { get; } = [];

    public bool WaitsForConnection { get; set; }

    /// <summary>Makes the client, with all its subscriptions.</summary>
    public MqttClient Create(IServiceProvider services)
    {
        var options = new MqttClientOptions
        {
            LoggerFactory = services.GetService<ILoggerFactory>(),
            Reconnect = new MqttClientReconnect { RetryFirstConnect = true },
        };
        if (services.GetService<TimeProvider>() is { } time)
            options = options with { TimeProvider = time };
        foreach (var change in Changes)
            options = change(options, services);
        var client = new MqttClient(options);
        foreach (var subscribe in Subscribers)
            subscribe(client, services);
        return client;
    }

    /// <summary>The client, made now if nobody has asked for it yet.</summary>
    public MqttClient Get(IServiceProvider services) => Name is null ? services.GetRequiredService<MqttClient>() : services.GetRequiredKeyedService<MqttClient>(Name);
}
