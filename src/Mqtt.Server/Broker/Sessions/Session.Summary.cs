using Mqtt.Server.Broker.Services;

namespace Mqtt.Server.Broker.Sessions;

// What the program gets to see of a session.
internal sealed partial class Session
{
    /// <summary>Where its traffic is counted.</summary>
    public BrokerStatistics Statistics => context.Statistics;

    /// <summary>The session as it is now.</summary>
    public SessionSummary Summarize()
    {
        lock (Gate)
        {
            return new SessionSummary(
                ClientId,
                Attachment is not null,
                ExpirySeconds == uint.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(ExpirySeconds),
                Subscriptions.Count,
                queue.Count,
                flights.Count,
                Will is not null);
        }
    }

    /// <summary>Its subscriptions as they are now, in the order of their filters.</summary>
    public List<SubscriptionSummary> SummarizeSubscriptions()
    {
        List<SubscriptionSummary> all;
        lock (Gate)
            all = [.. Subscriptions.Values.Select(subscription => new SubscriptionSummary(ClientId, subscription.Granted, subscription.Identifier))];
        all.Sort(static (left, right) => left.Subscription.Filter.Span.SequenceCompareTo(right.Subscription.Filter.Span));
        return all;
    }

    /// <summary>How much waits, and how much is under way.</summary>
    public (int Queued, int InFlight) Backlog
    {
        get
        {
            lock (Gate)
                return (queue.Count, flights.Count);
        }
    }
}
