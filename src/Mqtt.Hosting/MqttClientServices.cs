using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Mqtt.Hosting;

/// <summary>Adds clients to a program that has a host.</summary>
public static class MqttClientServices
{
    /// <summary>
    /// Adds the client that services get as <see cref="MqttClient"/>. It connects when the host starts, again and again while the server is
    /// away, and disconnects when the host stops. Hosted services
    /// start in the order in which they were added, and stop in the opposite one: add clients before what uses them.
    /// </summary>
    /// <param name="services">Where it is added.</param>
    /// <param name="configure">Changes the options: <c>options => options with { Server = new("mqtt://broker") }</c>.</param>
    /// <returns>For all else: handlers, further changes of the options. A second call goes on with the same client.</returns>
    public static MqttClientBuilder AddMqttClient(this IServiceCollection services, Func<MqttClientOptions, MqttClientOptions> configure) =>
        Add(services, null).Configure(configure);

    /// <summary>Adds the client that services get as <see cref="MqttClient"/>, with options from the configuration.</summary>
    /// <param name="services">Where it is added.</param>
    /// <param name="section">Read when the client is made; see <see cref="MqttClientBuilder.Configure(IConfigurationSection)"/>.</param>
    /// <inheritdoc cref="AddMqttClient(IServiceCollection, Func{MqttClientOptions, MqttClientOptions})"/>
    public static MqttClientBuilder AddMqttClient(this IServiceCollection services, IConfigurationSection section) => Add(services, null).Configure(section);

    /// <summary>Adds one client of several: services get it as <c>[FromKeyedServices("name")] MqttClient</c>.</summary>
    /// <param name="services">Where it is added.</param>
    /// <param name="name">The name, which is the key. The client identifier is another thing.</param>
    /// <param name="configure">Changes the options: <c>options => options with { Server = new("mqtt://broker") }</c>.</param>
    /// <inheritdoc cref="AddMqttClient(IServiceCollection, Func{MqttClientOptions, MqttClientOptions})"/>
    public static MqttClientBuilder AddMqttClient(this IServiceCollection services, string name, Func<MqttClientOptions, MqttClientOptions> configure) =>
        AddNamed(services, name).Configure(configure);

    /// <summary>Adds one client of several, with options from the configuration: services get it as <c>[FromKeyedServices("name")] MqttClient</c>.</summary>
    /// <param name="services">Where it is added.</param>
    /// <param name="name">The name, which is the key. The client identifier is another thing.</param>
    /// <param name="section">Read when the client is made; see <see cref="MqttClientBuilder.Configure(IConfigurationSection)"/>.</param>
    /// <inheritdoc cref="AddMqttClient(IServiceCollection, Func{MqttClientOptions, MqttClientOptions})"/>
    public static MqttClientBuilder AddMqttClient(this IServiceCollection services, string name, IConfigurationSection section) =>
        AddNamed(services, name).Configure(section);

    private static MqttClientBuilder AddNamed(IServiceCollection services, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return Add(services, name);
    }

    private static MqttClientBuilder Add(IServiceCollection services, string? name)
    {
        ArgumentNullException.ThrowIfNull(services);
        if (Find(services, name) is { } known)
            return new MqttClientBuilder(services, known);

        // Keyed by its name even if that is none: whoever looks for the client of a name finds one way alone.
        var registration = new ClientRegistration(name);
        services.AddKeyedSingleton(registration.Key, registration);
        services.AddKeyedSingleton(registration.Key, (provider, _) => new ClientService(registration, provider));
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredKeyedService<ClientService>(registration.Key));
        if (name is null)
            services.TryAddSingleton(registration.Create);
        else
            services.TryAddKeyedSingleton(name, (provider, _) => registration.Create(provider));
        return new MqttClientBuilder(services, registration);
    }

    private static ClientRegistration? Find(IServiceCollection services, string? name) => services
        .Where(service => service.IsKeyedService && service.ServiceType == typeof(ClientRegistration))
        .Select(service => (ClientRegistration)service.KeyedImplementationInstance!)
        .FirstOrDefault(registration => registration.Name == name);
}
