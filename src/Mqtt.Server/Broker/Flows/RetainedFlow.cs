using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Broker.Retained;
using Mqtt.Server.Broker.Sessions;

namespace Mqtt.Server.Broker.Flows;

/// <summary>
/// Brings the retained messages of new subscriptions, a few at a time: the next when the client has taken the last. So a subscriber of
/// everything costs no more than one cursor, however many topics there are and however slow it is. One pull at a time for each session.
/// </summary>
internal sealed class RetainedFlow
{
    private const int MessagesPerPull = 64;
    private const int TopicsPerPull = 1024;
    private const int PullsPerTurn = 16;

    private readonly SessionContext context;
    private readonly RetainedMessages retained;

    public RetainedFlow(SessionContext context, RetainedMessages retained)
    {
        this.context = context;
        this.retained = retained;
        context.OnRetainedWanted = Wake;
    }

    /// <inheritdoc cref="RetainedMessages.Hold"/>
    public Lock.Scope Hold() => retained.Hold();

    /// <summary>The number of the newest message that there is to bring for a filter; 0 if there is none.</summary>
    public long NewestFor(MqttString filter) => retained.MayMatch(filter) ? retained.LastNumber : 0;

    /// <summary>Begins with a new subscription, up to the newest message when it was made; what can leave at once does so in this turn.</summary>
    public void Bring(Session session, MqttString filter, in SessionSubscription subscription, long newest, Turn turn)
    {
        if (session.AwaitRetained(new RetainedCursor(filter.ToOwned(), subscription.QualityOfService, subscription.Identifier, newest)))
            Pull(session, turn);
    }

    private void Wake(Session session) => context.Options.Scheduler.Schedule(
        static state =>
        {
            var (flow, session) = ((RetainedFlow, Session))state!;
            using (Turn.Enter(out var turn))
                flow.Pull(session, turn);
        },
        (this, session));

    private void Pull(Session session, Turn turn)
    {
        var found = new List<StoredMessage>();
        for (var left = PullsPerTurn; left > 0; left--)
        {
            if (session.NextCursor() is not { } cursor)
                return;
            found.Clear();
            retained.Pull(cursor, MessagesPerPull, TopicsPerPull, context.Now, found, context.Hooks.Retained);
            if (context.Hooks.Retained is { } observers)
            {
                foreach (var message in found)
                    observers.Tell(message, context.Now, session.ClientId, static (observer, clientId, message) => observer.OnRetainedDeliveredAsync(clientId, message));
            }

            session.DeliverRetained(cursor, found, turn);
        }

        Wake(session);
    }
}
