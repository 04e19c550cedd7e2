using System.Diagnostics.CodeAnalysis;
using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Hosting;

/// <summary>What else is to be said of a broker that <see cref="MqttBrokerServices"/> has added.</summary>
public sealed class MqttBrokerBuilder
{
    private readonly BrokerRegistration registration;

    internal MqttBrokerBuilder(IServiceCollection services, BrokerRegistration registration)
    {
        Services = services;
        this.registration = registration;
    }

    /// <summary>Where the broker was added.</summary>
    public IServiceCollection Services { get; }

    /// <summary>
    /// Changes the options of the broker; changes are made in the order of the calls, when the broker is made. They begin with the defaults, the host's loggers, the
    /// container's hooks and store, and its <see cref="TimeProvider"/> if it has one.
    /// </summary>
    public MqttBrokerBuilder ConfigureBroker(Func<MqttBrokerOptions, MqttBrokerOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return ConfigureBroker((options, _) => configure(options));
    }

    /// <summary>Changes the options of the broker by means of other services.</summary>
    /// <inheritdoc cref="ConfigureBroker(Func{MqttBrokerOptions, MqttBrokerOptions})"/>
    public MqttBrokerBuilder ConfigureBroker(Func<MqttBrokerOptions, IServiceProvider, MqttBrokerOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        registration.BrokerChanges.Add(configure);
        return this;
    }

    /// <summary>
    /// Changes the options of the server: addresses, certificate, what a connection may take. Changes are made in the order of the calls, when the server is made. They
    /// begin with the defaults, the host's loggers, the container's packet hooks, and its <see cref="TimeProvider"/> if it has one.
    /// </summary>
    public MqttBrokerBuilder ConfigureServer(Func<MqttServerOptions, MqttServerOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return ConfigureServer((options, _) => configure(options));
    }

    /// <summary>Changes the options of the server by means of other services.</summary>
    /// <inheritdoc cref="ConfigureServer(Func{MqttServerOptions, MqttServerOptions})"/>
    public MqttBrokerBuilder ConfigureServer(Func<MqttServerOptions, IServiceProvider, MqttServerOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        registration.ServerChanges.Add(configure);
        return this;
    }

    /// <summary>
    /// Takes options from a section of the configuration: below <c>Server</c> the names of <see cref="MqttServerOptions"/>, below <c>Broker</c> those of
    /// <see cref="MqttBrokerOptions"/>, and of the records in them: <c>Server:Addresses:0</c>, <c>Server:Tls:CertificateFile</c>, <c>Broker:Limits:QueueCount</c>. Times are written
    /// <c>00:01:30</c>, versions <c>5.0</c>. A key that means nothing, or a value that cannot be, is an error when broker and server are made.
    /// </summary>
    public MqttBrokerBuilder Configure(IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(section);
        registration.ServerChanges.Add((options, _) => BrokerSettings.Apply(new SettingsReader(section), options));
        registration.BrokerChanges.Add((options, _) => BrokerSettings.Apply(new SettingsReader(section), options));
        return this;
    }

    /// <summary>
    /// Adds a hook, made once by the container. It cannot ask for the <see cref="MqttBroker"/> in its constructor, for a broker is made of its hooks: an
    /// <see cref="IBrokerObserver"/> is handed it in <see cref="IBrokerObserver.OnStartedAsync"/>.
    /// </summary>
    public MqttBrokerBuilder AddHook<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THook>()
        where THook : class, IBrokerHook
    {
        Services.AddSingleton<IBrokerHook, THook>();
        return this;
    }
}
