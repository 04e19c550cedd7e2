using System.Collections.Concurrent;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server.Broker.Hooks;
using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Broker.Rules;
using Mqtt.Server.Broker.Sessions;

namespace Mqtt.Server.Broker.Flows;

/// <summary>
/// Publishes wills that are due, once the hooks have had their say. Called inside the client's gate, which is held while they are asked: one client's wills are
/// published in order, and its next connection is accepted only after them. Until a will is published the store has it with its session, so that a
/// broker that is killed meanwhile has it asked about and published when it is back.
/// </summary>
internal sealed class WillFlow(SessionContext context, PublishFlow publishing, DelayFlow? delays)
{
    // About whose will the hook is asked that is running.
    private static readonly AsyncLocal<string?> AskedAbout = new();

    // What has not come to its end.
    private readonly ConcurrentDictionary<Task, bool> pending = new();

    /// <summary>True within a hook that is asked about this client's will: whatever is done to the client waits for it, so that it must not wait for that.</summary>
    public static bool IsAskedAbout(string clientId) => AskedAbout.Value == clientId;

    /// <summary>Asks whoever has a say about the will of a session, which is due. Returns what is to be published; <see langword="null"/> for nothing.</summary>
    public ValueTask<WillMessage?> AskAsync(Session session)
    {
        if (session.Will is not { } will || context.Hooks is { Willing: null, Authorization: null })
            return new(session.Will);
        var asking = AskHooksAsync(session, will);
        Track(asking);
        return new(asking);
    }

    /// <summary>Publishes a will, as the hooks have left it.</summary>
    public void Publish(Session session, WillMessage will)
    {
        var message = will.ToMessage(context.Now, context.LatestExpiry);
        if (delays is not null && DelayedTopic.Is(message.Topic.Span))
        {
            SendLater(session.ClientId, will.Topic, message, delays);
            return;
        }

        using (Turn.Enter(out var turn))
            publishing.Publish(message, turn, willOf: session);
    }

    /// <summary>Keeps a task of a will until it has ended, for <see cref="DrainAsync"/>.</summary>
    public void Track(Task task)
    {
        if (task.IsCompleted)
            return;
        pending[task] = true;
        task.ContinueWith(static (ended, all) => ((ConcurrentDictionary<Task, bool>)all!).TryRemove(ended, out _), pending, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Completes when all wills that were due up to now are published; never fails.</summary>
    public Task DrainAsync() => Task.WhenAll(pending.Keys);

    private async Task<WillMessage?> AskHooksAsync(Session session, WillMessage will)
    {
        var request = new WillRequest(session.ClientId, will);
        AskedAbout.Value = session.ClientId;
        if (!await ConnectHooks.MayPublishAsync(context.Hooks, session.WillClient ?? new RememberedClient(session), will).ConfigureAwait(false))
            context.Statistics.OnDropped(DropCause.NotAuthorized);
        else if (await PassesAsync(request).ConfigureAwait(false))
            return request.Will;
        else
            context.Statistics.OnDropped(DropCause.Hook);
        return null;
    }

    private async ValueTask<bool> PassesAsync(WillRequest request) => context.Hooks.Willing is not { } willing
        || (await willing.AskAsync(request, static (hook, request) => hook.OnWillAsync(request)).ConfigureAwait(false) && !request.IsDecided);

    private void SendLater(string clientId, MqttString topic, in MessageParts message, DelayFlow delays)
    {
        if (!DelayedTopic.TryParse(topic, delays.Options.MaximumDelay, out var delay, out var inner) || publishing.IsReserved(inner.Span))
            context.Statistics.OnDropped(DropCause.Hook);
        else if (!delays.TryAdd(message with { Topic = inner.Bytes }, delay, null, null, willOf: clientId))
            context.Statistics.OnDropped(DropCause.QueueFull);
    }
}
