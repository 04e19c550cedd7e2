using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server.Broker.Hooks;
using Mqtt.Server.Broker.Retained;
using Mqtt.Server.Broker.Sessions;

namespace Mqtt.Server.Broker.Flows;

/// <summary>What the program does on a running broker: publish, subscribe and unsubscribe for a client, disconnect it, delete what is retained.</summary>
internal sealed class EmbeddingFlow(
    SessionContext context, SessionTable table, ClientGates gates, PublishFlow publishing, SubscribeFlow subscribing, SessionEndFlow ending, RetainedMessages retained)
{
    /// <summary>Publishes, and waits until every durable session that gets the message has it, and the retained store.</summary>
    public async ValueTask<BrokerPublishResult> PublishAsync(PublishPacket message, BrokerPublishTargets? targets, CancellationToken cancellationToken)
    {
        Check(message);
        cancellationToken.ThrowIfCancellationRequested();
        if (context.IsMemoryFull)
        {
            context.Statistics.OnDropped(DropCause.MemoryFull);
            return new BrokerPublishResult(ReasonCode.QuotaExceeded, 0);
        }

        int receivers;
        long position;
        using (Turn.Enter(out var turn))
        {
            position = targets is { WithoutSubscription: true }
                ? publishing.PublishTo(Sessions(targets), message, turn, out receivers)
                : publishing.PublishDirect(message, targets is null ? null : targets.ClientIds.Contains, turn, out receivers);
        }

        await SafeAsync(position, cancellationToken).ConfigureAwait(false);
        return new BrokerPublishResult(receivers == 0 ? ReasonCode.NoMatchingSubscribers : ReasonCode.Success, receivers);
    }

    /// <summary>Subscribes for a client; null if it has no session.</summary>
    public async ValueTask<IReadOnlyList<ReasonCode>?> SubscribeAsync(string clientId, IReadOnlyList<TopicSubscription> subscriptions, uint identifier)
    {
        foreach (var subscription in subscriptions)
            CheckFilter(subscription.Filter);
        ReasonCode[] codes;
        long position;
        using (await EnterAsync(clientId).ConfigureAwait(false))
        {
            if (!table.TryFind(clientId, out var session))
                return null;
            using (Turn.Enter(out var turn))
                position = subscribing.SubscribeFor(session, subscriptions, identifier, turn, out codes);
        }

        await SafeAsync(position).ConfigureAwait(false);
        return codes;
    }

    /// <summary>Unsubscribes for a client; null if it has no session.</summary>
    public async ValueTask<IReadOnlyList<ReasonCode>?> UnsubscribeAsync(string clientId, IReadOnlyList<MqttString> filters)
    {
        var codes = new ReasonCode[filters.Count];
        long position;
        using (await EnterAsync(clientId).ConfigureAwait(false))
        {
            if (!table.TryFind(clientId, out var session))
                return null;
            position = subscribing.UnsubscribeFor(session, filters, codes);
        }

        await SafeAsync(position).ConfigureAwait(false);
        return codes;
    }

    /// <summary>Ends a client's connection, and its session if that is wanted; false if it has neither.</summary>
    public async ValueTask<bool> DisconnectAsync(string clientId, BrokerDisconnect how)
    {
        long position = 0;
        using (await EnterAsync(clientId).ConfigureAwait(false))
        {
            if (!table.TryFind(clientId, out var session))
                return false;
            var attachment = session.Attachment;
            if (attachment is null && !how.EndSession)
                return false;
            if (attachment is not null && session.Detach(attachment))
                Close(attachment, how);
            if (!how.PublishWill)
                session.Will = null;
            if (how.EndSession && attachment is not null)
                context.SystemTopics?.Notify(clientId, isOnline: false);
            if (how.EndSession)
                position = await ending.EndAsync(session, SessionEnd.Removed).ConfigureAwait(false);
            else
                await ending.OnConnectionEndedAsync(session, endedNormally: !how.PublishWill).ConfigureAwait(false);
        }

        await SafeAsync(position).ConfigureAwait(false);
        return true;
    }

    /// <summary>Deletes a retained message; false if there is none.</summary>
    public async ValueTask<bool> DeleteRetainedAsync(MqttString topic, CancellationToken cancellationToken)
    {
        if (!retained.Remove(topic.Span, out var position))
            return false;
        context.Hooks.Retained?.Tell(topic.ToOwned(), static (observer, topic) => observer.OnRetainedRemovedAsync(topic));
        await SafeAsync(position, cancellationToken).ConfigureAwait(false);
        return true;
    }

    private static void Close(Attachment attachment, BrokerDisconnect how)
    {
        if (how.ServerReference is null || !attachment.IsV5)
        {
            attachment.Connection.Close(how.ReasonCode, how.ReasonString);
            return;
        }

        var packet = new DisconnectPacket { ReasonCode = how.ReasonCode, ServerReference = how.ServerReference };
        if (how.ReasonString is not null)
            packet.ReasonString = how.ReasonString;
        attachment.Connection.Send(packet);
    }

    private IEnumerable<Session> Sessions(BrokerPublishTargets targets)
    {
        foreach (var clientId in targets.ClientIds)
        {
            if (table.TryFind(clientId, out var session))
                yield return session;
        }
    }

    private ValueTask<ClientGates.Holder> EnterAsync(string clientId) => WillFlow.IsAskedAbout(clientId)
        ? throw new InvalidOperationException($"The hook that is asked about the will of {clientId} would wait for itself.")
        : gates.EnterAsync(clientId);

    private ValueTask SafeAsync(long position, CancellationToken cancellationToken = default)
    {
        if (context.Watch is not { } watch || watch.IsSafe(position))
            return default;
        return cancellationToken.CanBeCanceled ? new(watch.WaitAsync(position).AsTask().WaitAsync(cancellationToken)) : watch.WaitAsync(position);
    }

    private static void Check(PublishPacket message)
    {
        if (!MqttTopic.IsValidName(message.Topic.Span))
            throw new ArgumentException($"\"{message.Topic}\" is not a topic name.", nameof(message));
        if (MqttTopic.IsShared(message.Topic.Span))
            throw new ArgumentException("No message has a topic below $share.", nameof(message));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((int)message.QualityOfService, (int)QualityOfService.ExactlyOnce, nameof(message));
    }

    private static void CheckFilter(MqttString filter)
    {
        if (!MqttTopic.IsValidFilter(filter.Span))
            throw new ArgumentException($"\"{filter}\" is not a topic filter.", nameof(filter));
    }
}
