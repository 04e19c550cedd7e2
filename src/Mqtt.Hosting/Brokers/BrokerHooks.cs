using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Hosting;

/// <summary>
/// Finds the hooks in the container, whatever interface each was added as. A container answers for one interface at a time, in order; the
/// collection knows the order across all of them.
/// </summary>
internal sealed class BrokerHooks(IServiceCollection services)
{
    // Written out, so that nothing is asked for by reflection.
    private static readonly Dictionary<Type, Func<IServiceProvider, IEnumerable<IBrokerHook>>> Themes = new()
    {
        [typeof(IBrokerHook)] = static provider => provider.GetServices<IBrokerHook>(),
        [typeof(IInlineBrokerHook)] = static provider => provider.GetServices<IInlineBrokerHook>(),
        [typeof(IAuthenticationHook)] = static provider => provider.GetServices<IAuthenticationHook>(),
        [typeof(IEnhancedAuthenticationHook)] = static provider => provider.GetServices<IEnhancedAuthenticationHook>(),
        [typeof(IAuthorizationHook)] = static provider => provider.GetServices<IAuthorizationHook>(),
        [typeof(IConnectionHook)] = static provider => provider.GetServices<IConnectionHook>(),
        [typeof(IConnectionObserver)] = static provider => provider.GetServices<IConnectionObserver>(),
        [typeof(ISubscriptionHook)] = static provider => provider.GetServices<ISubscriptionHook>(),
        [typeof(ISubscriptionObserver)] = static provider => provider.GetServices<ISubscriptionObserver>(),
        [typeof(IMessageHook)] = static provider => provider.GetServices<IMessageHook>(),
        [typeof(IMessageObserver)] = static provider => provider.GetServices<IMessageObserver>(),
        [typeof(IDeliveryObserver)] = static provider => provider.GetServices<IDeliveryObserver>(),
        [typeof(IWillHook)] = static provider => provider.GetServices<IWillHook>(),
        [typeof(IWillObserver)] = static provider => provider.GetServices<IWillObserver>(),
        [typeof(ISessionObserver)] = static provider => provider.GetServices<ISessionObserver>(),
        [typeof(IRetainedObserver)] = static provider => provider.GetServices<IRetainedObserver>(),
        [typeof(IBrokerObserver)] = static provider => provider.GetServices<IBrokerObserver>(),
    };

    /// <summary>All hooks in the order in which they were added; one that was added as several interfaces stands where it was added first.</summary>
    public IReadOnlyList<IBrokerHook> Resolve(IServiceProvider provider)
    {
        var found = Themes.ToDictionary(theme => theme.Key, theme => new Queue<IBrokerHook>(theme.Value(provider)));
        var hooks = new List<IBrokerHook>();
        foreach (var service in services.Where(service => !service.IsKeyedService))
        {
            if (found.TryGetValue(service.ServiceType, out var ofTheme) && ofTheme.TryDequeue(out var hook))
                hooks.Add(hook);
        }

        // What another container has beside the collection.
        hooks.AddRange(found.Values.SelectMany(ofTheme => ofTheme));
        return [.. hooks.Distinct(ReferenceEqualityComparer.Instance).Cast<IBrokerHook>()];
    }
}
