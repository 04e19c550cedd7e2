using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Mqtt.Hosting;

/// <summary>What else is to be said of a client that <see cref="MqttClientServices"/> has added.</summary>
public sealed class MqttClientBuilder
{
    private readonly ClientRegistration registration;

    internal MqttClientBuilder(IServiceCollection services, ClientRegistration registration)
    {
        Services = services;
        this.registration = registration;
    }

    /// <summary>Where the client was added.</summary>
    public IServiceCollection Services { get; }

    /// <summary>The client's name; <see langword="null"/> for the one that has none.</summary>
    public string? Name => registration.Name;

    /// <summary>
    /// Changes the options; changes are made in the order of the calls, when the client is made. They begin with the defaults, the host's loggers, the
    /// container's <see cref="TimeProvider"/> if it has one, and <see cref="MqttClientReconnect.RetryFirstConnect"/>: programs of a plant start in any order.
    /// </summary>
    public MqttClientBuilder Configure(Func<MqttClientOptions, MqttClientOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return Configure((options, _) => configure(options));
    }

    /// <summary>Changes the options by means of other services.</summary>
    /// <inheritdoc cref="Configure(Func{MqttClientOptions, MqttClientOptions})"/>
    public MqttClientBuilder Configure(Func<MqttClientOptions, IServiceProvider, MqttClientOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        registration.Changes.Add(configure);
        return this;
    }

    /// <summary>
    /// Takes options from a section of the configuration, whose keys are the names of <see cref="MqttClientOptions"/> and the records in it: <c>Server</c>, <c>ClientId</c>,
    /// <c>KeepAlive</c>, <c>Limits:ReceiveMaximum</c>. <c>UserName</c> and <c>Password</c> are the credentials, <c>WaitForConnection</c> is <see cref="WaitForConnection"/>. Times are
    /// written <c>00:01:30</c>, versions <c>5.0</c>. A key that means nothing, or a value that cannot be, is an error when the client is made.
    /// </summary>
    public MqttClientBuilder Configure(IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(section);
        return Configure((options, _) => ClientSettings.Apply(new SettingsReader(section), options, registration));
    }

    /// <summary>
    /// Lets the host's start wait for the first connection, and fail if the server refuses it, or if there is none to be had and
    /// <see cref="MqttClientReconnect.RetryFirstConnect"/> is off. Without it the host starts at once, also while the server is away, and the client connects meanwhile.
    /// </summary>
    public MqttClientBuilder WaitForConnection()
    {
        registration.WaitsForConnection = true;
        return this;
    }

    /// <summary>
    /// Registers a handler for some topics, before the client connects for the first time: nothing that a resumed session has queued is missed.
    /// </summary>
    /// <typeparam name="THandler">
    /// Made anew for each message, in a scope of its own, unless the container knows it with another lifetime.
    /// </typeparam>
    /// <param name="topics">The topics: a template such as <c>plant/{id}/temperature</c> (see <see cref="MqttTopicTemplate"/>), or a filter such as <c>plant/+/temperature</c>, which has no parameters.</param>
    /// <param name="qualityOfService">The highest QoS at which messages are to come. Default: QoS 0.</param>
    /// <param name="options">What else to ask for. Default: see there.</param>
    /// <exception cref="ArgumentException">It is neither a template nor a filter; the message says why.</exception>
    public MqttClientBuilder AddHandler<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler>(
        string topics,
        QualityOfService qualityOfService = QualityOfService.AtMostOnce,
        MqttSubscriptionOptions? options = null)
        where THandler : class, IMqttMessageHandler
    {
        Services.TryAddScoped<THandler>();
        return Map<THandler>(
            topics, static (handler, message, parameters, cancellationToken) => handler.HandleAsync(message, parameters, cancellationToken), qualityOfService, options);
    }

    /// <summary>Registers a delegate for some topics, before the client connects for the first time.</summary>
    /// <param name="topics">As for <see cref="AddHandler"/>.</param>
    /// <param name="handler">As for <see cref="MqttClient.Map"/>.</param>
    /// <param name="qualityOfService">The highest QoS at which messages are to come. Default: QoS 0.</param>
    /// <param name="options">What else to ask for. Default: see there.</param>
    /// <exception cref="ArgumentException">It is neither a template nor a filter; the message says why.</exception>
    public MqttClientBuilder Map(
        string topics,
        Func<MqttMessage, MqttTopicParameters, CancellationToken, ValueTask> handler,
        QualityOfService qualityOfService = QualityOfService.AtMostOnce,
        MqttSubscriptionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return Register(topics, _ => handler, qualityOfService, options);
    }

    /// <summary>Registers a delegate that needs a service, before the client connects for the first time.</summary>
    /// <typeparam name="TService">The service, which comes from a scope that lives as long as the message is handled.</typeparam>
    /// <inheritdoc cref="Map(string, Func{MqttMessage, MqttTopicParameters, CancellationToken, ValueTask}, QualityOfService, MqttSubscriptionOptions)"/>
    public MqttClientBuilder Map<TService>(
        string topics,
        Func<TService, MqttMessage, MqttTopicParameters, CancellationToken, ValueTask> handler,
        QualityOfService qualityOfService = QualityOfService.AtMostOnce,
        MqttSubscriptionOptions? options = null)
        where TService : notnull
    {
        ArgumentNullException.ThrowIfNull(handler);
        return Register(topics, services => InScope(services, handler), qualityOfService, options);
    }

    private MqttClientBuilder Register(
        string topics,
        Func<IServiceProvider, Func<MqttMessage, MqttTopicParameters, CancellationToken, ValueTask>> handlerOf,
        QualityOfService qualityOfService,
        MqttSubscriptionOptions? options)
    {
        ArgumentNullException.ThrowIfNull(topics);
        if (!topics.AsSpan().ContainsAny('+', '#'))
        {
            MqttTopicTemplate.Parse(topics);
            registration.Subscribers.Add((client, services) => client.Map(topics, handlerOf(services), qualityOfService, options));
            return this;
        }

        if (!MqttTopic.IsValidFilter(MqttString.FromString(topics).Span))
            throw new ArgumentException($"\"{topics}\" is no topic filter.", nameof(topics));
        registration.Subscribers.Add((client, services) =>
        {
            var handler = handlerOf(services);
            client.Subscribe(topics, (message, cancellationToken) => handler(message, default, cancellationToken), qualityOfService, options);
        });
        return this;
    }

    private static Func<MqttMessage, MqttTopicParameters, CancellationToken, ValueTask> InScope<TService>(
        IServiceProvider services, Func<TService, MqttMessage, MqttTopicParameters, CancellationToken, ValueTask> handler)
        where TService : notnull
    {
        var scopes = services.GetRequiredService<IServiceScopeFactory>();
        return async (message, parameters, cancellationToken) =>
        {
            var scope = scopes.CreateAsyncScope();
            await using (scope.ConfigureAwait(false))
                await handler(scope.ServiceProvider.GetRequiredService<TService>(), message, parameters, cancellationToken).ConfigureAwait(false);
        };
    }
}
