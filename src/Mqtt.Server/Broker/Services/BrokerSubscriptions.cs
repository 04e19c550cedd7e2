using Mqtt.Protocol;
using Mqtt.Server.Broker.Routing;
using Mqtt.Server.Broker.Sessions;

namespace Mqtt.Server.Broker.Services;

/// <summary>The subscriptions of all sessions. Any thread; a list is what was there while it was made.</summary>
public sealed class BrokerSubscriptions
{
    private readonly SessionTable table;
    private readonly Router<Session> router;

    internal BrokerSubscriptions(SessionTable table, Router<Session> router)
    {
        this.table = table;
        this.router = router;
    }

    /// <summary>How many there are.</summary>
    public int Count => router.Count;

    /// <summary>The subscriptions of a client, in the order of their filters; none if it has no session.</summary>
    public IReadOnlyList<SubscriptionSummary> Of(string clientId) => table.TryFind(clientId, out var session) ? session.SummarizeSubscriptions() : [];

    /// <summary>The subscriptions of a page of clients, see <see cref="BrokerSessions.Page"/>.</summary>
    /// <param name="after">The last client identifier of the page before. Default: none, the first page.</param>
    /// <param name="clientCount">How many clients at most. Default: 20.</param>
    public IReadOnlyList<SubscriptionSummary> Page(string? after = null, int clientCount = 20) =>
        [.. Pages.Cut(table.All, session => session.ClientId, after, clientCount).SelectMany(session => session.SummarizeSubscriptions())];

    /// <summary>Who has subscribed to exactly this filter; for a shared subscription its members.</summary>
    public IReadOnlyList<SubscriptionSummary> To(MqttString filter) =>
        [.. table.All.SelectMany(session => session.SummarizeSubscriptions()).Where(subscription => subscription.Subscription.Filter == filter)];

    /// <summary>
    /// Who would get a message of this topic now: the clients with a subscription that matches, and for each shared subscription that matches all its
    /// members, one of which would get it.
    /// </summary>
    /// <exception cref="ArgumentException">This is not a topic name.</exception>
    public IReadOnlyList<SubscriptionSummary> Matching(MqttString topic)
    {
        if (!MqttTopic.IsValidName(topic.Span))
            throw new ArgumentException($"\"{topic}\" is not a topic name.", nameof(topic));
        var match = router.Find(topic.Span);
        HashSet<Session> sessions = [];
        foreach (ref readonly var target in match.Targets)
            sessions.Add(target.Subscriber);
        foreach (var member in (match.Groups ?? []).SelectMany(group => group.Members))
            sessions.Add(member.Subscriber);
        return [.. sessions.SelectMany(session => session.SummarizeSubscriptions()).Where(subscription => subscription.Matches(topic)).OrderBy(subscription => subscription.ClientId, StringComparer.Ordinal)];
    }
}
