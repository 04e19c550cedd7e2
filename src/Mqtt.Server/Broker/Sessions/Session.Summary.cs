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
            all = [.. Subscriptions.Select(pair => new SubscriptionSummary(ClientId, pair.Value.With(pair.Key), pair.Value.Identifier))];
        all.Sort(static (left, right) => left.Subscription.Filter.Span.SequenceCompareTo(right.Subscription.Filter.Span));
        return all;
    }

    // What of them is in the broker's sum. Under the gate.
    private (int Queued, int InFlight) counted;

    // The gate, for whoever may change what waits or what is under way: the broker's sum is up to date when it is left, so that nobody ever has to ask all sessions.
    private Counting Enter()
    {
        Gate.Enter();
        return new Counting(this);
    }

    private void Recount()
    {
        var (queued, inFlight) = (queue.Count, flights.Count);
        if (queued == counted.Queued && inFlight == counted.InFlight)
            return;
        context.Statistics.OfThread.OnBacklog(queued - counted.Queued, inFlight - counted.InFlight);
        counted = (queued, inFlight);
    }

    private readonly ref struct Counting(Session session) : IDisposable
    {
        public void Dispose()
        {
            session.Recount();
            session.Gate.Exit();
        }
    }
}
