using Mqtt.Protocol;
using Mqtt.Server.Broker.Hooks;
using Mqtt.Server.Broker.Sessions;

namespace Mqtt.Server.Broker.Flows;

/// <summary>Where hooks have a say in SUBSCRIBE and UNSUBSCRIBE: filter by filter, first whether the client may, then what the hooks make of it.</summary>
internal static class SubscribeHooks
{
    public static bool AreNeeded(HookTable hooks) => hooks.Authorization is not null || hooks.Subscribing is not null;

    /// <summary>Asks about a SUBSCRIBE. What comes back is what the client is to get, with the refusals among the answers.</summary>
    public static async ValueTask AskAsync(HookTable hooks, Attachment from, SubscribePlan plan)
    {
        var subscriptions = plan.Subscriptions.ToArray();
        for (var i = 0; i < subscriptions.Length; i++)
        {
            if (hooks.Authorization is { } authorization && !from.BypassesRights && !await authorization.AllowAsync(
                (from, subscription: subscriptions[i]), static (hook, what) => hook.MaySubscribeAsync(what.from, what.subscription)).ConfigureAwait(false))
            {
                plan.Codes[i] = ReasonCode.NotAuthorized;
                continue;
            }

            if (hooks.Subscribing is not { } subscribing)
                continue;
            var request = new SubscribeRequest(from, subscriptions[i], plan.Identifiers[i]);
            var succeeded = await subscribing.AskAsync(request, static (hook, request) => hook.OnSubscribeAsync(request)).ConfigureAwait(false);
            plan.Codes[i] = succeeded ? request.Refusal ?? ReasonCode.Success : ReasonCode.ImplementationSpecificError;
            subscriptions[i] = request.Subscription;
            plan.Identifiers[i] = request.Identifier;
        }

        plan.Subscriptions = subscriptions;
    }

    /// <summary>Asks about an UNSUBSCRIBE, and returns the filters to take out.</summary>
    public static async ValueTask<IReadOnlyList<MqttString>> AskAsync(
        HookList<ISubscriptionHook> hooks, Attachment from, IReadOnlyList<MqttString> filters, ReasonCode[] codes)
    {
        var result = filters.ToArray();
        for (var i = 0; i < result.Length; i++)
        {
            var request = new UnsubscribeRequest(from, result[i]);
            var succeeded = await hooks.AskAsync(request, static (hook, request) => hook.OnUnsubscribeAsync(request)).ConfigureAwait(false);
            codes[i] = succeeded ? request.Refusal ?? ReasonCode.Success : ReasonCode.ImplementationSpecificError;
            result[i] = request.Filter;
        }

        return result;
    }

    /// <summary>Tells what became of a SUBSCRIBE.</summary>
    public static void Tell(HookTable hooks, Attachment from, SubscribePlan plan)
    {
        if (hooks.Subscriptions is not { } observers || !from.IsConnected)
            return;
        for (var i = 0; i < plan.Codes.Length; i++)
        {
            var subscription = plan.Subscriptions[i] with { Filter = plan.Subscriptions[i].Filter.ToOwned() };
            observers.Tell((from, subscription, code: plan.Codes[i]), static (observer, what) => observer.OnSubscribedAsync(what.from, what.subscription, what.code));
        }
    }

    /// <summary>Tells what became of an UNSUBSCRIBE.</summary>
    public static void Tell(HookTable hooks, Attachment from, IReadOnlyList<MqttString> filters, ReasonCode[] codes)
    {
        if (hooks.Subscriptions is not { } observers || !from.IsConnected)
            return;
        for (var i = 0; i < codes.Length; i++)
            observers.Tell((from, filter: filters[i].ToOwned(), code: codes[i]), static (observer, what) => observer.OnUnsubscribedAsync(what.from, what.filter, what.code));
    }
}
