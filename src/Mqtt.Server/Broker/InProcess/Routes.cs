using Mqtt.Protocol;

namespace Mqtt.Server.Broker.InProcess;

/// <summary>
/// Which subscriptions of an in-process client a message is for: by its subscription identifiers, or by its topic where the broker has none. Any
/// thread; its lock is a leaf.
/// </summary>
internal sealed class Routes
{
    private readonly Lock gate = new();
    private readonly List<Route> routes = [];
    private uint lastIdentifier;

    /// <summary>Adds a subscription, beside others with the same filter, and returns the identifier of the filter.</summary>
    public uint Add(InProcessSubscription subscription)
    {
        lock (gate)
        {
            var route = routes.Find(route => route.Filter == subscription.Filter);
            if (route is null)
                routes.Add(route = new Route(subscription.Filter, ++lastIdentifier));
            route.Subscriptions.Add(subscription);
            return route.Identifier;
        }
    }

    /// <summary>Takes a subscription out; true if it was the last with its filter.</summary>
    public bool Remove(InProcessSubscription subscription)
    {
        lock (gate)
        {
            var route = routes.Find(route => route.Filter == subscription.Filter);
            if (route is null || !route.Subscriptions.Remove(subscription) || route.Subscriptions.Count > 0)
                return false;
            routes.Remove(route);
            return true;
        }
    }

    /// <summary>The subscriptions with a filter, and takes them out.</summary>
    public IReadOnlyList<InProcessSubscription> RemoveAll(MqttString filter)
    {
        lock (gate)
        {
            var route = routes.Find(route => route.Filter == filter);
            if (route is null)
                return [];
            routes.Remove(route);
            return route.Subscriptions;
        }
    }

    /// <summary>Everybody a message is for.</summary>
    public List<InProcessSubscription> Find(PublishPacket message)
    {
        var found = new List<InProcessSubscription>();
        lock (gate)
        {
            foreach (var identifier in message.SubscriptionIdentifiers)
            {
                if (routes.Find(route => route.Identifier == identifier) is { } route)
                    found.AddRange(route.Subscriptions.Except(found));
            }

            if (found.Count > 0)
                return found;
            foreach (var route in routes)
            {
                if (MqttTopic.Matches(route.Matched.Span, message.Topic.Span))
                    found.AddRange(route.Subscriptions);
            }
        }

        return found;
    }

    /// <summary>All subscriptions.</summary>
    public IReadOnlyList<InProcessSubscription> All
    {
        get
        {
            lock (gate)
                return [.. routes.SelectMany(route => route.Subscriptions)];
        }
    }

    private sealed class Route(MqttString filter, uint identifier)
    {
        public MqttString Filter => filter;

        public uint Identifier => identifier;

        /// <summary>What topics are matched with: the inner filter of a shared subscription.</summary>
        public MqttString Matched { get; } =
            MqttTopic.TryParseShared(filter.Span, out _, out var inner) ? MqttString.FromUtf8(inner.ToArray()) : filter;

        public List<InProcessSubscription> Subscriptions { get; } = [];
    }
}
