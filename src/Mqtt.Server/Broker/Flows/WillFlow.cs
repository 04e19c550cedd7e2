using System.Collections.Concurrent;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server.Broker.Hooks;
using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Broker.Rules;
using Mqtt.Server.Broker.Sessions;

namespace Mqtt.Server.Broker.Flows;

/// <summary>
/// Publishes wills that are due, once the hooks have had their say. Called inside the client's gate: one client's wills are published in
/// order, and its next connection is accepted only after them.
/// </summary>
internal sealed class WillFlow(SessionContext context, PublishFlow publishing, DelayFlow? delays)
{
    // About whose will the hook is asked that is running.
    private static readonly AsyncLocal<string?> AskedAbout = new();

    // The last of each client whose hooks have not answered.
    private readonly ConcurrentDictionary<string, Task> pending = new(StringComparer.Ordinal);

    /// <summary>Publishes a will, at once unless a hook wants time for it.</summary>
    /// <param name="session">Whose will it is.</param>
    /// <param name="will">The will.</param>
    /// <param name="client">Whose rights count; <see langword="null"/> for one that has not been here since the broker began anew.</param>
    public void Publish(Session session, WillMessage will, BrokerClient? client)
    {
        if (context.Hooks is { Willing: null, Authorization: null })
        {
            Send(session, will);
            return;
        }

        var clientId = session.ClientId;
        var sending = AskAndSendAsync(session, PendingOf(clientId), new WillRequest(clientId, will), client ?? new RememberedClient(session));
        if (sending.IsCompleted)
            return;
        pending[clientId] = sending;
        sending.ContinueWith(
            (sent, id) => pending.TryRemove(new((string)id!, sent)), clientId, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Completes when the wills of a client that were due up to now are published; never fails.</summary>
    public Task PendingOf(string clientId) => pending.GetValueOrDefault(clientId, Task.CompletedTask);

    /// <summary>True within a hook that is asked about this client's will: whatever is done to the client waits for it, so that it must not wait for that.</summary>
    public static bool IsAskedAbout(string clientId) => AskedAbout.Value == clientId;

    /// <summary>Completes when all wills that were due up to now are published; never fails.</summary>
    public Task DrainAsync() => Task.WhenAll(pending.Values);

    private async Task AskAndSendAsync(Session session, Task earlier, WillRequest request, BrokerClient client)
    {
        await earlier.ConfigureAwait(false);
        AskedAbout.Value = request.ClientId;
        if (!await ConnectHooks.MayPublishAsync(context.Hooks, client, request.Will).ConfigureAwait(false))
            context.Statistics.OnDropped(DropCause.NotAuthorized);
        else if (await PassesAsync(request).ConfigureAwait(false))
            Send(session, request.Will);
        else
            context.Statistics.OnDropped(DropCause.Hook);
    }

    private async ValueTask<bool> PassesAsync(WillRequest request) => context.Hooks.Willing is not { } willing
        || (await willing.AskAsync(request, static (hook, request) => hook.OnWillAsync(request)).ConfigureAwait(false) && !request.IsDecided);

    private void Send(Session session, WillMessage will)
    {
        var message = will.ToMessage(context.Now, context.LatestExpiry);
        if (delays is not null && DelayedTopic.Is(will.Topic.Span))
        {
            SendLater(session.ClientId, will.Topic, message, delays);
            return;
        }

        using (Turn.Enter(out var turn))
            publishing.Publish(message, turn, willOf: session);
    }

    private void SendLater(string clientId, MqttString topic, in MessageParts message, DelayFlow delays)
    {
        if (!DelayedTopic.TryParse(topic, delays.Options.MaximumDelay, out var delay, out var inner) || publishing.IsReserved(inner.Span))
            context.Statistics.OnDropped(DropCause.Hook);
        else if (!delays.TryAdd(message with { Topic = inner.Bytes }, delay, null, null, willOf: clientId))
            context.Statistics.OnDropped(DropCause.QueueFull);
    }
}
