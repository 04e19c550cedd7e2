using Mqtt.Protocol;
using Mqtt.Server.Broker.Hooks;
using Mqtt.Server.Broker.Rules;
using Mqtt.Server.Broker.Sessions;

namespace Mqtt.Server.Broker.Flows;

/// <summary>Where hooks have a say in CONNECT: after authentication, and before anything has changed.</summary>
internal static class ConnectHooks
{
    /// <summary>True if there is a hook that wants to be asked.</summary>
    public static bool AreAsked(SessionContext context) => context.Hooks is not { Authorization: null, Connecting: null };

    /// <summary>Asks the hooks. Null if they let the client in; else the answer that refuses it.</summary>
    /// <param name="context">The broker's.</param>
    /// <param name="client">Who asks to connect.</param>
    /// <param name="packet">Its CONNECT.</param>
    /// <param name="request">What the hooks are asked.</param>
    public static async ValueTask<ConnAckPacket?> AskAsync(SessionContext context, BrokerClient client, ConnectPacket packet, ConnectRequest request)
    {
        if (client.BypassesRights)
            return null;
        if (context.Options.RefusesForbiddenWills && packet.Will is { } will && !await MayPublishAsync(context.Hooks, client, will).ConfigureAwait(false))
            return new ConnAckPacket { ReasonCode = context.Options.Compatibility.Shown(ReasonCode.NotAuthorized) };
        if (context.Hooks.Connecting is not { } connecting)
            return null;
        if (!await connecting.AskAsync(request, static (hook, request) => hook.OnConnectAsync(request)).ConfigureAwait(false))
            return new ConnAckPacket { ReasonCode = ReasonCode.ImplementationSpecificError };
        return request.IsDecided ? Refusal(context.Options.Compatibility.Shown(request.Refusal), packet, request) : null;
    }

    /// <summary>Whether a client has the right to its will.</summary>
    public static ValueTask<bool> MayPublishAsync(HookTable hooks, BrokerClient client, WillMessage will)
    {
        if (hooks.Authorization is not { } authorization || client.BypassesRights)
            return new(true);
        var access = new PublishAccess(TopicOf(hooks, will), will.QualityOfService, will.Retain, IsWill: true);
        return authorization.AllowAsync((client, access), static (hook, what) => hook.MayPublishAsync(what.client, what.access));
    }

    /// <summary>Tells that a client is connected.</summary>
    public static void Tell(HookTable hooks, Attachment attachment, bool resumed)
    {
        if (resumed)
            hooks.Sessions?.Tell(attachment.ClientId, static (observer, clientId) => observer.OnSessionResumedAsync(clientId));
        else
            hooks.Sessions?.Tell(attachment.ClientId, static (observer, clientId) => observer.OnSessionCreatedAsync(clientId));
        hooks.Connections?.Tell((attachment, resumed), static (observer, what) => observer.OnConnectedAsync(what.attachment, what.resumed));
    }

    // Rights are about the topic behind a delay; what is no topic there is dropped when the will is due.
    private static MqttString TopicOf(HookTable hooks, WillMessage will) =>
        hooks.Delayed is { } delayed && DelayedTopic.Is(will.Topic.Span) && DelayedTopic.TryParse(will.Topic, delayed.MaximumDelay, out _, out var topic) ? topic : will.Topic;

    // The connection leaves the reason out where the client has no room for it.
    private static ConnAckPacket Refusal(ReasonCode code, ConnectPacket packet, ConnectRequest request)
    {
        var refusal = new ConnAckPacket { ReasonCode = code };
        if (request.RefusalReason is { } reason && packet.Version == MqttProtocolVersion.V500)
            refusal.ReasonString = reason;
        return refusal;
    }
}
