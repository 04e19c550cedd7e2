using Mqtt.Server.Broker.Flows;
using Mqtt.Server.Broker.Hooks;
using Mqtt.Server.Broker.Rules;

namespace Mqtt.Server;

// Other options on a running broker.
public sealed partial class MqttBroker
{
    private readonly Lock reconfiguring = new();

    /// <summary>
    /// Changes the options of the running broker, all together or, if one is wrong, none:
    /// <code>broker.Reconfigure(options => options with { Limits = options.Limits with { QueueCount = 1000 } });</code>
    /// They hold for whatever begins when this has returned. Nothing that is there is touched: who is connected keeps the limits, the retries and the
    /// window that he connected with, granted subscriptions stay granted, a message that is being asked about is decided by the hooks that were asked.
    /// <list type="bullet">
    /// <item><see cref="MqttBrokerOptions.Hooks"/>: a hook that stays in the list, the same object, goes on as it was. One that comes is told that the broker
    /// runs (<see cref="IBrokerObserver.OnStartedAsync"/>). One that goes is still told what it was to be told, and last that it is over
    /// (<see cref="IBrokerObserver.OnStoppedAsync"/>).</item>
    /// <item><see cref="MqttBrokerOptions.Limits"/>, <see cref="MqttBrokerOptions.RetryIntervals"/>, <see cref="MqttBrokerOptions.InFlightExpiry"/>,
    /// <see cref="MqttBrokerOptions.Authentication"/>: for clients that connect.</item>
    /// <item><see cref="MqttBrokerOptions.SystemInterval"/>: begins anew; switched off, what is retained below <c>$SYS</c> stays as it was told last.</item>
    /// <item>All others: at once.</item>
    /// </list>
    /// Any thread. Changes that are made at the same time are made one after the other.
    /// </summary>
    /// <param name="change">Makes the new options of the present ones. Called again if somebody else was faster.</param>
    /// <exception cref="ArgumentException">
    /// An option is out of its range; or it is one that cannot change: <see cref="MqttBrokerOptions.Store"/>, <see cref="MqttBrokerOptions.TimeProvider"/>,
    /// <see cref="MqttBrokerOptions.Scheduler"/>, <see cref="MqttBrokerOptions.Logger"/>, <see cref="MqttBrokerOptions.CopyPerSubscription"/>, and a
    /// <see cref="DelayedPublish"/> among the hooks. The message names it, and everything stays as it was.
    /// </exception>
    public void Reconfigure(Func<MqttBrokerOptions, MqttBrokerOptions> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        while (true)
        {
            var before = Options;
            var after = change(before) ?? throw new ArgumentException("There are no options.", nameof(change));
            after.Validate();
            ThrowIfFixed(before, after);
            if (TryReconfigure(before, after))
                return;
        }
    }

    private bool TryReconfigure(MqttBrokerOptions before, MqttBrokerOptions after)
    {
        HookTable oldHooks;
        HookTable newHooks;
        lock (reconfiguring)
        {
            if (!ReferenceEquals(Options, before))
                return false;
            oldHooks = context.Hooks;
            newHooks = new HookTable(after, Statistics, heartbeat, oldHooks);
            context.Reconfigure(after, newHooks);
            publishing.Reconfigure();
            connecting.Reconfigure();
            hookedPublishing = HookedPublishFlow.For(context, publishing, delays);
            if (after.SystemInterval != before.SystemInterval)
                systemTopics.Reconfigure();
        }

        newHooks.TellThoseNotIn(oldHooks, this, static (observer, broker) => observer.OnStartedAsync(broker));
        oldHooks.TellThoseNotIn(newHooks, this, static (observer, broker) => observer.OnStoppedAsync(broker));
        return true;
    }

    private static void ThrowIfFixed(MqttBrokerOptions before, MqttBrokerOptions after)
    {
        Check(ReferenceEquals(before.Store, after.Store), nameof(MqttBrokerOptions.Store));
        Check(ReferenceEquals(before.TimeProvider, after.TimeProvider), nameof(MqttBrokerOptions.TimeProvider));
        Check(ReferenceEquals(before.Scheduler, after.Scheduler), nameof(MqttBrokerOptions.Scheduler));
        Check(ReferenceEquals(before.Logger, after.Logger), nameof(MqttBrokerOptions.Logger));
        Check(before.CopyPerSubscription == after.CopyPerSubscription, nameof(MqttBrokerOptions.CopyPerSubscription));
        Check(before.Hooks.OfType<DelayedPublish>().FirstOrDefault() == after.Hooks.OfType<DelayedPublish>().FirstOrDefault(), nameof(DelayedPublish));

        static void Check(bool isSame, string name)
        {
            if (!isSame)
                throw new ArgumentException($"{name} cannot change on a running broker.", name);
        }
    }
}
