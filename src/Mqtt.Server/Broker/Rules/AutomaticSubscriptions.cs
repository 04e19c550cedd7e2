using System.Text;
using Mqtt.Protocol;
using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Server.Broker.Rules;

/// <summary>
/// Gives each client subscriptions with its connection. In a filter <c>%c</c> stands for the client identifier and <c>%u</c> for the user name; a client without user name, or whose
/// name would mean more than one level or a wildcard, does not get that subscription.
/// </summary>
public sealed class AutomaticSubscriptions : IConnectionHook, IInlineBrokerHook
{
    private readonly TopicSubscription[] subscriptions;

    /// <summary>Creates the hook.</summary>
    /// <exception cref="ArgumentException">A filter is not well formed.</exception>
    public AutomaticSubscriptions(params IEnumerable<TopicSubscription> subscriptions)
    {
        this.subscriptions = [.. subscriptions.Select(static subscription => subscription with { Filter = subscription.Filter.ToOwned() })];
        foreach (var subscription in this.subscriptions)
        {
            if (!MqttTopic.IsValidFilter(subscription.Filter.Span))
                throw new ArgumentException($"\"{subscription.Filter}\" is not a topic filter.", nameof(subscriptions));
        }
    }

    /// <inheritdoc/>
    public ValueTask OnConnectAsync(ConnectRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        foreach (var subscription in subscriptions)
        {
            if (Fill(subscription.Filter.ToString(), request) is { } filter)
                request.Subscribe(subscription with { Filter = filter });
        }

        return default;
    }

    // In one pass: what a client calls itself must not be read as a placeholder.
    private static string? Fill(string filter, ConnectRequest request)
    {
        var output = new StringBuilder();
        for (var at = 0; at < filter.Length; at++)
        {
            var isName = filter[at] == '%' && at + 1 < filter.Length && filter[at + 1] is 'c' or 'u';
            if (!isName)
            {
                output.Append(filter[at]);
                continue;
            }

            var name = filter[++at] == 'c' ? request.ClientId : request.UserName;
            if (string.IsNullOrEmpty(name) || name.AsSpan().ContainsAny("/+#\0"))
                return null;
            output.Append(name);
        }

        return output.ToString();
    }
}
