using Microsoft.Extensions.Hosting;

namespace Mqtt.Hosting;

/// <summary>Adds a broker to a program that has a host.</summary>
public static class MqttBrokerServices
{
    /// <summary>
    /// Adds a broker, and a server that brings it its clients: <see cref="MqttBroker"/> and <see cref="MqttServer"/> are services then. The server takes its addresses
    /// when the host starts, which fails if one cannot be had, and stops in good order when the host stops.
    /// <para>
    /// Every service of the container that is one of the hooks of <c>Mqtt.Server.Broker.Hooks</c>, whatever interface it was added as, is the broker's hook; they are asked in the order in which they
    /// were added. So is every <see cref="IMqttPacketHook"/> the server's. An <see cref="Mqtt.Server.Broker.Storage.IBrokerStore"/> keeps the broker's state.
    /// </para>
    /// </summary>
    /// <param name="services">Where it is added.</param>
    /// <param name="addresses">As <see cref="MqttServerOptions.Addresses"/>. Default: <c>mqtt://localhost:1883</c>.</param>
    /// <returns>For all else: options of the broker and the server. A second call goes on with the same broker.</returns>
    public static MqttBrokerBuilder AddMqttBroker(this IServiceCollection services, params string[] addresses)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        var builder = Add(services);
        return addresses.Length == 0 ? builder : builder.ConfigureServer(options => options with { Addresses = addresses });
    }

    /// <summary>Adds a broker, and a server that brings it its clients, with options from the configuration.</summary>
    /// <param name="services">Where it is added.</param>
    /// <param name="section">Read when they are made; see <see cref="MqttBrokerBuilder.Configure"/>.</param>
    /// <inheritdoc cref="AddMqttBroker(IServiceCollection, string[])"/>
    public static MqttBrokerBuilder AddMqttBroker(this IServiceCollection services, IConfigurationSection section) => Add(services).Configure(section);

    private static MqttBrokerBuilder Add(IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        if (services.FirstOrDefault(service => service.ServiceType == typeof(BrokerRegistration)) is { } known)
            return new MqttBrokerBuilder(services, (BrokerRegistration)known.ImplementationInstance!);

        var registration = new BrokerRegistration(services);
        services.AddSingleton(registration);
        services.AddSingleton(registration.CreateBroker);
        services.AddSingleton(registration.CreateServer);
        services.AddSingleton<BrokerService>();
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<BrokerService>());
        return new MqttBrokerBuilder(services, registration);
    }
}
