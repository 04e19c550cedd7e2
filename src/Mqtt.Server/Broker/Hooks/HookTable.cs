using Microsoft.Extensions.Logging;
using Mqtt.Server.Broker.Rules;
using Mqtt.Server.Time;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>
/// The hooks of a broker by theme, each list in the order of the options. Immutable: a broker that is configured anew has another table, in which
/// hooks that stay have what they were still to be told. A theme that nobody has hooked is <see langword="null"/>, so that an unused event costs one check
/// and nothing else.
/// </summary>
internal sealed class HookTable
{
    private readonly (IBrokerHook Hook, HookRunner Runner)[] all;

    // Those of earlier tables that may still have something to be told.
    private readonly HookRunner[] leaving;
    private readonly Heartbeat heartbeat;
    private readonly BrokerStatistics statistics;
    private readonly ILogger logger;

    public HookTable(MqttBrokerOptions options, BrokerStatistics statistics, Heartbeat heartbeat, HookTable? before = null)
    {
        this.heartbeat = heartbeat;
        this.statistics = statistics;
        logger = options.Logger;
        all = [.. options.Hooks.Select(hook => (hook, before?.RunnerOf(hook) ?? new HookRunner(hook, statistics)))];
        leaving = before is null ? [] : before.Left(this);
        foreach (var (_, runner) in all)
            runner.Options = options;
        Authorization = Of<IAuthorizationHook>();
        Connecting = Of<IConnectionHook>();
        Connections = Of<IConnectionObserver>();
        Subscribing = Of<ISubscriptionHook>();
        Subscriptions = Of<ISubscriptionObserver>();
        Publishing = Of<IMessageHook>();
        Messages = Of<IMessageObserver>();
        Deliveries = Of<IDeliveryObserver>();
        Willing = Of<IWillHook>();
        Wills = Of<IWillObserver>();
        Sessions = Of<ISessionObserver>();
        Retained = Of<IRetainedObserver>();
        Broker = Of<IBrokerObserver>();
        Delayed = options.Hooks.OfType<DelayedPublish>().FirstOrDefault();
    }

    public HookList<IAuthorizationHook>? Authorization { get; }

    public HookList<IConnectionHook>? Connecting { get; }

    public HookList<IConnectionObserver>? Connections { get; }

    public HookList<ISubscriptionHook>? Subscribing { get; }

    public HookList<ISubscriptionObserver>? Subscriptions { get; }

    public HookList<IMessageHook>? Publishing { get; }

    public HookList<IMessageObserver>? Messages { get; }

    public HookList<IDeliveryObserver>? Deliveries { get; }

    public HookList<IWillHook>? Willing { get; }

    public HookList<IWillObserver>? Wills { get; }

    public HookList<ISessionObserver>? Sessions { get; }

    public HookList<IRetainedObserver>? Retained { get; }

    public HookList<IBrokerObserver>? Broker { get; }

    /// <summary>How messages are published later; <see langword="null"/> if they are not.</summary>
    public DelayedPublish? Delayed { get; }

    /// <summary>What a hook gave to choose receivers by threw.</summary>
    public void OnFilterFailed(Exception failure)
    {
        statistics.OnHookFailed();
        logger.ReceiverFilterFailed(failure);
    }

    /// <summary>Tells those observers of the broker that are not in another table.</summary>
    public void TellThoseNotIn(HookTable other, MqttBroker broker, Func<IBrokerObserver, MqttBroker, ValueTask> call)
    {
        var own = all.Where(one => one.Hook is IBrokerObserver && other.RunnerOf(one.Hook) is null).Select(one => ((IBrokerObserver)one.Hook, one.Runner)).ToArray();
        if (own.Length > 0)
            new HookList<IBrokerObserver>(own, heartbeat).Tell(broker, call);
    }

    /// <summary>Completes when every observer has been told what has happened up to now.</summary>
    public Task DrainAsync() => Task.WhenAll(all.Select(hook => hook.Runner.Drained).Concat(leaving.Select(runner => runner.Drained)));

    private HookRunner[] Left(HookTable next) =>
        [.. leaving.Where(runner => !runner.Drained.IsCompleted), .. all.Where(one => next.RunnerOf(one.Hook) is null).Select(one => one.Runner)];

    private HookRunner? RunnerOf(IBrokerHook hook) => Array.Find(all, one => ReferenceEquals(one.Hook, hook)).Runner;

    private HookList<T>? Of<T>()
        where T : class, IBrokerHook
    {
        List<(T, HookRunner)> found = [];
        foreach (var (hook, runner) in all)
        {
            if (hook is T one)
                found.Add((one, runner));
        }

        return found.Count == 0 ? null : new HookList<T>([.. found], heartbeat);
    }
}
