using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server.Broker.Hooks;
using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Broker.Rules;
using Mqtt.Server.Broker.Sessions;

namespace Mqtt.Server.Broker.Flows;

/// <summary>
/// PUBLISH from a client where hooks have a say: may the client, what do the hooks make of the message; then on with <see cref="PublishFlow"/>. It
/// stands beside that flow, so that a broker without hooks does not notice.
/// </summary>
internal sealed class HookedPublishFlow(SessionContext context, PublishFlow publishing, DelayFlow? delays)
{
    private readonly HookTable hooks = context.Hooks;

    /// <summary>For the hooks that there are at present; <see langword="null"/> if none of them has a say.</summary>
    public static HookedPublishFlow? For(SessionContext context, PublishFlow publishing, DelayFlow? delays)
    {
        var hooks = context.Hooks;
        var isNeeded = hooks.Authorization is not null || hooks.Publishing is not null || hooks.Delayed is not null;
        return isNeeded ? new HookedPublishFlow(context, publishing, delays) : null;
    }

    /// <summary>Takes a PUBLISH. Completes at once if all hooks are inline and none waits; else its connection waits, and nobody else.</summary>
    public ValueTask OnPublishAsync(Attachment from, PublishPacket packet, Turn turn)
    {
        // A repeated message is acknowledged again, and that is all: the hooks have seen it.
        var topic = PublishFlow.TopicOf(from, packet);
        if (packet.QualityOfService == QualityOfService.ExactlyOnce && from.Session.HasArrived(packet.PacketId))
            return Accept(from, packet, topic, packet.QualityOfService, null, turn);

        TimeSpan? delay = null;
        if (delays is not null && DelayedTopic.Is(topic.Span))
        {
            if (!DelayedTopic.TryParse(topic, delays.Options.MaximumDelay, out var asked, out topic))
            {
                context.Statistics.OnDropped(DropCause.Hook);
                publishing.Refuse(from, packet, ReasonCode.TopicNameInvalid, turn);
                return default;
            }

            delay = asked;
        }

        var request = PublishRequest.Begin(from, packet, topic, delay);
        var asking = AskAsync(request);
        return asking.IsCompletedSuccessfully ? GoOn(from, request, asking.Result, turn) : GoOnAsync(from, request, asking);
    }

    // Null: the hooks let it pass.
    private ValueTask<ReasonCode?> AskAsync(PublishRequest request)
    {
        if (hooks.Authorization is null || request.Client.BypassesRights)
            return AskHooksAsync(request);
        var allowing = MayPublishAsync(request);
        if (!allowing.IsCompletedSuccessfully)
            return AskLaterAsync(request, allowing);
        return allowing.Result ? AskHooksAsync(request) : new(ReasonCode.NotAuthorized);
    }

    private async ValueTask<ReasonCode?> AskLaterAsync(PublishRequest request, ValueTask<bool> allowing) =>
        await allowing.ConfigureAwait(false) ? await AskHooksAsync(request).ConfigureAwait(false) : ReasonCode.NotAuthorized;

    private ValueTask<bool> MayPublishAsync(PublishRequest request) => hooks.Authorization!.AllowAsync(
        (request.Client, new PublishAccess(request.Topic, request.QualityOfService, request.Retain, IsWill: false)),
        static (hook, what) => hook.MayPublishAsync(what.Client, what.Item2));

    private ValueTask<ReasonCode?> AskHooksAsync(PublishRequest request)
    {
        if (hooks.Publishing is null)
            return default;
        var asking = hooks.Publishing.AskAsync(request, static (hook, request) => hook.OnPublishAsync(request));
        return asking.IsCompletedSuccessfully ? new(Decision(request, asking.Result)) : DecideLaterAsync(request, asking);
    }

    private static async ValueTask<ReasonCode?> DecideLaterAsync(PublishRequest request, ValueTask<bool> asking) =>
        Decision(request, await asking.ConfigureAwait(false));

    private static ReasonCode? Decision(PublishRequest request, bool succeeded) =>
        !succeeded ? ReasonCode.ImplementationSpecificError : request.IsDecided ? request.Code : null;

    private async ValueTask GoOnAsync(Attachment from, PublishRequest request, ValueTask<ReasonCode?> asking)
    {
        var refusal = await asking.ConfigureAwait(false);
        await Finish().ConfigureAwait(false);

        ValueTask Finish()
        {
            using (Turn.Enter(out var turn))
                return GoOn(from, request, refusal, turn);
        }
    }

    private ValueTask GoOn(Attachment from, PublishRequest request, ReasonCode? refusal, Turn turn)
    {
        var packet = request.Packet;
        try
        {
            if (refusal is { } code)
            {
                Refuse(from, request, code, turn);
                return default;
            }

            // Taken over while the hooks were asked: late events touch nothing.
            if (!from.IsConnected)
                return default;
            if (request.Delay > TimeSpan.Zero)
            {
                Delay(from, request, turn);
                return default;
            }

            return Accept(from, request.Result(), request.Topic, packet.QualityOfService, request.Receivers, turn);
        }
        finally
        {
            request.End();
        }
    }

    private ValueTask Accept(Attachment from, PublishPacket packet, MqttString topic, QualityOfService qualityOfService, Func<string, bool>? receivers, Turn turn)
    {
        var slow = publishing.Accept(from, packet, topic, qualityOfService, receivers, turn);
        return slow is null ? default : from.Session.WaitForAsync(slow);
    }

    // Acknowledged at once: the broker has it.
    private void Delay(Attachment from, PublishRequest request, Turn turn)
    {
        var publication = Publication.OfThread;
        publication.Begin(request.Result(), request.Topic, from.IsV5, context.Now, context.LatestExpiry);
        var isReserved = publishing.IsReserved(request.Topic.Span);
        var isTaken = !isReserved && delays!.TryAdd(publication.Parts, request.Delay, from, request.Receivers, willOf: null);
        publication.End();
        if (!isTaken)
            context.Statistics.OnDropped(isReserved ? DropCause.NotAuthorized : DropCause.QueueFull);
        publishing.Refuse(from, request.Packet, isTaken ? ReasonCode.Success : isReserved ? ReasonCode.TopicNameInvalid : ReasonCode.QuotaExceeded, turn);
    }

    private void Refuse(Attachment from, PublishRequest request, ReasonCode code, Turn turn)
    {
        context.Statistics.OnDropped(code == ReasonCode.NotAuthorized ? DropCause.NotAuthorized : DropCause.Hook);
        publishing.Refuse(from, request.Packet, code, turn);
        hooks.Messages?.Tell(
            (from, topic: request.Asked.ToOwned(), code), static (observer, what) => observer.OnPublishRefusedAsync(what.from, what.topic, what.code));
    }
}
